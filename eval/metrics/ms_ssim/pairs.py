"""MS-SSIM of chosen pairs, and of pairs drawn from a set too large for all of them."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from eval.metrics.ms_ssim.all_pairs import PairScores, all_pairs, check_images
from eval.metrics.ms_ssim.maps import filtered, gaussian, halved
from eval.metrics.ms_ssim.variant import Variant

BATCH = 64  # pairs held at once


def sampled_pairs(
    images: np.ndarray,
    variant: Variant,
    pairs: int,
    draws: np.random.Generator,
    probes: np.ndarray | None = None,
    device: torch.device | str = "cpu",
) -> PairScores:
    """Score distinct pairs drawn at random: an incomplete U-statistic (Blom 1976).

    Of the images given, every pair has one value, and the pairs are a simple random sample of these
    values without replacement. Its mean is therefore unbiased for the mean over all pairs, and
    ``error`` is the textbook one, sqrt((1 - M / T) s^2 / M) of M pairs out of T: pairs that share
    an image are alike, which widens s but leaves the draws as they are. How far other images would
    move both means is not in it, as it is not in the value of all pairs; see Lee (1990), U-
    Statistics, section 4.3, for the two parts of the variance.

    Args:
        images: uint8 (N, H, W, 3), H = W = ``variant.size``.
        pairs: how many to draw, at least 2; a set that has no more of them is scored whole.
        probes: int (M, 2), further pairs whose values are returned.

    Raises:
        UserError: images of another dtype, shape or size.
    """
    check_images(images, variant.size)
    n = len(images)
    if pairs >= n * (n - 1) // 2:
        return all_pairs(images, variant, probes, device)
    chosen = draw_pairs(n, pairs, draws)
    values, negative = score_pairs(images, chosen, variant, device)
    probed = np.empty(0) if probes is None else score_pairs(images, probes, variant, device)[0]
    mean, error = sample_mean(values, n * (n - 1) // 2)
    return PairScores(n, ((n - 1) * mean + 1) / n, mean, float(negative.mean()), probed, error)


def draw_pairs(n: int, count: int, draws: np.random.Generator) -> np.ndarray:
    """Draw different pairs (i, j), i < j, of n images, all sets of pairs alike: int (count, 2)."""
    numbers = draws.choice(n * (n - 1) // 2, count, replace=False)
    # Pair (i, j) has the number j (j - 1) / 2 + i; the root is rounded, hence one step back or on.
    j = ((1 + np.sqrt(1.0 + 8.0 * numbers)) / 2).astype(np.int64)
    j -= j * (j - 1) // 2 > numbers
    j += j * (j + 1) // 2 <= numbers
    return np.stack([numbers - j * (j - 1) // 2, j], axis=1)


def sample_mean(values: np.ndarray, total: int) -> tuple[float, float]:
    """Return the mean of a simple random sample out of ``total`` values, and its standard error."""
    share = len(values) / total
    error = math.sqrt((1 - share) * values.var(ddof=1) / len(values))
    return float(values.mean()), error


@torch.inference_mode()
def score_pairs(
    images: np.ndarray, pairs: np.ndarray, variant: Variant, device: torch.device | str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the MS-SSIM of M pairs, float64 (M,), and whether each had a negative factor.

    Args:
        images: uint8 (N, H, W, 3).
        pairs: int (M, 2), indices of images.
    """
    parts = [
        _scored(*(torch.from_numpy(images[side]).to(device) for side in part.T), variant)
        for part in np.split(pairs, range(BATCH, len(pairs), BATCH))
    ]
    values, negative = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
    return values, negative


def _scored(first: Tensor, second: Tensor, variant: Variant) -> tuple[Tensor, Tensor]:
    """Score pairs, uint8 (M, H, W, 3) each, in float64.

    With s = x + y and d = x - y, 2 Cov(x, y) = (Var s - Var d) / 2, Var x + Var y = (Var s + Var d)
    / 2, and the same holds of products and squares of means. So two images take four filters.
    """
    low, high = variant.pixel_range
    # Images and channels innermost, as in eval.metrics.ms_ssim.maps: (H, W, M * 3).
    x, y = (
        image.permute(1, 2, 0, 3).flatten(2).double() * ((high - low) / 255.0) + low
        for image in (first, second)
    )
    both = [x + y, x - y]
    product = torch.ones_like(both[0][0, 0])
    negative = product < 0
    for scale in variant.scales:
        if len(both[0]) != scale.side:
            both = [halved(part) for part in both]
        line = gaussian(scale.window, scale.sigma).to(x.device)
        squares = [filtered(part, line).square() for part in both]
        variances = [
            filtered(part.square(), line) - square
            for part, square in zip(both, squares, strict=True)
        ]
        ratio = _ratio(*variances, variant.c2)
        if scale is variant.scales[-1]:
            ratio *= _ratio(*squares, variant.c1)
        factor = ratio.mean(dim=(0, 1))
        negative |= factor < 0
        product *= (factor.clamp(min=0) if variant.clamp else factor) ** scale.weight
    return product.view(-1, 3).mean(dim=1), negative.view(-1, 3).any(dim=1)


def _ratio(sums: Tensor, differences: Tensor, constant: float) -> Tensor:
    return ((sums - differences) / 2 + constant) / ((sums + differences) / 2 + constant)

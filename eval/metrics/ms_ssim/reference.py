"""MS-SSIM of single pairs in float64 by independent code, to check the all-pairs algorithm."""

from __future__ import annotations

import numpy as np
import torch
from pytorch_msssim.ssim import _ssim
from scipy.ndimage import correlate1d
from torch.nn import functional as F

from dlvae.stage.errors import UserError
from eval.metrics.ms_ssim.variant import Scale, Variant


def reference_pairs(
    first: np.ndarray, second: np.ndarray, variant: Variant
) -> tuple[np.ndarray, np.ndarray]:
    """Score M pairs by the code that ``variant.reference`` names.

    Args:
        first, second: uint8 (M, H, W, 3); pair m is ``first[m]`` with ``second[m]``.

    Returns:
        MS-SSIM (M,), and the smallest absolute factor of each pair over scales and channels (M,):
        near 0 a power with a small exponent magnifies rounding without bound.
    """
    x, y = _ranged(first, variant), _ranged(second, variant)
    factors = _FACTORS[variant.reference](x, y, variant)
    weights = np.array([scale.weight for scale in variant.scales])
    with np.errstate(invalid="ignore"):
        powers = (np.maximum(factors, 0) if variant.clamp else factors) ** weights
    return powers.prod(axis=2).mean(axis=1), np.abs(factors).min(axis=(1, 2))


def _ranged(images: np.ndarray, variant: Variant) -> np.ndarray:
    """uint8 (M, H, W, 3) -> float64 (M, 3, H, W) in the variant's pixel range."""
    low, high = variant.pixel_range
    return images.transpose(0, 3, 1, 2) / 255.0 * (high - low) + low


def _by_pytorch_msssim(first: np.ndarray, second: np.ndarray, variant: Variant) -> np.ndarray:
    """Factors (M, 3, scales): that package's ``_ssim`` and its pooling.

    Its ``ms_ssim`` is made of these, but refuses images below 16 windows a side. Its window is
    normalised in float32, which in float64 would be the largest error of all, so ours is used.
    """
    if any(scale.window % 2 == 0 for scale in variant.scales):
        raise UserError("reference pytorch_msssim: expected odd windows; use reference: literal")
    x, y = torch.from_numpy(first), torch.from_numpy(second)
    factors = []
    for index, scale in enumerate(variant.scales):
        window = torch.from_numpy(window_line(scale)).repeat(3, 1, 1, 1)
        whole, structure = _ssim(
            x, y, variant.data_range, window, size_average=False, K=(variant.k1, variant.k2)
        )
        last = index == len(variant.scales) - 1
        factors.append(whole if last else structure)
        x, y = (F.avg_pool2d(image, kernel_size=2) for image in (x, y))
    return torch.stack(factors, dim=-1).numpy()


def _literal(first: np.ndarray, second: np.ndarray, variant: Variant) -> np.ndarray:
    """Factors (M, 3, scales), pair by pair, as the definition reads."""
    factors = np.empty((len(first), first.shape[1], len(variant.scales)))
    for pair, (x, y) in enumerate(zip(first, second, strict=True)):
        for index, scale in enumerate(variant.scales):
            structure, light = ssim_maps(x, y, scale, variant)
            last = index == len(variant.scales) - 1
            factors[pair, :, index] = (light * structure if last else structure).mean(axis=(1, 2))
            x, y = 0.25 * _sum_of_four(x), 0.25 * _sum_of_four(y)
    return factors


def ssim_maps(
    x: np.ndarray, y: np.ndarray, scale: Scale, variant: Variant
) -> tuple[np.ndarray, np.ndarray]:
    """Contrast-structure and luminance maps of two images, or of stacks of them, (..., H, W).

    Returns:
        Two arrays (..., rows, columns), one location per window that fits; their product is SSIM.
    """
    moments = np.stack([x, y, x * x, y * y, x * y])
    mean_x, mean_y, xx, yy, xy = _windowed(_windowed(moments, scale, -2), scale, -1)
    variances = xx - mean_x**2 + yy - mean_y**2
    structure = (2 * (xy - mean_x * mean_y) + variant.c2) / (variances + variant.c2)
    light = (2 * mean_x * mean_y + variant.c1) / (mean_x**2 + mean_y**2 + variant.c1)
    return structure, light


def window_line(scale: Scale) -> np.ndarray:
    """Return the Gaussian window of a scale along one axis, float64 (window,), of sum 1."""
    at = np.arange(scale.window) - (scale.window - 1) / 2
    line = np.exp(-(at**2) / (2 * scale.sigma**2))
    return line / line.sum()


def _windowed(values: np.ndarray, scale: Scale, axis: int) -> np.ndarray:
    """Gaussian means along one axis, of the windows that fit."""
    means = correlate1d(values, window_line(scale), axis, mode="constant")
    # SciPy centres a window on its element of index window // 2 and pads what it lacks.
    first = scale.window // 2
    return np.take(means, range(first, first + scale.side - scale.window + 1), axis)


def _sum_of_four(image: np.ndarray) -> np.ndarray:
    """Sums of 2 x 2 neighbours of (3, H, W)."""
    rows = image[:, 0::2] + image[:, 1::2]
    return rows[:, :, 0::2] + rows[:, :, 1::2]


_FACTORS = {"pytorch_msssim": _by_pytorch_msssim, "literal": _literal}

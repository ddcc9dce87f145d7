"""What MS-SSIM turns into where its constants outweigh the images: a weighted squared error."""

from __future__ import annotations

import numpy as np
import torch

from eval.metrics.ms_ssim.maps import filtered, gaussian, halved
from eval.metrics.ms_ssim.variant import Variant


def weighted_squared_error(first: np.ndarray, second: np.ndarray, variant: Variant) -> np.ndarray:
    """First-order term of 1 - MS-SSIM of M pairs in pixels over C1 and C2; exact as they grow.

    The contrast-structure map is 1 - Var(x - y) / (Var x + Var y + C2) and the luminance map
    1 - (difference of means)^2 / (squares of means + C1). With the images' own moments left out
    of the denominators, what remains is a quadratic form in the difference x - y: over scales s,
    w_s * mean Var_s(x - y) / C2, and at the last one also w_s * mean (mean_s(x - y))^2 / C1.

    Args:
        first, second: uint8 (M, H, W, 3); pair m is ``first[m]`` with ``second[m]``.

    Returns:
        float64 (M,), mean over channels.
    """
    low, high = variant.pixel_range
    pixels = (first.astype(np.float64) - second) * ((high - low) / 255.0)
    # Images innermost, as in eval.metrics.ms_ssim.maps: (H, W, M * 3).
    rest = torch.from_numpy(pixels).permute(1, 2, 0, 3).flatten(2, 3)
    error = torch.zeros(rest.shape[-1], dtype=torch.float64)
    for scale in variant.scales:
        if len(rest) != scale.side:
            rest = halved(rest)
        line = gaussian(scale.window, scale.sigma)
        mean = filtered(rest, line)
        variance = filtered(rest.square(), line) - mean.square()
        error += scale.weight / variant.c2 * variance.mean(dim=(0, 1))
        if scale is variant.scales[-1]:
            error += scale.weight / variant.c1 * mean.square().mean(dim=(0, 1))
    return error.view(len(first), 3).mean(dim=1).numpy()


def squared_error(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mean squared error of M pairs, uint8 (M, H, W, 3), over pixels and channels: float64 (M,)."""
    return np.square(first.astype(np.float64) - second).mean(axis=(1, 2, 3))

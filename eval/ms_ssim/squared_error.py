"""What MS-SSIM turns into where its constants outweigh the images: a weighted squared error."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from eval.ms_ssim.maps import gaussian
from eval.ms_ssim.variant import Variant


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
    rest = torch.from_numpy(pixels).permute(0, 3, 1, 2).flatten(0, 1)[:, None]
    error = torch.zeros(len(rest), dtype=torch.float64)
    for scale in variant.scales:
        if rest.shape[-1] != scale.side:
            rest = F.avg_pool2d(rest, 2)
        line = gaussian(scale.window, scale.sigma)
        window = torch.outer(line, line)[None, None]
        mean = F.conv2d(rest, window)
        variance = F.conv2d(rest.square(), window) - mean.square()
        error += scale.weight / variant.c2 * variance.mean(dim=(1, 2, 3))
        if scale is variant.scales[-1]:
            error += scale.weight / variant.c1 * mean.square().mean(dim=(1, 2, 3))
    return error.view(len(first), 3).mean(dim=1).numpy()


def squared_error(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mean squared error of M pairs, uint8 (M, H, W, 3), over pixels and channels: float64 (M,)."""
    return np.square(first.astype(np.float64) - second).mean(axis=(1, 2, 3))

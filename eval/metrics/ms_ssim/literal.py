"""SSIM and MS-SSIM of single pairs in float64, as the definition reads."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d

from eval.metrics.ms_ssim.variant import Scale, Variant


def ms_ssim_of_pairs(first: np.ndarray, second: np.ndarray, variant: Variant) -> np.ndarray:
    """Return the MS-SSIM of M pairs, float64 (M,), NaN where a negative factor has no power.

    Args:
        first, second: uint8 (M, H, W, 3); pair m is ``first[m]`` with ``second[m]``.
    """
    return joined(
        factors_of_pairs(ranged(first, variant), ranged(second, variant), variant), variant
    )


def ranged(images: np.ndarray, variant: Variant) -> np.ndarray:
    """uint8 (M, H, W, 3) -> float64 (M, 3, H, W) in the variant's pixel range."""
    low, high = variant.pixel_range
    return images.transpose(0, 3, 1, 2) / 255.0 * (high - low) + low


def factors_of_pairs(first: np.ndarray, second: np.ndarray, variant: Variant) -> np.ndarray:
    """Return the factors (M, 3, scales) of pairs of `ranged` images (M, 3, H, W)."""
    factors = np.empty((len(first), first.shape[1], len(variant.scales)))
    for pair, (x, y) in enumerate(zip(first, second, strict=True)):
        for index, scale in enumerate(variant.scales):
            structure, light = ssim_maps(x, y, scale, variant)
            last = index == len(variant.scales) - 1
            factors[pair, :, index] = (light * structure if last else structure).mean(axis=(1, 2))
            x, y = 0.25 * _sum_of_four(x), 0.25 * _sum_of_four(y)
    return factors


def joined(factors: np.ndarray, variant: Variant) -> np.ndarray:
    """Join factors (M, 3, scales): their powers multiplied, the mean over channels, (M,)."""
    weights = np.array([scale.weight for scale in variant.scales])
    with np.errstate(invalid="ignore"):
        powers = (np.maximum(factors, 0) if variant.clamp else factors) ** weights
    return powers.prod(axis=2).mean(axis=1)


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

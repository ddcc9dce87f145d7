"""How near a filled region of images comes to what was there (Figure 7)."""

from __future__ import annotations

import numpy as np

from eval.metrics.ms_ssim.literal import ssim_maps
from eval.metrics.ms_ssim.variant import Scale, Variant

ROUNDING = 1 / 12  # mean squared error of rounding to whole grey levels
WINDOW, SIGMA = 11, 1.5
SSIM_CHUNK = 64  # pairs whose maps are held at a time


def masked_psnr(original: np.ndarray, found: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio over the masked pixels of uint8 images, float64 (N,), in dB.

    10 log10(255^2 / mse) with the mse over the pixels and channels of ``mask``, and no lower than
    that of rounding: at most 58.9 dB, where an exact copy would have infinitely many.
    """
    pairs = zip(original[:, mask], found[:, mask], strict=True)
    mse = np.array([np.mean((x.astype(np.float64) - y) ** 2) for x, y in pairs])
    return 10 * np.log10(255**2 / np.maximum(mse, ROUNDING))


def masked_ssim(original: np.ndarray, found: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """SSIM of uint8 images (N, H, W, 3) over the windows that touch the mask, float64 (N,).

    Wang et al. 2004: an 11 x 11 Gaussian window of standard deviation 1.5, K1 = 0.01, K2 = 0.03,
    L = 255; the mean over channels and over the windows that fit into the image and hold at least
    one masked pixel. The known pixels in such windows are the same in both images.
    """
    size = original.shape[1]
    scale = Scale(size, min(WINDOW, size), SIGMA, 1.0)
    variant = Variant((scale,), (0.0, 255.0), 255.0, 0.01, 0.03, False)
    touched = np.lib.stride_tricks.sliding_window_view(mask, (scale.window,) * 2).any(axis=(2, 3))
    scores = []
    for start in range(0, len(original), SSIM_CHUNK):
        chunk = slice(start, start + SSIM_CHUNK)
        x, y = (images[chunk].transpose(0, 3, 1, 2).astype(float) for images in (original, found))
        structure, light = ssim_maps(x, y, scale, variant)
        scores.append((structure * light)[:, :, touched].mean(axis=(1, 2)))
    return np.concatenate(scores)

"""MS-SSIM by other code in float64: all values of a set, and single pairs by pytorch-msssim."""

import numpy as np
import torch
from pytorch_msssim.ssim import _ssim
from torch.nn import functional as F

from eval.metrics.ms_ssim.all_pairs import pair_blocks
from eval.metrics.ms_ssim.literal import factors_of_pairs, joined, ranged, window_line


def matrix(images, variant, device="cpu", limits=None):
    """All values of `all_pairs` as a symmetric matrix with ones on the diagonal."""
    values = np.eye(len(images))
    for rows, columns, found, _ in pair_blocks(images, variant, torch.device(device), limits):
        values[rows, columns] += found.cpu().numpy()
    return np.maximum(values, values.T)


def by_pytorch_msssim(x, y, variant):
    """Factors (M, 3, scales) of images (M, 3, H, W): that package's ``_ssim`` and its pooling.

    Its ``ms_ssim`` is made of these, but refuses images below 16 windows a side, and windows of
    even sides. Its window is normalised in float32, which in float64 would be the largest error of
    all, so ours is used.
    """
    x, y, factors = torch.from_numpy(x), torch.from_numpy(y), []
    for scale in variant.scales:
        window = torch.from_numpy(window_line(scale)).repeat(3, 1, 1, 1)
        constants = variant.k1, variant.k2
        whole, structure = _ssim(x, y, variant.data_range, window, size_average=False, K=constants)
        factors.append(whole if scale is variant.scales[-1] else structure)
        x, y = (F.avg_pool2d(image, kernel_size=2) for image in (x, y))
    return torch.stack(factors, dim=-1).numpy()


FACTORS = {"pytorch_msssim": by_pytorch_msssim, "literal": factors_of_pairs}


def reference_pairs(first, second, variant, reference="literal"):
    """Score M pairs, uint8 (M, H, W, 3) each, by the code that a protocol names.

    Returns MS-SSIM (M,), and the smallest absolute factor of each pair over scales and channels:
    near 0 a power with a small exponent magnifies rounding without bound.
    """
    factors = FACTORS[reference](ranged(first, variant), ranged(second, variant), variant)
    return joined(factors, variant), np.abs(factors).min(axis=(1, 2))

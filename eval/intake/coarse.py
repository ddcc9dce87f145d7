"""Coarse views of images: what recompression leaves as it is and another picture changes.

JPEG spares low frequencies and luminance, and often halves the resolution of colour; so luminance
is averaged over a grid of 16 x 16 cells and colour over 4 x 4. The mean luminance is taken out:
brightness is no content.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, pad

LUMINANCE, COLOUR = 16, 4  # cells a side

VIEWS = 18
"""An image and its mirror image, each as it is and moved by a pixel in eight directions."""

BATCH = 512

# RGB to luminance and the two colour differences, as JPEG has them (JFIF, ITU-R BT.601).
YCBCR = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)


def coarse(images: np.ndarray) -> np.ndarray:
    """Describe uint8 (N, H, W, 3) images: float32 (N, D).

    The distance of two descriptions is the root of the mean squared difference over cells, of
    luminance and both colour differences together, all in units of 255 levels.
    """
    starts = range(0, len(images), BATCH)
    parts = [_pooled(_planes(images[start : start + BATCH])) for start in starts]
    return torch.cat(parts).numpy()


def views(images: np.ndarray) -> Tensor:
    """Describe all views of uint8 (N, H, W, 3) images: float32 (N, VIEWS, D), memory for each.

    Pixels beyond the border repeat the outermost ones.
    """
    planes = pad(_planes(images), (1, 1, 1, 1), mode="replicate")
    height, width = images.shape[1:3]
    moved = [
        side[:, :, down : down + height, right : right + width]
        for side in (planes, planes.flip(3))
        for down, right in itertools.product(range(3), repeat=2)
    ]
    return torch.stack([_pooled(each) for each in moved], dim=1)


def _planes(images: np.ndarray) -> Tensor:
    pixels = torch.from_numpy(np.ascontiguousarray(images)).float() / 255
    return (pixels @ torch.tensor(YCBCR).T).permute(0, 3, 1, 2)


def _pooled(planes: Tensor) -> Tensor:
    size = min(planes.shape[2:])
    luminance = _cells(planes[:, :1], min(LUMINANCE, size))
    luminance = luminance - luminance.mean(dim=1, keepdim=True)
    return torch.cat([luminance, _cells(planes[:, 1:], min(COLOUR, size))], dim=1)


def _cells(planes: Tensor, grid: int) -> Tensor:
    # Divided by the side of the grid: squares then sum up to their mean over the cells.
    return adaptive_avg_pool2d(planes, grid).flatten(1) / grid

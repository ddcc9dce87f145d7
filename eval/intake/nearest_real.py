"""Near-copies of real images, told by their pixels: no network judges.

A generated image is a copy where it is far nearer to one real image than to the next ones, as in
Carlini et al., *Extracting training data from diffusion models* (2023), who compare with the mean
over the nearest images too. The ratio has no scale, so it holds for strokes of digits that all
look alike and for photographs; images that are near to many real ones at once, as blurred or
averaged ones are, keep a ratio near 1.

Images are compared by what recompression leaves as it is and another picture changes. JPEG spares
low frequencies and luminance, and often halves the resolution of colour; so luminance is averaged
over a grid of 16 x 16 cells and colour over 4 x 4. The mean luminance is taken out: brightness is
no content.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, pad

from dlvae.stage.errors import UserError
from eval.metrics.sets.distances import BY_PRODUCTS, ELEMENTS, Where, distance_blocks

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

NEIGHBOURS = 20
"""Next real images that the nearest one is compared with."""

CANDIDATES = 50
"""Nearest real images that views moved by a pixel are compared with: a move of thin strokes can
put the original behind others."""

ROWS = 128  # images whose views are held at once


@dataclass(frozen=True)
class Nearest:
    """The nearest real image of each of N images.

    Attributes:
        ratio: float64 (N,), its distance over the mean distance of the next real images, under the
            best of the :func:`views`; 0 for a copy, near 1 for a new image.
        index: int64 (N,), which one.
    """

    ratio: np.ndarray
    index: np.ndarray


def nearest_real(
    images: np.ndarray,
    real: np.ndarray,
    device: Where = "cpu",
    elements: int = ELEMENTS,
) -> Nearest:
    """Find the nearest of the real images, mirrored and moved by a pixel or not.

    Args:
        images: uint8 (N, H, W, 3).
        real: float32 (M, D) of :func:`described`, of different images; M > 1.
        elements: numbers of a distance matrix held at once.

    Raises:
        UserError: fewer than two real images.
    """
    if len(real) < 2:
        raise UserError(
            f"expected at least 2 different real images to search for copies, found {len(real)}; "
            "prepare a data set with more images"
        )
    ratio, index = np.empty(len(images)), np.empty(len(images), np.int64)
    references = torch.from_numpy(real).to(device)
    both = (described(images), described(images[:, :, ::-1]))
    blocks = (distance_blocks(queries, real, device, elements) for queries in both)
    for (rows, plain), (_, mirrored) in zip(*blocks, strict=True):
        distances = torch.minimum(plain, mirrored)
        near = distances.topk(min(CANDIDATES, len(real)), largest=False).indices
        for start in range(rows.start, rows.stop, ROWS):
            part = slice(start, min(start + ROWS, rows.stop))
            candidates = near[part.start - rows.start : part.stop - rows.start]
            found = _refined(images[part], references, candidates)
            ratio[part], index[part] = (values.cpu().numpy() for values in found)
    return Nearest(ratio, index)


def _refined(images: np.ndarray, references: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    ours = views(images).to(references.device).double()
    theirs = references[candidates].double()
    distances = torch.cdist(ours, theirs, compute_mode=BY_PRODUCTS).amin(dim=1)
    distances, order = distances.sort(dim=1)
    others = distances[:, 1 : 1 + NEIGHBOURS].mean(dim=1)
    # Where all are equally near at 0 the image is a copy of any of them.
    ratio = torch.where(others > 0, distances[:, 0] / others, 0.0)
    return ratio, candidates.gather(1, order[:, :1])[:, 0]


def described(images: np.ndarray) -> np.ndarray:
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

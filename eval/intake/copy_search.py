"""Near-copies of real images, told by their pixels: no network judges.

A generated image is a copy where it is far nearer to one real image than to the next ones, as in
Carlini et al., *Extracting training data from diffusion models* (2023), who compare with the mean
over the nearest images too. The ratio has no scale, so it holds for strokes of digits that all
look alike and for photographs; images that are near to many real ones at once, as blurred or
averaged ones are, keep a ratio near 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dlvae.stage.errors import UserError
from eval.intake.coarse import coarse, views
from eval.metrics.sets.distances import BY_PRODUCTS, ELEMENTS, Where, distance_blocks

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
            best of the views of :func:`eval.intake.coarse.views`; 0 for a copy, near 1 for a new
            image.
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
        real: float32 (M, D) of :func:`eval.intake.coarse.coarse`, of different images; M > 1.
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
    both = (coarse(images), coarse(images[:, :, ::-1]))
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


def _refined(
    images: np.ndarray, references: torch.Tensor, candidates: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    ours = views(images).to(references.device).double()
    theirs = references[candidates].double()
    distances = torch.cdist(ours, theirs, compute_mode=BY_PRODUCTS).amin(dim=1)
    distances, order = distances.sort(dim=1)
    others = distances[:, 1 : 1 + NEIGHBOURS].mean(dim=1)
    # Where all are equally near at 0 the image is a copy of any of them.
    ratio = torch.where(others > 0, distances[:, 0] / others, 0.0)
    return ratio, candidates.gather(1, order[:, :1])[:, 0]

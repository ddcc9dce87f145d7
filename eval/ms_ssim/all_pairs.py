"""MS-SSIM of all pairs of a set of images, exact; see :mod:`eval.ms_ssim.maps` for how."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dlvae.errors import UserError
from eval.ms_ssim.maps import Tile, Workspace, halved, scale_factors
from eval.ms_ssim.variant import Variant

ALIGN = 16  # images per row are padded to whole cache lines of float32


@dataclass(frozen=True)
class Limits:
    """Sizes of the pieces that the work is cut into; they change speed and memory, not values.

    Attributes:
        block: images whose pairs are taken together; bounds the memory whatever N is.
        tile: side of the squares of pairs within a block; only those of the upper triangle are
            computed.
        elements: float32 numbers of a map (locations x pairs) held at once.
    """

    block: int
    tile: int
    elements: int


LIMITS = {"cpu": Limits(512, 128, 1 << 18), "cuda": Limits(2048, 512, 1 << 26)}


@dataclass(frozen=True)
class PairScores:
    """MS-SSIM over the pairs of a set of N images.

    Attributes:
        n: number of images.
        mean: over all ordered pairs, the N self pairs (1 each) included: the sum of Eq. 12.
        off_diagonal: mean over pairs of two different images; NaN for one image.
        clamped_share: share of those pairs with a negative factor at some scale and channel.
        probed: values of the pairs asked for.
    """

    n: int
    mean: float
    off_diagonal: float
    clamped_share: float
    probed: np.ndarray


@torch.inference_mode()
def all_pairs(
    images: np.ndarray,
    variant: Variant,
    probes: np.ndarray | None = None,
    device: torch.device | str = "cpu",
    limits: Limits | None = None,
) -> PairScores:
    """Score every pair of a set of images.

    Args:
        images: uint8 (N, H, W, 3), H = W = ``variant.size``.
        probes: int (M, 2), pairs (i, j) with i != j whose values are returned.

    Raises:
        UserError: images of another dtype, shape or size.
    """
    _check(images, variant.size)
    device, n = torch.device(device), len(images)
    limits = limits or LIMITS[device.type]
    probes = np.sort(np.empty((0, 2), int) if probes is None else probes, axis=1)
    total, clamped, probed = 0.0, 0, np.full(len(probes), np.nan)
    starts = range(0, n, limits.block)
    with _full_precision():
        for first, second in ((a, b) for a in starts for b in starts if a <= b):
            part, other = (
                _pixels(images[start : start + limits.block], variant, device)
                for start in (first, second)
            )
            other = None if first == second else other
            for tile, values, negative in _block(part, other, variant, limits):
                total += float(values.sum(dtype=torch.float64))
                clamped += int(negative.sum())
                at = probes - (first + tile.rows.start, second + tile.columns.start)
                inside = ((at >= 0) & (at < tile.shape)).all(axis=1)
                probed[inside] = values.cpu().numpy()[tuple(at[inside].T)]
    pairs = n * (n - 1) // 2
    return PairScores(
        n,
        (2.0 * total + n) / n**2,
        total / pairs if pairs else float("nan"),
        clamped / pairs if pairs else 0.0,
        probed,
    )


def _check(images: np.ndarray, size: int) -> None:
    if images.dtype != np.uint8:
        raise UserError(
            f"expected images of dtype uint8 (0 to 255), found {images.dtype}: floats could be "
            "scored with the wrong range"
        )
    if images.ndim != 4 or images.shape[1:] != (size, size, 3) or len(images) == 0:
        raise UserError(
            f"expected images of shape (N, {size}, {size}, 3) with N > 0, found {images.shape}"
        )


@contextmanager
def _full_precision() -> Iterator[None]:
    """Keep float32 products in float32, whatever the process allows for training."""
    allowed = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(allowed)


def _pixels(images: np.ndarray, variant: Variant, device: torch.device) -> tuple[Tensor, int]:
    """Return float32 (3, H, W, N padded) in ``variant.pixel_range``, images innermost; and N."""
    low, high = variant.pixel_range
    pixels = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(3, 1, 2, 0)
    padded = torch.zeros((*pixels.shape[:3], -(-len(images) // ALIGN) * ALIGN), device=device)
    padded[..., : len(images)] = pixels
    return padded.mul_((high - low) / 255.0).add_(low), len(images)


def _block(
    part: tuple[Tensor, int], other: tuple[Tensor, int] | None, variant: Variant, limits: Limits
) -> Iterator[tuple[Tile, Tensor, Tensor]]:
    """Yield each tile of pairs between two parts, its MS-SSIM and whether a factor was negative.

    Args:
        part: pixels and number of images.
        other: the same of the second part; None for the pairs within ``part``, each taken once,
            where values outside the upper triangle are 0.
    """
    tiles = _tiles(part[1], part[1] if other is None else other[1], other is None, limits.tile)
    pixels = [part[0]] if other is None else [part[0], other[0]]
    workspace = Workspace(limits.elements, part[0].device)
    values = [part[0].new_zeros(tile.shape) for tile in tiles]
    negative = [value.bool() for value in values]
    channels = len(part[0])
    for channel in range(channels):
        sides = [side[channel] for side in pixels]
        products = [torch.ones_like(value) for value in values]
        for scale in variant.scales:
            last = scale is variant.scales[-1]
            factors = scale_factors(sides, scale, variant, last, tiles, workspace)
            for product, factor, below in zip(products, factors, negative, strict=True):
                below.logical_or_(factor < 0)
                if variant.clamp:
                    factor.clamp_(min=0)
                product.mul_(factor.pow_(scale.weight))
            sides = sides if last else [halved(side) for side in sides]
        for value, product in zip(values, products, strict=True):
            value.add_(product, alpha=1 / channels)
    for tile, value, below in zip(tiles, values, negative, strict=True):
        diagonal = other is None and tile.rows == tile.columns
        yield (tile, value.triu(1), below.triu(1)) if diagonal else (tile, value, below)


def _tiles(rows: int, columns: int, same: bool, side: int) -> list[Tile]:
    """Cut rows x columns pairs into squares; only those of the upper triangle where ``same``."""
    across, down = (
        [slice(start, min(start + side, count)) for start in range(0, count, side)]
        for count in (columns, rows)
    )
    return [Tile(r, c) for r in down for c in across if not same or r.start <= c.start]

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


@dataclass(frozen=True)
class Limits:
    """Sizes of the pieces that the work is cut into; they change speed and memory, not values.

    Attributes:
        group: images whose patches are cut together; the pairs of two groups are a tile, and only
            tiles of the upper triangle are computed.
        groups: groups whose tiles are computed together; bounds the memory whatever N is.
        elements: float32 numbers of a map (locations x pairs) held at once.
    """

    group: int
    groups: int
    elements: int


CHANNELS = 3
ALIGN = 16  # float32 numbers of a cache line
LIMITS = {"cpu": Limits(128, 4, 1 << 19), "cuda": Limits(512, 4, 1 << 26)}


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
    members = _groups(n, limits.group)
    with _full_precision():
        for numbers, tiles in _blocks(len(members), limits.groups):
            pixels = {i: _pixels(images[members[i]], variant, device) for i in numbers}
            for (i, j), values, negative in _scored(pixels, tiles, variant, limits.elements):
                total += float(values.sum(dtype=torch.float64))
                clamped += int(negative.sum())
                at = probes - (members[i].start, members[j].start)
                inside = ((at >= 0) & (at < tuple(values.shape))).all(axis=1)
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


def _groups(n: int, most: int) -> list[slice]:
    """Cut n images into groups of nearly equal size, each of at most ``most``."""
    size = -(-n // -(-n // most))
    # Rows of whole cache lines multiply faster; the last group takes what is left.
    size = min(most, -(-size // ALIGN) * ALIGN)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _blocks(count: int, together: int) -> Iterator[tuple[list[int], list[Tile]]]:
    """Yield groups to hold at once, and tiles between them; every tile i <= j once in all."""
    blocks = [range(start, min(start + together, count)) for start in range(0, count, together)]
    for number, first in enumerate(blocks):
        for second in blocks[number:]:
            tiles = [(i, j) for i in first for j in second if i <= j]
            yield sorted({*first, *second}), tiles


def _pixels(images: np.ndarray, variant: Variant, device: torch.device) -> Tensor:
    """uint8 (N, H, W, 3) -> float32 (3, H, W, N) in the variant's range, images innermost."""
    low, high = variant.pixel_range
    pixels = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(3, 1, 2, 0)
    return pixels.float().contiguous().mul_((high - low) / 255.0).add_(low)


def _scored(
    pixels: dict[int, Tensor], tiles: list[Tile], variant: Variant, elements: int
) -> Iterator[tuple[Tile, Tensor, Tensor]]:
    """Yield each tile, its MS-SSIM (N_i, N_j) and whether a factor was negative.

    Of a group's tile with itself, values outside the upper triangle are 0: each pair counts once.
    """
    device = next(iter(pixels.values())).device
    workspace = Workspace(elements, device)
    shapes = [(pixels[i].shape[-1], pixels[j].shape[-1]) for i, j in tiles]
    values = [torch.zeros(shape, device=device) for shape in shapes]
    negative = [value.bool() for value in values]
    for channel in range(CHANNELS):
        groups = {i: group[channel] for i, group in pixels.items()}
        products = [torch.ones_like(value) for value in values]
        for scale in variant.scales:
            if groups[tiles[0][0]].shape[0] != scale.side:
                groups = {i: halved(group) for i, group in groups.items()}
            factors = scale_factors(groups, tiles, scale, variant, workspace)
            for product, factor, below in zip(products, factors, negative, strict=True):
                below.logical_or_(factor < 0)
                if variant.clamp:
                    factor.clamp_(min=0)
                product.mul_(factor.pow_(scale.weight))
        for value, product in zip(values, products, strict=True):
            value.add_(product, alpha=1 / CHANNELS)
    for (i, j), value, below in zip(tiles, values, negative, strict=True):
        yield ((i, j), value.triu(1), below.triu(1)) if i == j else ((i, j), value, below)

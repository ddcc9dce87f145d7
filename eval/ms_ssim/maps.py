"""SSIM maps of all pairs, by small matrix products along rows that neighbouring windows share.

The Gaussian window w is the outer product of a line with itself. At one scale and channel take the
locations p of R rows and some columns, and of every image the pixels that their windows see, less
one number per image. For a row of pixels y and a column x of locations let row i of P_yx be
sqrt(w_dx) * a_i[y, x + dx], and sqrt(C2 / 2) at its end. Then with band[r, y] = w_(y - r)

    sum_y band[r, y] (P_yx P_yx^T)_ij - m_i m_j = covariance of i and j at (r, x) + C2 / 2,

where m are the Gaussian means: half the numerator of the contrast-structure map. Half its
denominator is half the sum of the same at (i, i) and (j, j). So the products along a row of pixels
(k + 1 long instead of the k^2 of a whole window) serve all of the R windows above it, and one more
matrix product with the band weighs and adds them.

The number taken off is the mean of those few pixels, so that little cancels in float32. It changes
no covariance. Tensors have the images innermost, so that cutting patches is copying rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from eval.ms_ssim.variant import Scale, Variant

EXTRA = 3
"""Rows of locations beyond the window's side that share products: more of them share more, but
make the band longer. Between 2 and 4 is fastest for windows of 7 and 11."""


@dataclass(frozen=True)
class Limits:
    """Sizes of the pieces that the work is cut into; they change speed and memory, not values.

    Attributes:
        block: images whose pairs with those of another block are computed together; bounds the
            memory whatever N is.
        rows, columns: images of either side of a tile of pairs; the pairs within a block cost what
            the tiles do that touch its upper triangle.
        elements: float32 numbers of a map (locations x pairs of a tile) held at once.
    """

    block: int
    rows: int
    columns: int
    elements: int


class Workspace:
    """Buffers that are reused: fresh ones would cost as much in page faults as the arithmetic."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._buffers: dict[str, Tensor] = {}

    def buffer(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return uninitialised float32 memory of ``shape``; it overwrites the last of its name."""
        size = int(np.prod(shape))
        if name not in self._buffers or self._buffers[name].numel() < size:
            self._buffers[name] = torch.empty(size, device=self._device)
        return self._buffers[name][:size].view(shape)


Piece = tuple[slice, slice]
"""A rectangle of locations: rows, columns."""


def pieces(scale: Scale, images: tuple[int, int], limits: Limits) -> Iterator[Piece]:
    """Cut the locations of a scale into rectangles, for blocks of so many images."""
    side = scale.side - scale.window + 1
    rows = evenly(side, scale.window + EXTRA)
    tile = min(limits.rows, images[0]) * min(limits.columns, images[1])
    most = max(1, limits.elements // (tile * (rows[0].stop - rows[0].start)))
    return ((row, column) for row in rows for column in evenly(side, most))


def map_sums(
    left: Tensor,
    right: Tensor,
    piece: Piece,
    scale: Scale,
    variant: Variant,
    limits: Limits,
    workspace: Workspace,
) -> Tensor:
    """Return the sum of every pair's map over the locations of a piece, float32 (N_i, N_j).

    At the last scale of ``variant`` the contrast-structure map is multiplied by the luminance map.

    Args:
        left, right: pixels (H, W, N) of one scale and channel. Given the same tensor twice, tiles
            that lie below the diagonal are left 0.
    """
    same = left is right
    first = _Panel(left, piece, scale, variant, workspace, "left")
    second = first if same else _Panel(right, piece, scale, variant, workspace, "right")
    last = scale is variant.scales[-1]
    sums = left.new_zeros(left.shape[-1], right.shape[-1])
    for i, j in _tiles(sums.shape, limits, same):
        structure = _structure(first, second, i, j, workspace)
        if last:
            structure.mul_(_light(first, second, i, j, variant.c1, workspace))
        flat = structure.flatten(1)
        sums[i, j] = torch.mm(flat.new_ones(1, len(flat)), flat).view(structure.shape[1:])
    return sums


class _Panel:
    """What a block of images brings to the products at the locations of a piece.

    Attributes:
        products: P_yx^T, (rows of pixels * columns, k + 1, N).
        band: (rows of locations, rows of pixels).
        mean: m of the pixels less ``centre``, (L, N).
        half: half of the variance plus C2 / 2, (L, N).
        centre: what was taken off, (N,).
    """

    def __init__(
        self,
        pixels: Tensor,
        piece: Piece,
        scale: Scale,
        variant: Variant,
        workspace: Workspace,
        name: str,
    ) -> None:
        k, n = scale.window, pixels.shape[-1]
        line = gaussian(k, scale.sigma).to(pixels)
        self.band = banded(line, piece[0].stop - piece[0].start)
        seen = pixels[tuple(slice(part.start, part.stop + k - 1) for part in piece)]
        self.centre = seen.mean(dim=(0, 1))
        patches = (seen - self.centre).unfold(1, k, 1).transpose(2, 3)
        height, columns = patches.shape[:2]
        panel = workspace.buffer(name, (height, columns, k + 1, n))
        torch.mul(patches, line.sqrt()[:, None], out=panel[:, :, :k])
        panel[:, :, k] = (variant.c2 / 2) ** 0.5
        means = torch.matmul(line.sqrt(), panel[:, :, :k])
        squares = panel.square().sum(dim=2)
        self.mean = torch.tensordot(self.band, means, dims=1).flatten(0, 1)
        self.half = torch.tensordot(self.band, squares, dims=1).flatten(0, 1)
        self.half.sub_(self.mean.square()).div_(2)
        self.products = panel.flatten(0, 1)


def _structure(first: _Panel, second: _Panel, i: slice, j: slice, workspace: Workspace) -> Tensor:
    """Return the contrast-structure maps of a tile, (L, N_i, N_j)."""
    left, right = first.products[:, :, i].transpose(1, 2), second.products[:, :, j]
    tile = (left.shape[1], right.shape[2])
    products = torch.bmm(left, right, out=workspace.buffer("products", (len(left), *tile)))
    rows, height = first.band.shape
    ratio = workspace.buffer("ratio", (len(first.mean), *tile))
    torch.mm(first.band, products.view(height, -1), out=ratio.view(rows, -1))
    ratio.addcmul_(first.mean[:, i, None], second.mean[:, None, j], value=-1)
    divisor = workspace.buffer("divisor", ratio.shape)
    return ratio.div_(torch.add(first.half[:, i, None], second.half[:, None, j], out=divisor))


def _light(
    first: _Panel, second: _Panel, i: slice, j: slice, c1: float, workspace: Workspace
) -> Tensor:
    """Return the luminance maps of a tile, (L, N_i, N_j)."""
    one = (first.mean[:, i] + first.centre[i])[:, :, None]
    two = (second.mean[:, j] + second.centre[j])[:, None]
    shape = (len(one), one.shape[1], two.shape[2])
    product, divisor = (workspace.buffer(name, shape) for name in ("light", "divisor"))
    torch.mul(one, two, out=product).add_(c1 / 2)
    halves = ((mean.square() + c1 / 2) / 2 for mean in (one, two))
    return product.div_(torch.add(*halves, out=divisor))


def gaussian(size: int, sigma: float) -> Tensor:
    """Return the normalised Gaussian window of a side, float64 (size,)."""
    at = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weights = torch.exp(-at.square() / (2 * sigma**2))
    return weights / weights.sum()


def banded(line: Tensor, rows: int) -> Tensor:
    """Return the matrix (rows, rows + k - 1) that correlates with a window of k, valid only."""
    band = line.new_zeros(rows, rows + len(line) - 1)
    for row in range(rows):
        band[row, row : row + len(line)] = line
    return band


def halved(pixels: Tensor) -> Tensor:
    """Return the 2 x 2 means of (H, W, N)."""
    height, width, n = pixels.shape
    return pixels.view(height // 2, 2, width // 2, 2, n).mean(dim=(1, 3))


def filtered(pixels: Tensor, line: Tensor) -> Tensor:
    """Correlate (H, W, N) with a window in both directions, valid locations only."""
    band = banded(line, len(pixels) - len(line) + 1)
    return torch.matmul(band, torch.tensordot(band, pixels, dims=1))


def _tiles(shape: tuple[int, int], limits: Limits, triangle: bool) -> Iterator[Piece]:
    """Cut pairs into tiles; of a triangle, those that hold a pair i < j."""
    for i in evenly(shape[0], limits.rows):
        start = i.start if triangle else 0
        for j in evenly(shape[1] - start, limits.columns):
            yield i, slice(start + j.start, start + j.stop)


def evenly(length: int, most: int) -> list[slice]:
    """Cut a length into as few parts of at most ``most`` as it takes, of nearly equal size."""
    count = -(-length // most)
    ends = [length * part // count for part in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]

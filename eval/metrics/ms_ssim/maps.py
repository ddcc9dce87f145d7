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

from eval.metrics.ms_ssim.variant import Scale, Variant

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
        self._memory: dict[str, Tensor] = {}
        self._views: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    def buffer(self, name: str, *shape: int) -> Tensor:
        """Return uninitialised float32 memory of ``shape``; it overwrites the last of its name."""
        view = self._views.get((name, shape))
        if view is None:
            size = int(np.prod(shape))
            if name not in self._memory or self._memory[name].numel() < size:
                self._memory[name] = torch.empty(size, device=self._device)
                self._views = {key: v for key, v in self._views.items() if key[0] != name}
            view = self._views[name, shape] = self._memory[name][:size].view(shape)
        return view


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
    ones = sums.new_ones(1, len(first.mean))
    for i, j in _tiles(sums.shape, limits, same):
        structure = _structure(first, second, i, j, workspace)
        if last:
            structure.mul_(_light(first, second, i, j, variant.c1, workspace))
        tile = structure.shape[1:]
        flat = workspace.buffer("ratio", len(first.mean), tile[0] * tile[1])
        torch.mm(ones, flat, out=workspace.buffer("sum", 1, flat.shape[1]))
        sums[i, j] = workspace.buffer("sum", *tile)
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
        self.band, across = (banded(line, part.stop - part.start) for part in piece)
        seen = pixels[tuple(slice(part.start, part.stop + k - 1) for part in piece)]
        self.centre = seen.mean(dim=(0, 1))
        seen = seen - self.centre
        panel = workspace.buffer(name, len(seen), len(across), k + 1, n)
        torch.mul(seen.unfold(1, k, 1).transpose(2, 3), line.sqrt()[:, None], out=panel[:, :, :k])
        panel[:, :, k] = (variant.c2 / 2) ** 0.5
        self.products = panel.flatten(0, 1)
        self.transposed = self.products.transpose(1, 2)
        means, squares = (
            torch.tensordot(self.band, torch.matmul(across, values), dims=1).flatten(0, 1)
            for values in (seen, seen.square())
        )
        self.mean, self.half = means, (squares - means.square() + variant.c2 / 2) / 2


def _structure(first: _Panel, second: _Panel, i: slice, j: slice, workspace: Workspace) -> Tensor:
    """Return the contrast-structure maps of a tile, (L, N_i, N_j)."""
    (rows, height), locations = first.band.shape, len(first.mean)
    tile, buffer = (i.stop - i.start, j.stop - j.start), workspace.buffer
    columns = locations // rows * tile[0] * tile[1]
    products, ratio = (
        buffer("products", len(first.products), *tile),
        buffer("ratio", locations, *tile),
    )
    torch.bmm(first.transposed[:, i], second.products[:, :, j], out=products)
    torch.mm(first.band, buffer("products", height, columns), out=buffer("ratio", rows, columns))
    ratio.addcmul_(first.mean[:, i, None], second.mean[:, None, j], value=-1)
    divisor = buffer("divisor", *ratio.shape)
    return ratio.div_(torch.add(first.half[:, i, None], second.half[:, None, j], out=divisor))


def _light(
    first: _Panel, second: _Panel, i: slice, j: slice, c1: float, workspace: Workspace
) -> Tensor:
    """Return the luminance maps of a tile, (L, N_i, N_j)."""
    one = (first.mean[:, i] + first.centre[i])[:, :, None]
    two = (second.mean[:, j] + second.centre[j])[:, None]
    shape = (len(one), one.shape[1], two.shape[2])
    product, divisor = (workspace.buffer(name, *shape) for name in ("light", "divisor"))
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
    rows = pixels[0::2] + pixels[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]).div_(4)


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

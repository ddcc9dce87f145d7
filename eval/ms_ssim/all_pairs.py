"""MS-SSIM of all pairs of a set, exact, by one matrix product per window location.

At one scale and channel, for every location p of the Gaussian window w (k x k), let row i of A_p
be sqrt(w) * (patch of image i at p - its Gaussian mean). Then A_p A_p^T holds the covariance of
all pairs at p, already centred. Since the rows of A_p are orthogonal to sqrt(w), the panel

    P_p = sqrt(2) * (A_p + sqrt(C2 / 2) * sqrt(w))

gives P_p P_p^T = 2 A_p A_p^T + C2, the numerator of the contrast-structure map, with half the sum
of its diagonal entries (i, i) and (j, j) as the denominator s_i + s_j + C2. The luminance map has
the same form, with rows (sqrt(2) mean_i, sqrt(C1)).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dlvae.errors import UserError
from eval.ms_ssim.variant import Scale, Variant

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
    for first in starts:
        for second in starts[first // limits.block :]:
            parts = [_pixels(images[s : s + limits.block], variant, device) for s in (first, second)]
            for tile, values, negative in _block(parts, first == second, variant, limits):
                if tile.diagonal:
                    values, negative = values.triu(1), negative.triu(1)
                total += float(values.sum(dtype=torch.float64))
                clamped += int(negative.sum())
                at = probes - (first + tile.rows.start, second + tile.columns.start)
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


@dataclass(frozen=True)
class _Tile:
    """A rectangle of pairs: images ``rows`` of the first part against ``columns`` of the second."""

    rows: slice
    columns: slice
    diagonal: bool

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def _tiles(first: int, second: int, same: bool, side: int) -> list[_Tile]:
    """Cut first x second pairs into squares; only the upper triangle where both parts are one."""
    rows, columns = (
        [slice(s, min(s + side, count)) for s in range(0, count, side)] for count in (first, second)
    )
    return [
        _Tile(r, c, same and r == c)
        for r in rows
        for c in columns
        if not same or r.start <= c.start
    ]


def _pixels(images: np.ndarray, variant: Variant, device: torch.device) -> tuple[Tensor, int]:
    """Return float32 (3, H, W, N padded) in ``variant.pixel_range``, images innermost; and N."""
    low, high = variant.pixel_range
    pixels = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(3, 1, 2, 0)
    padded = torch.zeros((*pixels.shape[:3], -(-len(images) // ALIGN) * ALIGN), device=device)
    padded[..., : len(images)] = pixels
    return padded.mul_((high - low) / 255.0).add_(low), len(images)


def _block(
    parts: list[tuple[Tensor, int]], same: bool, variant: Variant, limits: Limits
) -> Iterator[tuple[_Tile, Tensor, Tensor]]:
    """Yield each tile of pairs between two parts, its MS-SSIM and whether a factor was negative."""
    (first, rows), (second, columns) = parts
    tiles = _tiles(rows, columns, same, limits.tile)
    workspace = _Workspace(limits, first.device)
    values = [first.new_zeros(tile.shape) for tile in tiles]
    negative = [first.new_zeros(tile.shape, dtype=torch.bool) for tile in tiles]
    for channel in range(len(first)):
        sides = [first[channel]] if same else [first[channel], second[channel]]
        products = [torch.ones_like(value) for value in values]
        for scale in variant.scales:
            last = scale is variant.scales[-1]
            factors = _scale_factors(sides, scale, variant, last, tiles, workspace)
            for below, factor in zip(negative, factors, strict=True):
                below.logical_or_(factor < 0)
                if variant.clamp:
                    factor.clamp_(min=0)
            for product, factor in zip(products, factors, strict=True):
                product.mul_(factor.pow_(scale.weight))
            sides = [_halved(side) for side in sides] if not last else sides
        for value, product in zip(values, products, strict=True):
            value.add_(product, alpha=1 / len(first))
    yield from zip(tiles, values, negative, strict=True)


def _scale_factors(
    sides: list[Tensor],
    scale: Scale,
    variant: Variant,
    last: bool,
    tiles: list[_Tile],
    workspace: _Workspace,
) -> list[Tensor]:
    """Return the mean map of every tile at one scale and channel, float32.

    Args:
        sides: pixels (H, W, N) of both parts, or one tensor where they are the same.
        last: multiply the contrast-structure map by the luminance map.
    """
    patches = [_Patches(side, scale, variant) for side in sides]
    sums = [sides[0].new_zeros(tile.shape) for tile in tiles]
    most = max(rows * columns for rows, columns in (tile.shape for tile in tiles))
    count = scale.side - scale.window + 1
    for rows, columns in _chunks(count, max(1, workspace.limits.elements // most)):
        panels = [p.panel(rows, columns, workspace, f"panel{i}") for i, p in enumerate(patches)]
        norms = [p.half_norms(rows, columns) for p in patches]
        lights = [p.light(rows, columns) for p in patches] if last else []
        for tile, total in zip(tiles, sums, strict=True):
            ratio = _ratio(panels, norms, tile, workspace, "map")
            if last:
                light = [panel for panel, _ in lights], [norm for _, norm in lights]
                ratio.mul_(_ratio(*light, tile, workspace, "light"))
            total.add_(ratio.sum(0))
    return [total.div_(count * count) for total in sums]


def _ratio(
    panels: list[Tensor], norms: list[Tensor], tile: _Tile, workspace: _Workspace, name: str
) -> Tensor:
    """Return P_i P_j^T / (norm_i + norm_j) at every location of a chunk: (L, rows, columns)."""
    left, right = panels[0][..., tile.rows], panels[-1][..., tile.columns]
    shape = (len(left), *tile.shape)
    product = workspace.buffer(name, shape)
    torch.bmm(left.transpose(1, 2), right, out=product)
    divisor = workspace.buffer("divisor", shape)
    torch.add(norms[0][:, tile.rows, None], norms[-1][:, None, tile.columns], out=divisor)
    return product.div_(divisor)


class _Patches:
    """Patches of one part at one scale and channel.

    Args:
        pixels: float32 (H, W, N).
    """

    def __init__(self, pixels: Tensor, scale: Scale, variant: Variant) -> None:
        self.pixels, self.window, self.c1 = pixels, scale.window, variant.c1
        line = gaussian(scale.window, scale.sigma).to(pixels.device)
        self.root = (2.0 * torch.outer(line, line)).sqrt().float().reshape(1, -1, 1)
        # Means and variances are per image, not per pair: float64 costs nothing here.
        exact = pixels.double()
        mean = _filtered(exact, line)
        variance = _filtered(exact.square_(), line) - mean.square()
        self.mean = mean.float()
        self.half_norm = (variance + variant.c2 / 2).float()
        self.shift = (mean - (variant.c2 / 2) ** 0.5).float()

    def panel(self, rows: slice, columns: slice, workspace: _Workspace, name: str) -> Tensor:
        """Return P_p^T of the locations of a chunk: (L, k * k, N), images innermost."""
        k = self.window
        pixels = self.pixels[rows.start : rows.stop + k - 1, columns.start : columns.stop + k - 1]
        patches = pixels.unfold(0, k, 1).unfold(1, k, 1).permute(0, 1, 3, 4, 2)
        panel = workspace.buffer(name, patches.shape)
        torch.sub(patches, self.shift[rows, columns, None, None], out=panel)
        return panel.view(-1, k * k, panel.shape[-1]).mul_(self.root)

    def half_norms(self, rows: slice, columns: slice) -> Tensor:
        """Return s_i + C2 / 2 at the locations of a chunk: (L, N)."""
        return self.half_norm[rows, columns].flatten(0, 1)

    def light(self, rows: slice, columns: slice) -> tuple[Tensor, Tensor]:
        """Return panel (L, 2, N) and half norms (L, N) of the luminance map."""
        mean = self.mean[rows, columns].flatten(0, 1)
        constant = torch.full_like(mean, self.c1**0.5)
        return torch.stack([mean * 2**0.5, constant], dim=1), mean.square() + self.c1 / 2


class _Workspace:
    """Buffers that are reused: fresh ones would cost as much in page faults as the arithmetic."""

    def __init__(self, limits: Limits, device: torch.device) -> None:
        self.limits, self._device = limits, device
        self._buffers: dict[str, Tensor] = {}

    def buffer(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return uninitialised float32 memory of ``shape``; it overwrites the last of its name."""
        size = int(np.prod(shape))
        if name not in self._buffers or self._buffers[name].numel() < size:
            self._buffers[name] = torch.empty(size, device=self._device)
        return self._buffers[name][:size].view(shape)


def gaussian(size: int, sigma: float) -> Tensor:
    """Return the normalised Gaussian window of a side, float64 (size,)."""
    at = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weights = torch.exp(-at.square() / (2 * sigma**2))
    return weights / weights.sum()


def _filtered(pixels: Tensor, line: Tensor) -> Tensor:
    """Correlate (H, W, N) with a window in both directions, valid locations only."""
    k, side = len(line), len(pixels)
    band = pixels.new_zeros(side - k + 1, side)
    for row in range(len(band)):
        band[row, row : row + k] = line
    return torch.matmul(band, torch.tensordot(band, pixels, dims=1))


def _halved(pixels: Tensor) -> Tensor:
    """Return the 2 x 2 means of (H, W, N)."""
    height, width, n = pixels.shape
    return pixels.view(height // 2, 2, width // 2, 2, n).mean(dim=(1, 3))


def _chunks(side: int, locations: int) -> Iterator[tuple[slice, slice]]:
    """Cut side x side locations into rectangles of about ``locations``: whole rows where they fit."""
    height = max(1, min(side, locations // side))
    width = side if locations >= side else -(-side // -(-side // locations))
    for row in range(0, side, height):
        for column in range(0, side, width):
            yield slice(row, min(row + height, side)), slice(column, min(column + width, side))

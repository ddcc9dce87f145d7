"""SSIM maps of all pairs, by one matrix product per location of the window.

At one scale and channel, for every location p of the Gaussian window w (k x k), let row i of A_p
be sqrt(w) * (patch of image i at p - its Gaussian mean). Then A_p A_p^T holds the covariance of
all pairs at p, already centred. Since the rows of A_p are orthogonal to sqrt(w), the panel

    P_p = sqrt(2) * (A_p + sqrt(C2 / 2) * sqrt(w))

gives P_p P_p^T = 2 A_p A_p^T + C2, the numerator of the contrast-structure map, and half the sum
of its diagonal entries (i, i) and (j, j) is the denominator s_i + s_j + C2. The luminance map has
the same form, with rows (sqrt(2) * mean_i, sqrt(C1)).

Tensors have the images innermost, so that cutting patches is copying rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from eval.ms_ssim.variant import Scale, Variant

Tile = tuple[int, int]
"""Pairs of the images of one group with those of another, by the groups' numbers."""


class Workspace:
    """Buffers that are reused: fresh ones would cost as much in page faults as the arithmetic.

    Args:
        elements: float32 numbers of a map to hold at once.
    """

    def __init__(self, elements: int, device: torch.device) -> None:
        self.elements = elements
        self._device = device
        self._buffers: dict[str, Tensor] = {}

    def buffer(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return uninitialised float32 memory of ``shape``; it overwrites the last of its name."""
        size = int(np.prod(shape))
        if name not in self._buffers or self._buffers[name].numel() < size:
            self._buffers[name] = torch.empty(size, device=self._device)
        return self._buffers[name][:size].view(shape)


def scale_factors(
    groups: Mapping[int, Tensor],
    tiles: Sequence[Tile],
    scale: Scale,
    variant: Variant,
    workspace: Workspace,
) -> list[Tensor]:
    """Return the mean map of every tile at one scale and channel, float32 (N_i, N_j).

    At the last scale of ``variant`` the contrast-structure map is multiplied by the luminance map.

    Args:
        groups: pixels (H, W, N_i) by number.
    """
    last = scale is variant.scales[-1]
    patches = {i: _Patches(pixels, scale, variant) for i, pixels in groups.items()}
    shapes = [(groups[i].shape[-1], groups[j].shape[-1]) for i, j in tiles]
    sums = [torch.zeros(shape, device=groups[tiles[0][0]].device) for shape in shapes]
    count = scale.side - scale.window + 1
    most = max(rows * columns for rows, columns in shapes)
    for where in _chunks(count, max(1, workspace.elements // most)):
        structure = {i: p.structure(where, workspace, f"panel{i}") for i, p in patches.items()}
        light = {i: p.light(where) for i, p in patches.items()} if last else None
        for (i, j), total in zip(tiles, sums, strict=True):
            ratio = _ratio(structure[i], structure[j], workspace, "structure")
            if light is not None:
                ratio.mul_(_ratio(light[i], light[j], workspace, "light"))
            total.add_(ratio.sum(0))
    return [total.div_(count * count) for total in sums]


def _ratio(
    left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor], workspace: Workspace, name: str
) -> Tensor:
    """Return P_i P_j^T / (norm_i + norm_j) at L locations: (L, N_i, N_j).

    Args:
        left, right: panel (L, K, N) and half norms (L, N).
    """
    shape = (len(left[0]), left[0].shape[-1], right[0].shape[-1])
    product, divisor = (workspace.buffer(key, shape) for key in (name, "divisor"))
    torch.bmm(left[0].transpose(1, 2), right[0], out=product)
    torch.add(left[1][:, :, None], right[1][:, None], out=divisor)
    return product.div_(divisor)


class _Patches:
    """Patches of one group at one scale and channel.

    Args:
        pixels: float32 (H, W, N).
    """

    def __init__(self, pixels: Tensor, scale: Scale, variant: Variant) -> None:
        self.pixels, self.window, self.c1 = pixels, scale.window, variant.c1
        line = gaussian(scale.window, scale.sigma).to(pixels.device)
        self.root = (2.0 * torch.outer(line, line)).sqrt().float().reshape(1, -1, 1)
        # Means and variances are per image, not per pair: float64 costs nothing here.
        exact = pixels.double()
        mean = filtered(exact, line)
        variance = filtered(exact.square_(), line) - mean.square()
        self.mean = mean.float()
        self.half_norm = (variance + variant.c2 / 2).float()
        self.shift = (mean - (variant.c2 / 2) ** 0.5).float()

    def structure(
        self, where: tuple[slice, slice], workspace: Workspace, name: str
    ) -> tuple[Tensor, Tensor]:
        """Return P_p^T (L, k * k, N) and s_i + C2 / 2 (L, N) at the locations ``where``."""
        k, inside = self.window, tuple(slice(s.start, s.stop + self.window - 1) for s in where)
        patches = self.pixels[inside].unfold(0, k, 1).unfold(1, k, 1).permute(0, 1, 3, 4, 2)
        panel = workspace.buffer(name, patches.shape)
        torch.sub(patches, self.shift[where][:, :, None, None], out=panel)
        panel = panel.view(-1, k * k, panel.shape[-1]).mul_(self.root)
        return panel, self.half_norm[where].flatten(0, 1)

    def light(self, where: tuple[slice, slice]) -> tuple[Tensor, Tensor]:
        """Return panel (L, 2, N) and half norms (L, N) of the luminance map."""
        mean = self.mean[where].flatten(0, 1)
        constant = torch.full_like(mean, self.c1**0.5)
        return torch.stack([mean * 2**0.5, constant], dim=1), mean.square() + self.c1 / 2


def gaussian(size: int, sigma: float) -> Tensor:
    """Return the normalised Gaussian window of a side, float64 (size,)."""
    at = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weights = torch.exp(-at.square() / (2 * sigma**2))
    return weights / weights.sum()


def halved(pixels: Tensor) -> Tensor:
    """Return the 2 x 2 means of (H, W, N)."""
    height, width, n = pixels.shape
    return pixels.view(height // 2, 2, width // 2, 2, n).mean(dim=(1, 3))


def filtered(pixels: Tensor, line: Tensor) -> Tensor:
    """Correlate (H, W, N) with a window in both directions, valid locations only."""
    k, side = len(line), len(pixels)
    band = pixels.new_zeros(side - k + 1, side)
    for row in range(len(band)):
        band[row, row : row + k] = line
    return torch.matmul(band, torch.tensordot(band, pixels, dims=1))


def _chunks(side: int, locations: int) -> Iterator[tuple[slice, slice]]:
    """Cut side x side locations into rectangles of about ``locations``: whole rows if they fit."""
    height = max(1, min(side, locations // side))
    width = -(-side // -(-side // locations))
    for row in range(0, side, height):
        for column in range(0, side, width):
            yield slice(row, min(row + height, side)), slice(column, min(column + width, side))

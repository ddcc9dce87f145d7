"""Surfaces as lists of samples, and the picture that they are laid into, front over back."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.geometry import Grid

_NOTHING = -2.0  # depth of the background
_CHANNELS = 6


class Surface:
    """Samples of one surface: `index` (M,) into the picture, and rows (M,) of what is there.

    The rows are `colour` (3, M), `gloss` (strength of highlights), `shadow` (share of lamp light
    lost) and `depth`; a head also has its own coordinates `u`, `v`, `w`, and `side` = |u|.
    """

    def __init__(self, index: np.ndarray, data: np.ndarray):
        self.index, self._data = index, data
        self.colour, self.gloss, self.shadow, self.depth = data[:3], data[3], data[4], data[5]
        if len(data) > _CHANNELS:
            self.u, self.v, self.w, self.side = data[_CHANNELS:]

    @classmethod
    def blank(cls, index: np.ndarray, depth: np.ndarray, extra: int = 0) -> Surface:
        """Uncoloured, dull and unshadowed; `extra` rows are left for coordinates."""
        data = np.zeros((_CHANNELS + extra, len(index)), np.float32)
        data[5] = depth
        return cls(index, data)

    def fill(self, colour, brightness) -> None:
        """Colour every sample with an RGB triple, times `brightness` (a number or (M,))."""
        for channel, value in zip(self.colour, colour, strict=True):
            np.multiply(brightness, value, out=channel)

    def part(self, chosen: np.ndarray) -> Surface:
        """A copy of the samples at `chosen` (indices into this surface)."""
        return Surface(self.index.take(chosen), self._data.take(chosen, axis=1))

    def put(self, chosen: np.ndarray, part: Surface) -> None:
        """Take over colour and gloss of `part`, which came from `part(chosen)`."""
        for row, values in zip(self._data[:4], part._data, strict=False):
            row[chosen] = values


class Scene:
    """What is visible so far at the samples of a grid (P,)."""

    def __init__(self, grid: Grid):
        self.grid = grid
        self._data = np.zeros((_CHANNELS, len(grid.x)), np.float32)
        self.colour, self.gloss, self.shadow = self._data[:3], self._data[3], self._data[4]
        self.depth = self._data[5]
        self.depth.fill(_NOTHING)

    def lay(self, surface: Surface) -> None:
        """Add a surface where it is in front of what is there."""
        front = (surface.depth > self.depth.take(surface.index)).nonzero()[0]
        seen = surface.part(front)
        for row, values in zip(self._data, seen._data, strict=False):
            row[seen.index] = values

    def shows(self, surface: Surface) -> np.ndarray:
        """Which samples of a laid surface are still visible, bool (M,)."""
        return self.depth.take(surface.index) <= surface.depth

    def empty(self) -> np.ndarray:
        """Indices of the samples that show the background."""
        return (self.depth <= _NOTHING).nonzero()[0]

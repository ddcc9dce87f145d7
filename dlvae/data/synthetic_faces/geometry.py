"""Surfaces of ellipsoids seen under parallel projection, and the small functions they share.

Axes: x to the viewer's right, y up, z towards the viewer; the picture spans [-1, 1] in x and y.
Shapes: a parameter is (n, 1), one value per image; a pixel array is (n, P) or (1, P).
Per-pixel code uses only + - * / sqrt, min, max and comparisons, which IEEE arithmetic fixes to
the bit, so that a picture does not depend on which images are rendered beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_OUTSIDE_SLOPE = 30.0  # how steeply depth falls outside the outline, so that blends stay continuous


def rotation(azimuth: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """Rotations (n, 3, 3) from head to view axes: nod by `elevation`, then turn by `azimuth`.

    Angles (n, 1) in degrees; (0, 0, 1) of the head is where the nose points.
    """
    a, e = (np.radians(angle[:, 0].astype(np.float64)) for angle in (azimuth, elevation))
    zero, one = np.zeros_like(a), np.ones_like(a)
    turn = [[np.cos(a), zero, np.sin(a)], [zero, one, zero], [-np.sin(a), zero, np.cos(a)]]
    nod = [[one, zero, zero], [zero, np.cos(e), np.sin(e)], [zero, -np.sin(e), np.cos(e)]]
    return _product(np.array(turn).transpose(2, 0, 1), np.array(nod).transpose(2, 0, 1))


def to_head(turn: np.ndarray, x, y, z) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Head coordinates of the view points (x, y, z)."""
    r = turn.astype(np.float32)[..., None]
    return tuple(r[:, 0, i] * x + r[:, 1, i] * y + r[:, 2, i] * z for i in range(3))


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid per image in view axes: centre (n, 3) and matrix (n, 3, 3), p'Ap = 1."""

    centre: np.ndarray
    matrix: np.ndarray

    @classmethod
    def place(cls, turn: np.ndarray, centre, radii, pitch: float = 0.0) -> Ellipsoid:
        """From centre and radii (three (n, 1) arrays or numbers each) in head axes.

        `pitch` in degrees tilts the ellipsoid's own axes as `elevation` tilts a head.
        """
        n = len(turn)
        column = [np.broadcast_to(np.asarray(c, np.float64).reshape(-1), n) for c in centre]
        scale = [1.0 / np.broadcast_to(np.asarray(r, np.float64).reshape(-1), n) for r in radii]
        axes = turn
        if pitch:
            axes = _product(turn, rotation(np.zeros((n, 1)), np.full((n, 1), pitch)))
        scaled = axes * np.stack(scale, axis=1)[:, None, :]
        matrix = _product(scaled, scaled.transpose(0, 2, 1))
        return cls((turn * np.stack(column, axis=1)[:, None, :]).sum(axis=2), matrix)

    def surface(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Depth z (n, P) of the near surface and the inside measure q (n, P), positive inside.

        Both continue past the outline, falling steeply.
        """
        a = self.matrix
        a33 = a[:, 2, 2]
        square = np.stack(
            [
                (a[:, 0, 2] ** 2 - a33 * a[:, 0, 0]) / a33**2,
                2.0 * (a[:, 0, 2] * a[:, 1, 2] - a33 * a[:, 0, 1]) / a33**2,
                (a[:, 1, 2] ** 2 - a33 * a[:, 1, 1]) / a33**2,
                1.0 / a33,
                -a[:, 0, 2] / a33,
                -a[:, 1, 2] / a33,
            ]
        ).astype(np.float32)[..., None]
        xx, xy, yy, constant, slope_x, slope_y = square
        cx, cy, cz = self.centre.T.astype(np.float32)[..., None]
        dx, dy = x - cx, y - cy
        q = dx * (xx * dx + xy * dy) + yy * dy * dy + constant
        root = np.sqrt(np.maximum(q, 0.0)) + _OUTSIDE_SLOPE * np.minimum(q, 0.0)
        return root + (slope_x * dx + (slope_y * dy + cz)), q

    def shadow(self, light: np.ndarray, x, y, z, softness: float) -> np.ndarray:
        """Share (n, P) of light towards `light` (n, 3) that this body takes from points (x, y, z).

        `softness` is the half-width of the shadow's edge relative to the body's radius.
        """
        lamp = light.astype(np.float64)
        along = (self.matrix * lamp[:, None, :]).sum(axis=2)
        along /= np.sqrt((along * lamp).sum(axis=1, keepdims=True))
        # p'Bp is the squared distance of the ray from the centre, in units of the ellipsoid.
        b = self.matrix - along[:, :, None] * along[:, None, :]
        b, along = b.astype(np.float32)[..., None], along.astype(np.float32)[..., None]
        centre = self.centre.T.astype(np.float32)[..., None]
        dx, dy, dz = x - centre[0], y - centre[1], z - centre[2]
        distance = dx * (b[:, 0, 0] * dx + 2.0 * (b[:, 0, 1] * dy + b[:, 0, 2] * dz))
        distance += dy * (b[:, 1, 1] * dy + 2.0 * b[:, 1, 2] * dz) + b[:, 2, 2] * dz * dz
        # Only points beyond the body, seen from the lamp, lie in its shadow.
        behind = -(along[:, 0] * dx + along[:, 1] * dy + along[:, 2] * dz)
        return ramp(1.0 - distance, 0.0, 2.0 * softness) * ramp(behind, 0.1, 0.4)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Matrix products (n, 3, 3), summed in one fixed order."""
    return (a[:, :, :, None] * b[:, None, :, :]).sum(axis=2)


def ramp(value, edge, width) -> np.ndarray:
    """0 below edge - width/2, 1 above edge + width/2, linear between."""
    return np.clip((value - edge) * (1.0 / width) + 0.5, 0.0, 1.0)


def bump(x, y, x0, y0, rx, ry) -> np.ndarray:
    """Smooth hill of height 1 at (x0, y0) that is 0 outside the ellipse of radii rx, ry."""
    dx, dy = (x - x0) * (1.0 / rx), (y - y0) * (1.0 / ry)
    hill = np.maximum(1.0 - dx * dx - dy * dy, 0.0)
    return hill * hill


def smooth_max(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    """Maximum whose corner is rounded where |a - b| < width."""
    overlap = np.maximum(width - np.abs(a - b), 0.0)
    return np.maximum(a, b) + overlap * overlap * (0.25 / width)


def wave(x: np.ndarray) -> np.ndarray:
    """Smooth periodic wave in [-1, 1] with period 1 (piecewise parabolas)."""
    t = x - np.floor(x) - 0.5
    return t * (8.0 - 16.0 * np.abs(t))

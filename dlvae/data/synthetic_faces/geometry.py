"""Ellipsoids seen under parallel projection, and the small functions that pictures are made of.

Axes: x to the viewer's right, y up, z towards the viewer. Head axes are those of a head that
looks straight ahead, with x to the viewer's right. A picture is drawn alone: its parameters are
Python floats, its samples arrays (P,). Per-sample code uses only + - * / sqrt, floor, min, max and
comparisons, all exact to the bit in IEEE arithmetic; clipping is to two bounds and masks are
multiplied in, because NumPy is several times slower at `maximum(a, 0.0)` and `where`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]

UPRIGHT: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_OUTSIDE_SLOPE = 8.0  # how steeply depth falls past the outline, so that blends stay continuous


def rotation(azimuth: float, elevation: float) -> Matrix:
    """Rotation from head to view axes: nod by `elevation`, then turn by `azimuth`, in degrees.

    Its third column is where the nose points.
    """
    a, e = math.radians(azimuth), math.radians(elevation)
    turn = ((math.cos(a), 0.0, math.sin(a)), (0.0, 1.0, 0.0), (-math.sin(a), 0.0, math.cos(a)))
    nod = ((1.0, 0.0, 0.0), (0.0, math.cos(e), math.sin(e)), (0.0, -math.sin(e), math.cos(e)))
    return _product(turn, nod)


def to_head(turn: Matrix, x, y, z) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Head coordinates of view points: arrays (P,) or floats."""
    u, v, w = (turn[0][i] * x + turn[1][i] * y + turn[2][i] * z for i in range(3))
    return u, v, w


def to_view(turn: Matrix, point: Vector) -> Vector:
    """View coordinates of one point in head axes."""
    u, v, w = point
    (a, b, c), (d, e, f), (g, h, i) = turn
    return a * u + b * v + c * w, d * u + e * v + f * w, g * u + h * v + i * w


class Grid:
    """Sample points of a square picture, row by row from the top left: x and y, arrays (P,)."""

    def __init__(self, samples: int, half_width: float, centre_y: float):
        self.samples, self.spacing = samples, 2.0 * half_width / samples
        self._top = centre_y + half_width
        line = (np.arange(samples, dtype=np.float32) + 0.5) * self.spacing - half_width
        self.x, self.y = np.tile(line, samples), np.repeat(centre_y - line, samples)

    def rows(self, low: float, high: float) -> slice:
        """The samples whose y lies between low and high, whole rows."""
        first = max(math.ceil((self._top - high) / self.spacing - 0.5), 0)
        last = min(math.floor((self._top - low) / self.spacing - 0.5), self.samples - 1)
        return slice(first * self.samples, max(last + 1, first) * self.samples)


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid in view axes: the points p with (p - centre)' matrix (p - centre) = 1.

    `reach` is its half height as seen.
    """

    centre: Vector
    matrix: Matrix
    reach: float

    @classmethod
    def place(cls, turn: Matrix, centre: Vector, radii: Vector, pitch: float = 0.0) -> Ellipsoid:
        """From centre and radii in head axes; `pitch` (degrees) nods the ellipsoid itself."""
        axes = _product(turn, rotation(0.0, pitch)) if pitch else turn
        r1, r2, r3 = radii
        scaled = [(p / r1, q / r2, r / r3) for p, q, r in axes]
        matrix = _product(scaled, [*zip(*scaled, strict=True)])
        p, q, r = axes[1]
        reach = math.sqrt((p * r1) ** 2 + (q * r2) ** 2 + (r * r3) ** 2)
        return cls(to_view(turn, centre), matrix, reach)

    def rows(self, grid: Grid, margin: float = 1.0) -> slice:
        """The rows of samples that see the body, `margin` times its height."""
        reach = self.reach * margin
        return grid.rows(self.centre[1] - reach, self.centre[1] + reach)

    def surface(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Depths z of the near surface and of the middle, and q, positive inside the outline.

        Arrays (P,). Past the outline the surface goes on, falling steeply.
        """
        (a11, a12, a13), (_, a22, a23), (_, _, a33) = self.matrix
        xx, yy = (a13 * a13 - a33 * a11) / a33**2, (a23 * a23 - a33 * a22) / a33**2
        xy = 2.0 * (a13 * a23 - a33 * a12) / a33**2
        cx, cy, cz = self.centre
        dx, dy = x - cx, y - cy
        q = dx * (xx * dx + xy * dy)
        q += yy * (dy * dy)
        q += 1.0 / a33
        middle = (-a13 / a33) * dx + (cz - (a23 / a33) * dy)
        inside = q.clip(0.0, 4.0)
        near = np.sqrt(inside) + middle
        near += (_OUTSIDE_SLOPE * a33) * (q - inside)
        return near, middle, q

    def shadow(self, lamp: Vector, x, y, z, softness: float) -> np.ndarray:
        """Share (P,) of the light from direction `lamp` that the body takes from points (x, y, z).

        `softness` is the half-width of the shadow's edge, relative to the body.
        """
        ax, ay, az = to_view(self.matrix, lamp)
        norm = math.sqrt(ax * lamp[0] + ay * lamp[1] + az * lamp[2])
        ax, ay, az = ax / norm, ay / norm, az / norm
        (m11, m12, m13), (_, m22, m23), (_, _, m33) = self.matrix
        dx, dy, dz = x - self.centre[0], y - self.centre[1], z - self.centre[2]
        reach = ax * dx + ay * dy + az * dz
        # Squared distance of the ray from the centre, in units of the ellipsoid.
        distance = dx * (m11 * dx + 2.0 * (m12 * dy + m13 * dz))
        distance += dy * (m22 * dy + 2.0 * m23 * dz) + m33 * (dz * dz) - reach * reach
        # Only points beyond the body, seen from the lamp, lie in its shadow.
        return ramp(1.0 - distance, 0.0, 2.0 * softness) * ramp(-reach, 0.1, 0.4)


def _product(a: Matrix, b: Matrix) -> Matrix:
    columns = [to_view(a, column) for column in zip(*b, strict=True)]
    x, y, z = zip(*columns, strict=True)
    return x, y, z


def between(low: float, high: float, share: float) -> float:
    """Value at `share` of the way from low to high."""
    return low + (high - low) * share


def ramp(value: np.ndarray, edge: float, width: float) -> np.ndarray:
    """0 below edge - width/2, 1 above edge + width/2, linear between."""
    scale = 1.0 / width
    share = value * scale
    share += 0.5 - edge * scale
    return share.clip(0.0, 1.0, out=share)


def bump(x, y, x0, y0, rx: float, ry: float) -> np.ndarray:
    """Smooth hill of height 1 at (x0, y0) that is 0 outside the ellipse of radii rx, ry."""
    dx, dy = (x - x0) * (1.0 / rx), (y - y0) * (1.0 / ry)
    dx *= dx
    dy *= dy
    dx += dy
    hill = np.subtract(1.0, dx, out=dx)
    hill.clip(0.0, 1.0, out=hill)
    hill *= hill
    return hill


def smooth_max(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    """Maximum whose corner is rounded where |a - b| < width."""
    overlap = width - np.abs(a - b)
    overlap.clip(0.0, width, out=overlap)
    overlap *= overlap
    return np.maximum(a, b) + overlap * (0.25 / width)


def wave(x: np.ndarray) -> np.ndarray:
    """Smooth periodic wave in [-1, 1] with period 1 (piecewise parabolas)."""
    t = x - np.floor(x)
    t -= 0.5
    return t * (8.0 - 16.0 * np.abs(t))

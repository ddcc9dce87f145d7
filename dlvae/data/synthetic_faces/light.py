"""Light: normals from depth, lamp and sky, highlights, and the averaging of samples to pixels."""

from __future__ import annotations

import math

import numpy as np

from dlvae.data.synthetic_faces.geometry import Vector, between
from dlvae.data.synthetic_faces.head import Face
from dlvae.data.synthetic_faces.surface import Scene


def lamp_direction(f: Face) -> Vector:
    """Unit vector towards the lamp, in view axes."""
    a, e = math.radians(f["light_azimuth"]), math.radians(f["light_elevation"])
    return math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e)


def light_up(f: Face, scene: Scene) -> None:
    """Light the scene's colours in place: sky, lamp (Lambert) and highlight (Blinn), in shadows."""
    nx, ny, nz = _normals(scene.depth.reshape(2 * (scene.grid.samples,)), scene.grid.spacing)
    lx, ly, lz = lamp_direction(f)
    norm = math.sqrt(lx * lx + ly * ly + (lz + 1.0) ** 2)
    strength = f["light_strength"]
    clear = 1.0 - scene.shadow
    lit = clear * (nx * lx + ny * ly + nz * lz).clip(0.0, 1.0)
    shine = nx * (lx / norm) + ny * (ly / norm) + nz * ((lz + 1.0) / norm)
    shine.clip(0.0, 1.0, out=shine)
    for _ in range(4):
        shine *= shine
    shine *= scene.gloss * clear
    shine *= between(0.5, 1.0, strength)
    sky = between(0.70, 0.36, strength)
    amount = (0.84 * sky) + (0.16 * sky) * ny + between(0.42, 0.98, strength) * lit
    colour = scene.colour
    colour *= amount
    colour += shine


def _normals(grid: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit normals, each (P,), of a depth map; differences across an outline do not count."""
    across = (grid[:, 1:] - grid[:, :-1]) * (1.0 / spacing)
    down = (grid[:-1] - grid[1:]) * (1.0 / spacing)
    gx, gy = np.zeros_like(grid), np.zeros_like(grid)
    _gentler(across[:, :-1], across[:, 1:], gx[:, 1:-1])
    _gentler(down[:-1], down[1:], gy[1:-1])
    # The frame's edge has neighbours on one side only; what its neighbour has is near enough.
    gx[:, 0], gx[:, -1] = gx[:, 1], gx[:, -2]
    gy[0], gy[-1] = gy[1], gy[-2]
    gx, gy = gx.reshape(-1), gy.reshape(-1)
    nz = 1.0 / np.sqrt(gx * gx + gy * gy + 1.0)
    return -gx * nz, -gy * nz, nz


def _gentler(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """The smaller of two slopes of one sign, 0 where the signs differ (minmod)."""
    half = np.abs(a)
    other = np.abs(b)
    np.minimum(half, other, out=half)
    half *= 0.5
    np.add(np.copysign(half, a), np.copysign(half, b), out=out)


def to_pixels(colour: np.ndarray, size: int, samples: int) -> np.ndarray:
    """Average (3, samples^2) to uint8 (size, size, 3)."""
    k = samples // size
    grid = colour.reshape(3, size, k, size, k)
    total = sum(grid[:, :, i, :, j] for i in range(k) for j in range(k))
    # A mild shoulder keeps highlights from clipping hard: 1.25 becomes 1.
    mean = np.clip(total * (1.0 / (k * k)), 0.0, 1.25)
    mean *= 255.0 * (1.0 - 0.16 * mean)
    return np.rint(mean).astype(np.uint8).transpose(1, 2, 0)

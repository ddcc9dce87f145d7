"""From face factors to pictures."""

from __future__ import annotations

import math

import numpy as np

from dlvae.data.synthetic_faces.colours import skin_colour, times
from dlvae.data.synthetic_faces.factors import FACTOR_NAMES
from dlvae.data.synthetic_faces.geometry import (
    UPRIGHT,
    Ellipsoid,
    Grid,
    Vector,
    between,
    ramp,
    to_view,
)
from dlvae.data.synthetic_faces.glasses import wear_glasses
from dlvae.data.synthetic_faces.hair import hair_surfaces
from dlvae.data.synthetic_faces.head import Anatomy, Face, head_surface
from dlvae.data.synthetic_faces.paint import paint_features, paint_skin
from dlvae.data.synthetic_faces.surface import Scene, Surface

_HALF_WIDTH = 0.88  # of the picture, in units of the head
_CENTRE_Y = -0.02


def render(factors: np.ndarray, size: int) -> np.ndarray:
    """Pictures uint8 (N, size, size, 3) of faces (N, F), columns as in `FACTOR_NAMES`.

    Each picture is a function of its own row alone: the batch it comes in does not change a byte.
    """
    samples = size * (3 if size < 48 else 2)
    grid = Grid(samples, _HALF_WIDTH, _CENTRE_Y)
    images = np.empty((len(factors), size, size, 3), np.uint8)
    for image, row in zip(images, np.float32(factors).tolist(), strict=True):
        image[:] = _draw(dict(zip(FACTOR_NAMES, row, strict=True)), grid, size)
    return images


def _draw(f: Face, grid: Grid, size: int) -> np.ndarray:
    scene = Scene(grid)
    a, lamp = Anatomy(f), _lamp_direction(f)
    head = head_surface(f, a, grid)
    paint_skin(f, a, head)
    paint_features(f, a, head)
    _shadow_of_nose(a, head, grid, lamp)
    scene.lay(head)
    for hair in hair_surfaces(f, a, grid):
        scene.lay(hair)
    _add_body(f, a, scene, lamp)
    _light_up(f, scene)
    _add_background(f, scene)
    wear_glasses(f, a, scene, head)
    return _to_pixels(scene.colour, size, grid.samples)


def _shadow_of_nose(a: Anatomy, head: Surface, grid: Grid, lamp: Vector) -> None:
    chosen = ((head.w > 0.0) & (np.abs(head.v - a.nose_y) < 0.35)).nonzero()[0]
    points = (head.index.take(chosen), head.depth.take(chosen))
    x, y, z = grid.x.take(points[0]), grid.y.take(points[0]), points[1]
    head.shadow[chosen] = 0.75 * a.nose_tip(0.13).shadow(lamp, x, y, z, 0.5)


def _add_body(f: Face, a: Anatomy, scene: Scene, lamp: Vector) -> None:
    """Neck and shoulders, which stay upright while the head turns, under the head's shadow."""
    rows = scene.grid.rows(-2.0, -0.30)
    x, y = scene.grid.x[rows], scene.grid.y[rows]
    chin = to_view(a.turn, (0.0, a.chin_y, 0.3))[1]
    face = a.face_body()
    neck = Ellipsoid.place(UPRIGHT, (0.0, -0.85, -0.26), (a.jaw * 0.5 + 0.12, 0.75, 0.26))
    trunk = Ellipsoid.place(UPRIGHT, (0.0, -1.25, -0.26), (1.0, 0.50, 0.42))
    warm, light = f["clothing_warmth"], 0.12 + 0.75 * f["clothing_light"]
    cloth = (light * (1.0 + 0.3 * warm), light * 0.95, light * (1.0 - 0.3 * warm))
    for body, colour in ((neck, times(skin_colour(f), 0.92)), (trunk, cloth)):
        near, _, q = body.surface(x, y)
        # The collar is wide: the clothes' edge lies lower in the middle.
        shown = q > 0.0 if body is neck else (q > 0.0) & (1.6 * (x * x) - y > 0.84)
        shown &= near > scene.depth[rows]
        index = shown.nonzero()[0]
        bx, by, depth = x.take(index), y.take(index), near.take(index)
        surface = Surface.blank(index + rows.start, depth)
        # Even without a lamp the light under a chin is dim.
        surface.fill(colour, 1.0 - 0.6 * ramp(by, chin - 0.10, 0.30))
        surface.gloss[:] = 0.05
        surface.shadow[:] = 0.85 * face.shadow(lamp, bx, by, depth, 0.4)
        scene.lay(surface)


def _add_background(f: Face, scene: Scene) -> None:
    index = scene.empty()
    x, y = scene.grid.x.take(index), scene.grid.y.take(index)
    fade = 1.0 - 0.16 * (x * x + y * y) + (0.10 * f["light_azimuth"] / 60.0) * x
    base = 0.15 + 0.75 * f["background_light"]
    warm, tint = 0.24 * f["background_warmth"], f["background_tint"]
    shades = 1.0 + warm - 0.09 * tint, 1.0 + 0.16 * tint, 1.0 - warm - 0.09 * tint
    for channel, shade in zip(scene.colour, shades, strict=True):
        channel[index] = base * shade * fade


# --- Light ---------------------------------------------------------------------------------------


def _lamp_direction(f: Face) -> Vector:
    """Unit vector towards the lamp, in view axes."""
    a, e = math.radians(f["light_azimuth"]), math.radians(f["light_elevation"])
    return math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e)


def _light_up(f: Face, scene: Scene) -> None:
    """Light the scene's colours in place: sky, lamp (Lambert) and highlight (Blinn), in shadows."""
    nx, ny, nz = _normals(scene.depth.reshape(2 * (scene.grid.samples,)), scene.grid.spacing)
    lx, ly, lz = _lamp_direction(f)
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


def _to_pixels(colour: np.ndarray, size: int, samples: int) -> np.ndarray:
    """Average (3, samples^2) to uint8 (size, size, 3)."""
    k = samples // size
    grid = colour.reshape(3, size, k, size, k)
    total = sum(grid[:, :, i, :, j] for i in range(k) for j in range(k))
    # A mild shoulder keeps highlights from clipping hard: 1.25 becomes 1.
    mean = np.clip(total * (1.0 / (k * k)), 0.0, 1.25)
    mean *= 255.0 * (1.0 - 0.16 * mean)
    return np.rint(mean).astype(np.uint8).transpose(1, 2, 0)

"""From face factors to pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dlvae.data.synthetic_faces.colours import Colour, skin_colour, times
from dlvae.data.synthetic_faces.factors import FACTOR_NAMES, checked
from dlvae.data.synthetic_faces.features import paint_features
from dlvae.data.synthetic_faces.geometry import UPRIGHT, Ellipsoid, Grid, Vector, ramp
from dlvae.data.synthetic_faces.glasses import wear_glasses
from dlvae.data.synthetic_faces.hair import hair_layers
from dlvae.data.synthetic_faces.head import Anatomy, Face, head_patch, view_height
from dlvae.data.synthetic_faces.light import lamp_direction, light_up, to_pixels
from dlvae.data.synthetic_faces.skin import paint_skin
from dlvae.errors import UserError

SMALLEST = 8
_HALF_WIDTH = 0.88  # of the picture, in units of the head
_CENTRE_Y = -0.02
_NOTHING = -2.0  # depth of the background


def render(factors: np.ndarray, size: int, threads: int = 2) -> np.ndarray:
    """Pictures uint8 (N, size, size, 3) of faces (N, F), columns as in `FACTOR_NAMES`.

    Each picture is a function of its own row alone: the batch it comes in and the number of
    `threads` do not change a byte.
    """
    factors = checked(factors)
    if size < SMALLEST:
        raise UserError(f"synthetic_faces: size must be at least {SMALLEST} px, found {size}")
    images = np.empty((len(factors), size, size, 3), np.uint8)

    def draw(rows: range) -> None:
        for row in rows:
            face = dict(zip(FACTOR_NAMES, factors[row].tolist(), strict=True))
            images[row] = _draw(face, size)

    shares = [range(start, len(factors), threads) for start in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(draw, shares))
    return images


def _draw(f: Face, size: int) -> np.ndarray:
    samples = size * (3 if size < 48 else 2)
    grid = Grid(samples, _HALF_WIDTH, _CENTRE_Y)
    scene = _Scene(grid)
    a, lamp = Anatomy.of(f), lamp_direction(f)
    head = head_patch(f, a, grid)
    paint_skin(f, a, head)
    paint_features(f, a, head)
    _add_body(f, a, scene, lamp)
    x, y = grid.x.take(head.index), grid.y.take(head.index)
    shadow = a.nose_tip(0.13).shadow(lamp, x, y, head.depth, 0.5)
    shadow *= 0.75 * (head.w > 0.0)
    scene.lay(head.index, head.depth, head.colour, gloss=head.gloss, shadow=shadow)
    for layer in hair_layers(f, a, grid):
        scene.lay(
            layer.index,
            layer.depth,
            layer.colour,
            brightness=layer.brightness,
            opacity=layer.opacity,
            gloss=layer.gloss,
        )
    light_up(f, scene.colour, scene.depth, scene.gloss, scene.shadow, samples, grid.spacing)
    _add_background(f, scene)
    seen = scene.depth.take(head.index) <= head.depth
    wear_glasses(f, a, grid, scene.colour, head, seen)
    return to_pixels(scene.colour, size, samples)


class _Scene:
    """What is visible so far, per sample (P,): colour (3, P), depth, gloss and cast shadow."""

    def __init__(self, grid: Grid):
        self.grid = grid
        self.colour = np.zeros((3, len(grid.x)), np.float32)
        self.depth = np.full_like(grid.x, _NOTHING)
        self.gloss = np.zeros_like(grid.x)
        self.shadow = np.zeros_like(grid.x)

    def lay(self, index, depth, colour, brightness=None, opacity=None, gloss=0.0, shadow=0.0):
        """Add a surface at the samples `index`, where it is in front of what is there.

        Arrays go along with `index`; channels of `colour`, gloss and shadow may be numbers.
        """
        front = np.flatnonzero(depth > self.depth.take(index))
        if not len(front):
            return
        index, depth = index.take(front), depth.take(front)
        if brightness is not None:
            brightness = brightness.take(front)
        share = None if opacity is None else opacity.take(front)
        solid = slice(None) if share is None else np.flatnonzero(share > 0.5)
        self.depth[index[solid]] = depth[solid]
        for channel, new in zip(self.colour, colour, strict=True):
            new = new.take(front) if isinstance(new, np.ndarray) else new
            _blend(channel, index, new if brightness is None else new * brightness, share)
        for channel, new in ((self.gloss, gloss), (self.shadow, shadow)):
            new = new.take(front) if isinstance(new, np.ndarray) else new
            _blend(channel, index, new, share)


def _blend(channel: np.ndarray, index: np.ndarray, new, share: np.ndarray | None) -> None:
    if share is not None:
        old = channel.take(index)
        new = old + share * (new - old)
    channel[index] = new


def _add_body(f: Face, a: Anatomy, scene: _Scene, lamp: Vector) -> None:
    """Neck and shoulders, which stay upright while the head turns, under the head's shadow."""
    rows = scene.grid.rows(-2.0, -0.30)
    x, y = scene.grid.x[rows], scene.grid.y[rows]
    chin = view_height(a, (0.0, a.chin_y, 0.3))
    face = a.face_body()
    neck = Ellipsoid.place(UPRIGHT, (0.0, -0.85, -0.26), (a.jaw * 0.5 + 0.12, 0.75, 0.26))
    trunk = Ellipsoid.place(UPRIGHT, (0.0, -1.25, -0.26), (1.0, 0.50, 0.42))
    warm, light = f["clothing_warmth"], 0.12 + 0.75 * f["clothing_light"]
    cloth = (light * (1.0 + 0.3 * warm), light * 0.95, light * (1.0 - 0.3 * warm))
    skin = times(skin_colour(f), 0.92)
    # The collar is wide: it lies lower in the middle.
    shoulders = ramp(1.6 * (x * x) - y, 0.84, 0.04)
    for body, colour, opacity, gloss in ((neck, skin, None, 0.06), (trunk, cloth, shoulders, 0.03)):
        near, _, q = body.surface(x, y)
        index = np.flatnonzero(q > 0.0)
        bx, by, depth = x.take(index), y.take(index), near.take(index)
        scene.lay(
            index + rows.start,
            depth,
            colour,
            # Even without a lamp the light under a chin is dim.
            brightness=1.0 - 0.6 * ramp(by, chin - 0.10, 0.30),
            opacity=None if opacity is None else opacity.take(index),
            gloss=gloss,
            shadow=0.85 * face.shadow(lamp, bx, by, depth, 0.4),
        )


def _add_background(f: Face, scene: _Scene) -> None:
    index = np.flatnonzero(scene.depth <= _NOTHING)
    x, y = scene.grid.x.take(index), scene.grid.y.take(index)
    fade = 1.0 - 0.16 * (x * x + y * y) + (0.10 * f["light_azimuth"] / 60.0) * x
    for channel, value in zip(scene.colour, _background(f), strict=True):
        channel[index] = value * fade


def _background(f: Face) -> Colour:
    base = 0.15 + 0.75 * f["background_light"]
    warm, tint = 0.24 * f["background_warmth"], f["background_tint"]
    red, green = base * (1.0 + warm - 0.09 * tint), base * (1.0 + 0.16 * tint)
    return red, green, base * (1.0 - warm - 0.09 * tint)

"""From face factors to pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dlvae.data.synthetic_faces.factors import columns
from dlvae.data.synthetic_faces.geometry import Ellipsoid, ramp
from dlvae.data.synthetic_faces.hair import hair_layers
from dlvae.data.synthetic_faces.head import Anatomy, head_surface
from dlvae.data.synthetic_faces.light import lamp, shade, to_pixels
from dlvae.data.synthetic_faces.paint import (
    colour,
    cover,
    hair_colour,
    mix,
    paint_face,
    skin_colour,
)
from dlvae.errors import UserError

_SAMPLES_AT_ONCE = 1 << 15  # array elements that stay in a core's cache
_FAR = np.float32(-2.0)


def render(factors: np.ndarray, size: int, threads: int = 2) -> np.ndarray:
    """Pictures uint8 (N, size, size, 3) of faces float32 (N, F), columns as in FACTOR_NAMES.

    Each picture depends on its own row alone: not on the batch it is in, nor on `threads`.
    """
    f = columns(factors)
    if size < 8:
        raise UserError(f"synthetic_faces: size must be at least 8 pixels, found {size}")
    n = len(factors)
    samples = size * (3 if size < 48 else 2)
    images = np.empty((n, size, size, 3), np.uint8)
    step = max(1, _SAMPLES_AT_ONCE // samples**2)

    def draw(start: int) -> None:
        part = {name: column[start : start + step] for name, column in f.items()}
        images[start : start + step] = _draw(part, size, samples)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(draw, range(0, n, step)))
    return images


def _draw(f, size, samples) -> np.ndarray:
    n = len(f["azimuth"])
    line = ((np.arange(samples, dtype=np.float32) + 0.5) * (2.0 / samples) - 1.0)[None]
    x = np.tile(line, (1, samples)).reshape(1, -1)
    y = np.repeat(-line, samples).reshape(1, -1)
    a = Anatomy.of(f)
    light = lamp(f)
    scene = _Scene(f, n, x, y)
    head = head_surface(f, a, x, y)
    layers = hair_layers(f, a, x, y)
    strands = hair_colour(f)
    scene.body(f, a, head, light)
    depth, mask, strand = layers[0]
    scene.lay(depth, mask, strands * strand * 0.92, 0.22, 0.0)
    picture, gloss = paint_face(f, a, head)
    shadow = 0.75 * head.nose.shadow(light, x, y, head.depth, 0.5)
    scene.lay(head.depth, head.inside.astype(np.float32), picture, gloss, shadow)
    depth, mask, strand = layers[1]
    scene.lay(depth, mask, strands * strand, 0.25, 0.0)
    lit = shade(f, scene.picture, scene.depth, scene.gloss, scene.shadow, samples)
    backdrop = scene.backdrop(f)
    lit = np.where(scene.depth > _FAR, lit, backdrop)
    scene.glasses(f, a, lit, head)
    return to_pixels(lit, size, samples)


class _Scene:
    """What is visible so far: colour, depth, gloss and cast shadow per sample."""

    def __init__(self, f, n, x, y):
        self.x, self.y = x, y
        self.picture = np.zeros((3, n, x.shape[1]), np.float32)
        self.depth = np.full((n, x.shape[1]), _FAR, np.float32)
        self.gloss = np.zeros_like(self.depth)
        self.shadow = np.zeros_like(self.depth)

    def lay(self, depth, mask, paint, gloss, shadow) -> None:
        """Add a surface where it is in front; `mask` in [0, 1] is its opacity."""
        share = mask * (depth > self.depth)
        cover(self.picture, paint, share)
        solid = share > 0.5
        self.depth = np.where(solid, depth, self.depth)
        self.gloss += share * (gloss - self.gloss)
        self.shadow += share * (shadow - self.shadow)

    def body(self, f, a, head, light) -> None:
        still = np.broadcast_to(np.eye(3), (len(f["azimuth"]), 3, 3))
        neck = Ellipsoid.place(still, (0.0, -0.85, -0.16), (a.jaw * 0.55 + 0.12, 0.75, 0.26))
        trunk = Ellipsoid.place(still, (0.0, -1.38, -0.2), (1.05, 0.50, 0.42))
        depth, q = neck.surface(self.x, self.y)
        shadow = head.jaw.shadow(light, self.x, self.y, depth, 0.4)
        skin = skin_colour(f) * 0.9
        self.lay(depth, (q > 0).astype(np.float32), skin, 0.05, np.maximum(shadow, 0.35))
        depth, q = trunk.surface(self.x, self.y)
        shadow = head.jaw.shadow(light, self.x, self.y, depth, 0.4)
        warm = f["clothing_warmth"]
        light_ = 0.12 + 0.75 * f["clothing_light"]
        cloth = colour(light_ * (1 + 0.35 * warm), light_ * 0.95, light_ * (1 - 0.35 * warm))
        collar = ramp(self.x * self.x * 1.2 - self.y - 0.88 + 0.0, -0.02, 0.02)
        self.lay(depth, (q > 0) * collar, cloth, 0.03, shadow * 0.8)

    def backdrop(self, f) -> np.ndarray:
        base = 0.15 + 0.7 * f["background_light"]
        warm, tint = f["background_warmth"], f["background_tint"]
        plain = colour(
            base * (1 + 0.30 * warm - 0.12 * tint),
            base * (1 + 0.22 * tint),
            base * (1 - 0.30 * warm - 0.12 * tint),
        )
        side = f["light_azimuth"] * (1.0 / 60.0)
        fade = 1.0 - 0.16 * (self.x * self.x + self.y * self.y) + 0.10 * side * self.x
        return plain * fade

    def glasses(self, f, a, lit, head) -> None:
        """Frames in the plane before the eyes, and arms along the temples."""
        turn = a.turn.astype(np.float32)[..., None]
        front = 0.56
        # Point of the plane w = front that this sample sees: u = p.x axis, solved for view depth.
        z = (front - turn[:, 0, 2] * self.x - turn[:, 1, 2] * self.y) * (1.0 / turn[:, 2, 2])
        u = turn[:, 0, 0] * self.x + turn[:, 1, 0] * self.y + turn[:, 2, 0] * z
        v = turn[:, 0, 1] * self.x + turn[:, 1, 1] * self.y + turn[:, 2, 1] * z
        worn = f["glasses"]
        thick = 0.012 + 0.022 * worn
        dx = (np.abs(u) - a.eye_x - 0.015) * (1.0 / 0.165)
        dy = (v - a.eye_y + 0.02) * (1.0 / 0.125)
        r = dx * dx * (1 + dx * dx) * 0.5 + dy * dy * (1 + dy * dy) * 0.5
        rim = ramp(thick - np.abs(r - 1.0) * 0.05, 0.0, 0.012)
        bridge = ramp(thick * 0.8 - np.abs(v - a.eye_y - 0.02), 0.0, 0.012) * (
            np.abs(u) < a.eye_x - 0.14
        )
        arm = ramp(thick * 0.9 - np.abs(head.v - a.eye_y - 0.02), 0.0, 0.012)
        arm = arm * (head.w < 0.36) * (head.w > -0.05) * head.inside * (np.abs(head.u) > 0.3)
        arm = arm * (self.depth <= head.depth)
        on = np.minimum(worn * 4.0, 1.0)
        lens = (r < 1.0) * on
        cover(lit, colour(0.75, 0.82, 0.88), lens * (0.06 + 0.10 * ramp(dx + dy, 0.3, 0.5)))
        cover(
            lit,
            mix((0.09, 0.07, 0.07), (0.25, 0.14, 0.08), f["hair_redness"]),
            np.maximum(np.maximum(rim, bridge), arm) * on,
        )

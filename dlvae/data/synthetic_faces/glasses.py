"""Glasses: frames in a plane before the eyes, and arms along the temples."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.colours import Colour, cover, mix
from dlvae.data.synthetic_faces.geometry import between, ramp, to_head, to_view
from dlvae.data.synthetic_faces.head import EYE_Y, Anatomy, Face
from dlvae.data.synthetic_faces.surface import Scene, Surface

_PLANE = 0.56  # distance of the frames before the head's centre


def wear_glasses(f: Face, a: Anatomy, scene: Scene, head: Surface) -> None:
    """Draw glasses over the lit scene; `head` is the surface whose temples carry the arms."""
    worn = f["glasses"]
    if worn <= 0.0:
        return
    shown = min(4.0 * worn, 1.0)
    thick = 0.012 + 0.020 * worn
    frame = mix((0.09, 0.07, 0.07), (0.30, 0.17, 0.10), f["hair_redness"])
    _arms(scene, head, thick, shown, frame)
    centre = to_view(a.turn, (0.0, EYE_Y, _PLANE))
    grid = scene.grid
    rows = grid.rows(centre[1] - 0.26, centre[1] + 0.26)
    x, y, lit = grid.x[rows], grid.y[rows], scene.colour[:, rows]
    # The point of the frames' plane that a sample sees.
    normal = [row[2] for row in a.turn]
    z = (_PLANE - normal[0] * x - normal[1] * y) * (1.0 / normal[2])
    u, v, _ = to_head(a.turn, x, y, z)
    round_ = between(0.0, 0.8, f["head_width"])
    dx = (np.abs(u) - a.eye_x - 0.015) * (1.0 / 0.165)
    dy = (v - EYE_Y + 0.02) * (1.0 / 0.13)
    dx2, dy2 = dx * dx, dy * dy
    r = dx2 * (round_ + (1.0 - round_) * dx2) + dy2 * (round_ + (1.0 - round_) * dy2)
    rim = ramp(np.abs(r - 1.0) * 0.05, thick, -0.012)
    level = np.abs(v - EYE_Y - 0.02)
    bridge = ramp(level, 0.8 * thick, -0.012) * (np.abs(u) < a.eye_x - 0.13)
    lens = (r < 1.0) * (0.05 + 0.12 * ramp(np.abs(dx + dy - 0.3), 0.25, -0.1))
    cover(lit, (0.82, 0.88, 0.94), shown * lens)
    cover(lit, frame, shown * np.maximum(rim, bridge))


def _arms(scene: Scene, head: Surface, thick: float, shown: float, frame: Colour) -> None:
    level = np.abs(head.v - EYE_Y - 0.02)
    beside = scene.shows(head) & (head.w < 0.42) & (head.w > -0.05) & (head.side > 0.3)
    chosen = (beside & (level < 2.0 * thick)).nonzero()[0]
    share = shown * ramp(level.take(chosen), 0.9 * thick, -0.012)
    index = head.index.take(chosen)
    part = scene.colour.take(index, axis=1)
    cover(part, frame, share)
    scene.colour[:, index] = part

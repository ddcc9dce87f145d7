"""Skin: flush, creases and lines, and a beard."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.colours import Colour, cover, hair_colour, skin_colour, times
from dlvae.data.synthetic_faces.geometry import bump, ramp, wave
from dlvae.data.synthetic_faces.head import EYE_Y, Anatomy, Face
from dlvae.data.synthetic_faces.surface import Surface


def paint_skin(f: Face, a: Anatomy, p: Surface) -> None:
    """Fill the whole head with skin, then flush, creases and the beard of its front."""
    skin = skin_colour(f)
    p.gloss[:] = 0.16
    p.fill(skin, 1.0)
    ear = bump(p.side, p.v, a.face_width + 0.02, -0.01, 0.05, 0.09)
    cover(p.colour, times(skin, (0.62, 0.46, 0.42)), 0.8 * ear * (p.w < 0.0))
    chosen = (p.w > -0.05).nonzero()[0]
    front = p.part(chosen)
    _flush(f, a, front, skin)
    _lines(f, a, front, times(skin, (0.62, 0.50, 0.46)))
    if f["beard"] > 0.0:
        _beard(f, a, front)
    p.put(chosen, front)


def _flush(f, a, p: Surface, skin: Colour) -> None:
    rosy = times(skin, (1.02, 0.72, 0.68))
    share = (0.25 + 0.5 * f["make_up"]) * bump(p.side, p.v, 0.28, -0.14, 0.20, 0.16)
    share += 0.3 * bump(p.u, p.v, 0.0, a.nose_y + 0.03, 0.12, 0.10)
    cover(p.colour, rosy, share)


def _lines(f, a, p: Surface, shade: Colour) -> None:
    """Nostrils and the shade under the nose; bags, folds and wrinkles of age and mood."""
    u, v, side, age = p.u, p.v, p.side, f["age_lines"]
    smiling, frowning = max(f["expression"], 0.0), max(-f["expression"], 0.0)
    nostril = bump(side, v, 0.5 * a.nose_width, a.nose_y - 0.02, 0.042, 0.026)
    share = 0.45 * bump(u, v, 0.0, a.nose_y - 0.045, a.nose_width * 1.5, 0.04)
    share += (0.12 + 0.5 * age) * bump(side, v, a.eye_x, EYE_Y - 0.115, 0.13, 0.035)
    middle = 0.5 * (a.nose_y + a.mouth_y) + 0.02
    fold_x = 0.14 + 0.35 * (a.nose_y + 0.03)
    fold = bump(side + 0.35 * v, v, fold_x, middle, 0.035, 0.15)
    share += (0.5 * age + 0.2 * smiling) * fold
    share += (0.8 * frowning) * bump(side, v, 0.045, a.brow_y, 0.03, 0.09)
    if age > 0.0:
        forehead = bump(u, v, 0.0, 0.36, 0.36, 0.17)
        crease = np.clip(wave((v - 0.35 * (u * u)) * 11.0), 0.0, 1.0)
        share += (0.9 * age) * (crease * crease) * forehead
        foot = bump(side, v, a.eye_x + a.eye_width + 0.06, EYE_Y, 0.06, 0.07)
        share += (0.7 * age) * foot * wave(v * 22.0).clip(0.0, 1.0)
    cover(p.colour, shade, share.clip(0.0, 1.0))
    cover(p.colour, times(shade, 0.3), (1.6 * nostril).clip(0.0, 1.0))


def _beard(f, a, p: Surface) -> None:
    line = a.mouth_y + 0.09 + 1.2 * (p.side - 0.24).clip(0.0, 1.0)
    cheek = ramp(line - p.v, 0.0, 0.10) * ramp(p.w, -0.05, 0.2)
    bare = bump(p.u, p.v, 0.0, a.mouth_y, a.mouth_width * 1.25, 0.12)
    moustache = bump(p.side, p.v, 0.10, a.mouth_y + 0.115, 0.19, 0.07)
    mask = cheek * (1.0 - (2.2 * bare).clip(0.0, 1.0))
    mask = np.maximum(mask, (2.0 * moustache).clip(0.0, 1.0))
    mask *= 0.88 + 0.12 * wave(p.u * 17.0 + 0.4 * wave(p.v * 9.0))
    opacity = min(1.5 * f["beard"], 0.95)
    cover(p.colour, times(hair_colour(f), 0.85), opacity * mask)
    p.gloss *= 1.0 - (0.8 * opacity) * mask

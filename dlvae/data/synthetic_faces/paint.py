"""What is painted on the head: skin and beard, mouth, eyes and brows."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.colours import (
    Colour,
    cover,
    eye_colour,
    hair_colour,
    mix,
    skin_colour,
    times,
)
from dlvae.data.synthetic_faces.geometry import between, bump, ramp, wave
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


def paint_features(f: Face, a: Anatomy, p: Surface) -> None:
    """Paint mouth, eyes and brows on the front of the head."""
    skin = skin_colour(f)
    for paint, low, high in (
        (_mouth, a.mouth_y - 0.26, a.mouth_y + 0.22),
        (_eyes, EYE_Y - 0.15, EYE_Y + 0.20),
        (_brows, a.brow_y - 0.14, a.brow_y + 0.14),
    ):
        chosen = ((p.w > 0.05) & (p.v > low) & (p.v < high)).nonzero()[0]
        if len(chosen):
            part = p.part(chosen)
            paint(f, a, part, skin)
            p.put(chosen, part)


def _mouth(f, a, p: Surface, skin: Colour) -> None:
    across = p.u * (1.0 / a.mouth_width)
    t = across * across
    arch = (1.0 - t).clip(0.0, 1.0)
    up = p.v - a.mouth_y - a.smile * (t.clip(0.0, 1.3) - 0.35)
    top, bottom = (0.35 * a.mouth_open) * arch, (-0.65 * a.mouth_open) * arch
    full = between(0.032, 0.066, f["lip_fullness"]) * (1.0 + 0.25 * min(f["expression"], 0.0))
    bow = 1.0 - 0.30 * (1.0 - 40.0 * (p.u * p.u)).clip(0.0, 1.0)
    upper = top + (0.85 * full) * arch * bow
    lower = bottom - (1.25 * full) * arch
    lips_share = ramp(np.minimum(upper - up, up - lower), 0.008, 0.014)
    make_up = f["make_up"]
    lipstick = mix((0.74, 0.10, 0.16), (0.45, 0.05, 0.12), f["skin_tone"])
    lips = mix(times(skin, (0.80, 0.46, 0.45)), lipstick, make_up)
    cover(p.colour, lips, (0.80 + 0.20 * make_up) * lips_share)
    cover(p.colour, times(lips, 0.72), 0.6 * lips_share * ramp(up - top, 0.01, 0.03))
    p.gloss += (0.12 + 0.2 * make_up) * lips_share
    seam = ramp(0.018 - np.abs(up - 0.5 * (top + bottom)), 0.0, 0.014) * ramp(1.08 - t, 0.0, 0.12)
    cover(p.colour, times(skin, (0.30, 0.16, 0.15)), 0.9 * seam)
    if a.mouth_open > 0.0:
        hole = ramp(np.minimum(top - up, up - bottom), 0.006, 0.01)
        cover(p.colour, (0.24, 0.06, 0.06), hole)
        teeth = hole * ramp(up - top + 0.62 * a.mouth_open, 0.0, 0.012) * ramp(0.75 - t, 0.0, 0.3)
        cover(p.colour, (0.96, 0.94, 0.89), teeth)


def _eyes(f, a, p: Surface, skin: Colour) -> None:
    out = p.side - a.eye_x
    t = out * out * (1.0 / a.eye_width**2)
    lid = (1.0 - t).clip(0.0, 1.0)
    up = p.v - EYE_Y - (0.16 * f["eye_tilt"]) * out
    half = a.eye_width * 0.49 * (1.0 - 0.2 * abs(f["expression"]))
    top, bottom = half * lid, (-0.70 * half) * lid
    make_up = f["make_up"]
    shadow = bump(out, up, 0.02, 0.07, 0.17, 0.075)
    lid_paint = mix((0.35, 0.22, 0.32), (0.16, 0.10, 0.14), f["skin_tone"])
    cover(p.colour, lid_paint, (0.75 * make_up) * shadow)
    cover(p.colour, times(skin, 0.55), 0.30 * bump(out, up, -0.03, 0.09, 0.16, 0.06))
    inside = ramp(np.minimum(top - up, up - bottom), 0.007, 0.012)
    cover(p.colour, (0.95, 0.93, 0.92), inside)
    _iris(f, a, p, inside, up, half)
    cover(p.colour, (0.35, 0.28, 0.27), 0.55 * inside * ramp(up - top, -0.028, 0.03))
    p.gloss *= 1.0 - 0.7 * inside
    lash = 0.013 + 0.012 * make_up
    line = ramp(lash - np.abs(up - top - 0.006), 0.0, 0.012) * ramp(1.12 - t, 0.0, 0.1)
    cover(p.colour, times(skin, 0.14), 0.92 * line)
    under = ramp(0.007 - np.abs(up - bottom + 0.004), 0.0, 0.010) * ramp(1.0 - t, 0.0, 0.1)
    cover(p.colour, times(skin, 0.35), (0.5 + 0.4 * make_up) * under)


def _iris(f, a, p: Surface, inside, up, half: float) -> None:
    # Eyes follow the viewer part of the way, as a sitter's do.
    look = p.u - np.copysign(np.float32(a.eye_x), p.u) + 0.05 * a.turn[0][2]
    rise = up - 0.14 * half + 0.035 * a.turn[1][2]
    ring = (look * look + rise * rise) * (1.0 / (0.46 * a.eye_width) ** 2)
    colour = eye_colour(f)
    cover(p.colour, times(colour, 0.55), inside * ramp(ring, 1.0, -0.25))
    cover(p.colour, times(colour, 1.1), inside * ramp(ring, 0.72, -0.4))
    cover(p.colour, (0.02, 0.02, 0.02), inside * ramp(ring, 0.24, -0.15))
    glint = bump(look, rise, 0.018, 0.022, 0.022, 0.022)
    cover(p.colour, (1.0, 1.0, 1.0), inside * (2.0 * glint).clip(0.0, 1.0))


def _brows(f, a, p: Surface, skin: Colour) -> None:
    out = (p.side - a.eye_x - 0.015) * (1.0 / (a.eye_width * 1.35))
    frown = max(-f["expression"], 0.0)
    rise = between(0.0, 0.045, f["brow_arch"])
    middle = (a.brow_y + rise - 0.035 * frown) - rise * (out * out)
    middle += (0.055 * frown - 0.004) * out
    thick = between(0.016, 0.040, f["brow_thickness"]) * np.clip(1.0 - 0.45 * out, 0.3, 2.0)
    share = ramp(thick - np.abs(p.v - middle), 0.0, 0.016) * ramp(np.abs(out), 1.0, -0.15)
    hair = mix(times(hair_colour(f), 0.65), times(skin, 0.5), 0.15)
    cover(p.colour, hair, between(0.75, 0.95, f["brow_thickness"]) * share)

"""Colours of the face: skin, eyes, brows, mouth, and what changes from look to look."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.geometry import bump, ramp, wave
from dlvae.data.synthetic_faces.head import Anatomy, Columns, Surface, between


def colour(*rgb) -> np.ndarray:
    """Channels (each a number or (n, 1)) stacked to (3, n or 1, 1) float32."""
    return np.stack(
        [
            np.atleast_2d(np.asarray(c, np.float32)) + 0.0 * 0
            for c in np.broadcast_arrays(*[np.atleast_2d(np.asarray(c, np.float32)) for c in rgb])
        ]
    )


def mix(low, high, share: np.ndarray) -> np.ndarray:
    """Colour (3, n, 1) at `share` (n, 1) of the way between two RGB triples."""
    low, high = (np.asarray(c, np.float32).reshape(3, -1, 1) for c in (low, high))
    return low + (high - low) * share


def cover(picture: np.ndarray, paint: np.ndarray, share: np.ndarray) -> None:
    """Lay `paint` (3, n, 1 or P) over `picture` (3, n, P) in place, with opacity `share` (n, P)."""
    for channel, value in zip(picture, paint, strict=True):
        channel += share * (value - channel)


def hair_colour(f: Columns) -> np.ndarray:
    """(3, n, 1): black, brown, blond by tone, towards copper by redness, a little grey by age."""
    tone = f["hair_tone"]
    dark = mix((0.05, 0.04, 0.04), (0.36, 0.22, 0.13), np.minimum(2.0 * tone, 1.0))
    plain = dark + mix((0, 0, 0), (0.50, 0.44, 0.27), np.maximum(2.0 * tone - 1.0, 0.0))
    red = np.maximum(f["hair_redness"] - 0.5, 0.0) * 1.4
    return plain + (colour(0.55, 0.21, 0.07) - plain) * red


def skin_colour(f: Columns) -> np.ndarray:
    """(3, n, 1) from light to dark skin, rosy to golden."""
    light = mix((0.98, 0.78, 0.71), (0.96, 0.80, 0.62), f["skin_warmth"])
    middle = mix((0.76, 0.52, 0.42), (0.74, 0.54, 0.36), f["skin_warmth"])
    dark = mix((0.36, 0.21, 0.17), (0.36, 0.23, 0.13), f["skin_warmth"])
    tone = f["skin_tone"]
    return (
        light
        + (middle - light) * np.minimum(2 * tone, 1)
        + (dark - middle) * np.maximum(2 * tone - 1, 0)
    )


def paint_face(f: Columns, a: Anatomy, s: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Colour (3, n, P) of the head and gloss (n, P), the strength of its highlights."""
    skin = skin_colour(f)
    picture = np.empty((3, *s.u.shape), np.float32)
    picture[:] = skin
    gloss = np.full_like(s.u, 0.16)
    _paint_skin(f, a, s, picture, skin)
    _paint_beard(f, a, s, picture)
    _paint_mouth(f, a, s, picture, gloss, skin)
    _paint_eyes(f, a, s, picture, gloss, skin)
    _paint_brows(f, a, s, picture)
    return picture, gloss


def _paint_skin(f, a, s, picture, skin) -> None:
    side = np.abs(s.u)
    rosy = skin * colour(1.02, 0.72, 0.68)
    cheeks = bump(side, s.v, 0.28, -0.14, 0.20, 0.16)
    cover(picture, rosy, (0.30 + 0.55 * f["make_up"]) * cheeks)
    cover(picture, rosy, 0.35 * bump(s.u, s.v, 0.0, a.nose_y + 0.03, 0.12, 0.10))
    shade = skin * colour(0.62, 0.50, 0.46)
    nostril = bump(side, s.v, 0.5 * a.nose_width, a.nose_y - 0.02, 0.042, 0.026)
    cover(picture, skin * 0.25, np.minimum(1.6 * nostril, 1.0))
    cover(picture, shade, 0.45 * bump(s.u, s.v, 0.0, a.nose_y - 0.045, a.nose_width * 1.5, 0.04))
    lines = f["age_lines"]
    forehead = bump(s.u, s.v, 0.0, 0.36, 0.34, 0.17)
    crease = np.maximum(wave((s.v - 0.35 * s.u * s.u) * 11.0), 0.0)
    cover(picture, shade, lines * 0.55 * crease * crease * np.minimum(2.0 * forehead, 1.0))
    bag = bump(side, s.v, a.eye_x, a.eye_y - 0.105, 0.13, 0.035)
    cover(picture, shade, (0.12 + 0.6 * lines) * bag)
    fold_x = 0.13 + 0.35 * (a.nose_y + 0.03 - s.v)
    fold = bump(side, s.v, fold_x, 0.5 * (a.nose_y + a.mouth_y) + 0.02, 0.03, 0.15)
    cover(picture, shade, (0.6 * lines + 0.25 * np.maximum(f["expression"], 0.0)) * fold)
    foot = bump(side, s.v, a.eye_x + a.eye_width + 0.06, a.eye_y, 0.06, 0.07)
    cover(picture, shade, lines * foot * 0.8 * np.maximum(wave(s.v * 22.0), 0.0))
    frown = np.maximum(-f["expression"], 0.0)
    cover(picture, shade, frown * 0.8 * bump(side, s.v, 0.045, a.brow_y, 0.03, 0.09))


def _paint_beard(f, a, s, picture) -> None:
    side = np.abs(s.u)
    line = a.mouth_y + 0.09 + 1.2 * np.maximum(side - 0.24, 0.0) ** 1
    cheek = ramp(line - s.v, 0.0, 0.10) * ramp(s.w, -0.05, 0.2)
    bare = bump(s.u, s.v, 0.0, a.mouth_y, a.mouth_width * 1.25, 0.12)
    moustache = bump(side, s.v, 0.10, a.mouth_y + 0.115, 0.19, 0.07)
    mask = np.maximum(cheek * (1.0 - np.minimum(2.2 * bare, 1.0)), np.minimum(2.0 * moustache, 1.0))
    strand = 0.88 + 0.12 * wave(s.u * 17.0 + 0.4 * wave(s.v * 9.0))
    beard = f["beard"]
    cover(picture, hair_colour(f) * 0.85 + 0.02, mask * strand * np.minimum(1.5 * beard, 0.95))


def _paint_mouth(f, a, s, picture, gloss, skin) -> None:
    across = s.u * (1.0 / a.mouth_width)
    t = across * across
    arch = np.maximum(1.0 - t, 0.0)
    up = s.v - a.mouth_y - a.smile * (t - 0.35)
    top, bottom = 0.35 * a.mouth_open * arch, -0.65 * a.mouth_open * arch
    full = between(0.030, 0.062, f["lip_fullness"]) * (1.0 - 0.25 * np.maximum(-f["expression"], 0))
    bow = 1.0 - 0.30 * np.maximum(1.0 - 40.0 * s.u * s.u, 0.0)
    upper = top + full * 0.85 * arch * bow
    lower = bottom - full * 1.25 * arch
    inside = ramp(np.minimum(upper - up, up - lower), 0.008, 0.014) * (s.w > 0.2)
    natural = skin * colour(0.86, 0.54, 0.52)
    lipstick = mix((0.72, 0.10, 0.16), (0.45, 0.05, 0.12), f["skin_tone"])
    make_up = f["make_up"]
    lips = natural + (lipstick - natural) * make_up
    cover(picture, lips, inside * (0.80 + 0.20 * make_up))
    cover(picture, lips * 0.72, inside * 0.6 * ramp(up - top, 0.01, 0.03))
    gloss += inside * (0.12 + 0.2 * make_up)
    hole = ramp(np.minimum(top - up, up - bottom), 0.004, 0.01) * inside
    cover(picture, colour(0.22, 0.05, 0.05), hole)
    teeth = hole * ramp(up - top + 0.62 * a.mouth_open, 0.0, 0.012) * (1.0 - ramp(t, 0.75, 0.3))
    cover(picture, colour(0.95, 0.93, 0.88), teeth)
    seam = ramp(0.013 - np.abs(up - 0.5 * (top + bottom)), 0.0, 0.012) * ramp(1.08 - t, 0.0, 0.12)
    cover(picture, skin * colour(0.30, 0.16, 0.15), seam * (1 - teeth) * (s.w > 0.2) * 0.9)


def _paint_eyes(f, a, s, picture, gloss, skin) -> None:
    out = np.abs(s.u) - a.eye_x
    t = out * out * (1.0 / (a.eye_width * a.eye_width))
    lid = np.maximum(1.0 - t, 0.0)
    up = s.v - a.eye_y - 0.16 * f["eye_tilt"] * out
    squint = 1.0 - 0.22 * np.maximum(f["expression"], 0) - 0.18 * np.maximum(-f["expression"], 0)
    open_up = a.eye_width * 0.52 * squint
    top, bottom = open_up * lid, -0.72 * open_up * lid
    front = s.w > 0.05
    make_up = f["make_up"]
    shadow = bump(out, up, 0.02, 0.07, 0.17, 0.075)
    cover(
        picture,
        mix((0.35, 0.22, 0.32), (0.16, 0.10, 0.14), f["skin_tone"]),
        shadow * front * 0.75 * make_up,
    )
    cover(picture, skin * 0.55, 0.30 * bump(out, up, -0.03, 0.09, 0.16, 0.06) * front)
    inside = ramp(np.minimum(top - up, up - bottom), 0.0, 0.012) * front
    cover(picture, colour(0.93, 0.91, 0.90), inside)
    # Eyes follow the viewer part of the way, as a sitter's do.
    gaze_x = -0.05 * a.turn[:, 0, 2:3].astype(np.float32)
    gaze_y = -0.035 * a.turn[:, 1, 2:3].astype(np.float32)
    look = s.u - np.where(s.u > 0, a.eye_x, -a.eye_x) - gaze_x
    rise = up - 0.12 * open_up - gaze_y
    ring = (look * look + rise * rise) * (1.0 / (0.45 * a.eye_width) ** 2)
    brown, green, blue = (0.24, 0.13, 0.07), (0.33, 0.42, 0.24), (0.32, 0.52, 0.74)
    tint = mix(brown, green, np.minimum(2 * f["eye_colour"], 1))
    tint = tint + (mix(blue, blue, f["eye_colour"]) - tint) * np.maximum(2 * f["eye_colour"] - 1, 0)
    iris = inside * ramp(1.0 - ring, 0.0, 0.25)
    cover(picture, tint * 0.55, iris)
    cover(picture, tint * 1.05, iris * ramp(0.72 - ring, 0.0, 0.4))
    cover(picture, colour(0.02, 0.02, 0.02), iris * ramp(0.24 - ring, 0.0, 0.15))
    cover(picture, colour(0.35, 0.28, 0.27), inside * 0.55 * ramp(up - top + 0.028, 0.0, 0.03))
    glint = bump(look, rise, 0.018, 0.022, 0.022, 0.022)
    cover(picture, colour(1, 1, 1), inside * np.minimum(2.0 * glint, 1.0))
    gloss *= 1.0 - 0.7 * inside
    lash = 0.013 + 0.012 * make_up
    line = ramp(lash - np.abs(up - top - 0.006), 0.0, 0.012) * ramp(1.12 - t, 0, 0.1) * front
    cover(picture, skin * 0.12 + 0.01, 0.92 * line)
    under = ramp(0.007 - np.abs(up - bottom + 0.004), 0.0, 0.010) * ramp(1.0 - t, 0, 0.1) * front
    cover(picture, skin * 0.35, (0.5 + 0.4 * make_up) * under)


def _paint_brows(f, a, s, picture) -> None:
    out = (np.abs(s.u) - a.eye_x - 0.015) * (1.0 / (a.eye_width * 1.35))
    frown = np.maximum(-f["expression"], 0.0)
    middle = a.brow_y + between(0.0, 0.045, f["brow_arch"]) * (1.0 - out * out)
    middle = middle + (0.055 * frown) * out - 0.03 * frown - 0.02 * out * (1 - frown)
    thick = between(0.016, 0.040, f["brow_thickness"]) * np.maximum(1.0 - 0.45 * out, 0.3)
    mask = ramp(thick - np.abs(s.v - middle), 0.0, 0.016) * ramp(1.0 - np.abs(out), 0.0, 0.15)
    mask = mask * (s.w > 0.05) * between(0.75, 0.95, f["brow_thickness"])
    cover(picture, hair_colour(f) * 0.65, mask)

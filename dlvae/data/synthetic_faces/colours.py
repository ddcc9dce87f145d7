"""Colours as RGB triples in [0, 1], and the laying of one over another."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.head import Face

Colour = tuple[float, float, float]


def mix(low: Colour, high: Colour, share: float) -> Colour:
    """Colour at `share` of the way from low to high."""
    (r, g, b), (s, t, u) = low, high
    return r + (s - r) * share, g + (t - g) * share, b + (u - b) * share


def times(colour: Colour, factor: Colour | float) -> Colour:
    """Colour filtered by a colour, or dimmed by a number."""
    r, g, b = colour
    s, t, u = (factor, factor, factor) if isinstance(factor, float) else factor
    return r * s, g * t, b * u


def three_way(low: Colour, middle: Colour, high: Colour, share: float) -> Colour:
    """Colour along low - middle - high at `share` in [0, 1]."""
    if share < 0.5:
        return mix(low, middle, 2.0 * share)
    return mix(middle, high, 2.0 * share - 1.0)


def cover(picture: np.ndarray, paint: Colour, share: np.ndarray) -> None:
    """Lay `paint` over `picture` (3, M) in place, with opacity `share` (M,)."""
    step = np.array(paint, np.float32)[:, None] - picture
    step *= share
    picture += step


def hair_colour(f: Face) -> Colour:
    """Black, brown, blond by tone, towards copper by redness."""
    plain = three_way((0.06, 0.05, 0.05), (0.38, 0.24, 0.14), (0.90, 0.70, 0.40), f["hair_tone"])
    return mix(plain, (0.58, 0.23, 0.08), 1.4 * max(f["hair_redness"] - 0.5, 0.0))


def skin_colour(f: Face) -> Colour:
    """From light to dark, rosy to golden."""
    warm = f["skin_warmth"]
    return three_way(
        mix((1.00, 0.80, 0.73), (0.98, 0.82, 0.65), warm),
        mix((0.80, 0.56, 0.45), (0.79, 0.58, 0.40), warm),
        mix((0.42, 0.26, 0.21), (0.43, 0.28, 0.17), warm),
        f["skin_tone"],
    )


def eye_colour(f: Face) -> Colour:
    """Brown, green, blue."""
    return three_way((0.24, 0.13, 0.07), (0.33, 0.42, 0.24), (0.32, 0.52, 0.76), f["eye_colour"])

"""Hair: a cap over the skull with a hairline, and locks that fall beside and behind the face."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.geometry import Ellipsoid, ramp, to_head, wave
from dlvae.data.synthetic_faces.head import Anatomy, Columns, between


def hair_layers(f: Columns, a: Anatomy, x, y) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Layers (depth, mask, strand), each (n, P): where hair is, and its brightness from strands."""
    return [_locks(f, a, x, y), _cap(f, a, x, y)]


def _cap(f, a, x, y):
    volume = between(0.02, 0.15, f["hair_volume"]) * np.minimum(0.25 + 2.0 * f["hair_length"], 1.0)
    shell = Ellipsoid.place(
        a.turn,
        (0.0, a.top - 0.5 + 0.02, -0.12),
        (a.face_width + 0.02 + 0.8 * volume, 0.5 + volume, 0.60 + 0.7 * volume),
    )
    depth, q = shell.surface(x, y)
    u, v, w = to_head(a.turn, x, y, depth)
    length = f["hair_length"]
    hairline = a.top - between(0.20, 0.10, f["hairline"])
    # The fringe hangs lower on the side it is combed to.
    fall = ramp(u * f["hair_part"], -0.05, 0.5)
    edge = hairline - (0.26 * f["hair_fringe"] * np.minimum(3.0 * length, 1.0)) * fall
    edge = edge + 0.012 * wave(u * 9.0)
    # Beside the face the edge drops to the ears.
    drop = between(0.5, 1.1, np.minimum(2.0 * length, 1.0))
    side = np.maximum(0.30 - w, 0.0)
    lowest = between(0.12, -0.25, np.minimum(2.5 * length, 1.0))
    edge = np.maximum(edge - drop * 2.2 * side, lowest)
    mask = ramp(v - edge, 0.0, 0.05) * (q > 0)
    mask = mask * np.minimum(0.35 + 7.0 * length, 1.0)
    strand = 0.86 + 0.14 * wave(u * 6.0 + 0.5 * f["hair_part"] + 0.35 * wave(v * 2.0 + w))
    return depth, mask, strand


def _locks(f, a, x, y):
    length = f["hair_length"]
    bottom = between(0.0, -1.25, np.maximum(length - 0.35, 0.0) * (1.0 / 0.65))
    top = a.top - 0.05
    volume = between(0.05, 0.20, f["hair_volume"])
    curtain = Ellipsoid.place(
        a.turn,
        (0.0, 0.5 * (top + bottom), -0.22),
        (a.face_width + volume, 0.55 * (top - bottom), 0.36),
    )
    depth, q = curtain.surface(x, y)
    u, v, w = to_head(a.turn, x, y, depth)
    beside = ramp(np.abs(u) - a.face_width * 0.80, 0.0, 0.06)
    depth = np.where(beside > 0.5, depth, -0.6)
    mask = (q > 0) * (length > 0.35) * np.float32(1)
    strand = 0.84 + 0.16 * wave(u * 7.0 + 0.3 * wave(v * 1.5))
    return depth, mask, strand

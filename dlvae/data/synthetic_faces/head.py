"""The head's shape: where the features of a face sit, and the depth of its surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlvae.data.synthetic_faces.geometry import (
    Ellipsoid,
    bump,
    rotation,
    smooth_max,
    to_head,
)

Columns = dict[str, np.ndarray]


def between(low: float, high: float, share: np.ndarray) -> np.ndarray:
    """Value at `share` of the way from low to high."""
    return low + (high - low) * share


@dataclass(frozen=True)
class Anatomy:
    """Positions and sizes of one face each, (n, 1), in head axes; the skull's half height is ~0.7."""

    turn: np.ndarray  # (n, 3, 3), head to view
    face_width: np.ndarray
    top: np.ndarray
    jaw: np.ndarray
    chin_y: np.ndarray
    eye_x: np.ndarray
    eye_y: float
    eye_width: np.ndarray
    brow_y: np.ndarray
    nose_y: np.ndarray
    nose_width: np.ndarray
    mouth_y: np.ndarray
    mouth_width: np.ndarray
    mouth_open: np.ndarray
    smile: np.ndarray  # height that the mouth's corners rise

    @classmethod
    def of(cls, f: Columns) -> Anatomy:
        """From named factor columns."""
        happy = np.maximum(f["expression"], 0.0)
        opening = 0.15 * np.maximum(f["expression"] - 0.15, 0.0)
        nose_y = between(-0.17, -0.27, f["nose_length"])
        chin_y = between(-0.66, -0.78, f["chin_length"])
        return cls(
            turn=rotation(f["azimuth"], f["elevation"]),
            face_width=between(0.46, 0.57, f["head_width"]),
            top=between(0.62, 0.74, f["head_height"]),
            jaw=between(0.28, 0.42, f["jaw_width"]),
            chin_y=chin_y - 0.5 * opening,
            eye_x=between(0.185, 0.245, f["eye_spacing"]),
            eye_y=0.04,
            eye_width=between(0.105, 0.15, f["eye_size"]),
            brow_y=between(0.16, 0.215, f["brow_height"]) + 0.03 * happy,
            nose_y=nose_y,
            nose_width=between(0.075, 0.135, f["nose_width"]),
            mouth_y=0.52 * nose_y + 0.48 * chin_y + 0.02 - 0.2 * opening,
            mouth_width=between(0.16, 0.24, f["mouth_width"]) * (1.0 + 0.28 * happy),
            mouth_open=opening,
            smile=0.085 * f["expression"],
        )


@dataclass(frozen=True)
class Surface:
    """Visible head surface per pixel (n, P): view depth, inside mask, and head coordinates."""

    depth: np.ndarray
    inside: np.ndarray
    u: np.ndarray
    v: np.ndarray
    w: np.ndarray
    jaw: Ellipsoid
    nose: Ellipsoid


def head_surface(f: Columns, a: Anatomy, x: np.ndarray, y: np.ndarray) -> Surface:
    """Skull, jaw, ears and nose as blended ellipsoids, then soft relief on top of them."""
    turn = a.turn
    middle = 0.5 * (a.chin_y + 0.30)
    skull = Ellipsoid.place(turn, (0.0, a.top - 0.5, -0.10), (a.face_width, 0.5, 0.60))
    face = Ellipsoid.place(
        turn, (0.0, middle + 0.04, 0.02), (a.face_width * 0.9, 0.5 * (0.42 - a.chin_y), 0.50)
    )
    chin = Ellipsoid.place(
        turn, (0.0, a.chin_y + 0.27, 0.10), (a.jaw, 0.27, between(0.36, 0.40, f["chin_length"]))
    )
    depth, _ = skull.surface(x, y)
    depth = smooth_max(depth, face.surface(x, y)[0], 0.10)
    depth = smooth_max(depth, chin.surface(x, y)[0], 0.14)
    for side in (-1.0, 1.0):
        ear = Ellipsoid.place(
            turn, (side * (a.face_width * 0.97), -0.02, -0.12), (0.075, 0.15, 0.09)
        )
        depth = smooth_max(depth, ear.surface(x, y)[0], 0.03)
    height = between(0.10, 0.19, f["nose_height"])
    bridge_y = 0.5 * (a.nose_y + 0.12)
    bridge = Ellipsoid.place(
        turn,
        (0.0, bridge_y, 0.44 + 0.45 * height),
        (0.062, 0.5 * (0.22 - a.nose_y), 0.10),
        pitch=22.0,
    )
    tip = Ellipsoid.place(
        turn, (0.0, a.nose_y + 0.045, 0.46 + height), (a.nose_width * 0.8, 0.068, 0.10)
    )
    depth = smooth_max(depth, bridge.surface(x, y)[0], 0.06)
    depth = smooth_max(depth, tip.surface(x, y)[0], 0.05)
    inside = depth > -0.75
    u, v, w = to_head(turn, x, y, depth)
    depth = depth + _relief(f, a, u, v, w)
    return Surface(depth, inside, u, v, w, face, tip)


def _relief(f: Columns, a: Anatomy, u, v, w) -> np.ndarray:
    """Height (n, P) of cheeks, brow ridge, eye sockets, nostril wings and lips above the head."""
    side = np.abs(u)
    happy = np.maximum(f["expression"], 0.0)
    cheek = between(0.02, 0.06, f["cheek_fullness"]) + 0.035 * happy
    height = cheek * bump(side, v, 0.27, -0.14 + 0.03 * happy, 0.20, 0.18)
    height += 0.045 * bump(side, v, 0.17, a.brow_y - 0.01, 0.27, 0.09)
    height -= 0.095 * bump(side, v, a.eye_x, a.eye_y, 0.20, 0.12)
    height += 0.05 * bump(side, v, a.eye_x, a.eye_y, a.eye_width, 0.085)
    height += 0.055 * bump(side, v, a.nose_width * 0.75, a.nose_y + 0.02, 0.055, 0.05)
    height += 0.035 * bump(u, v, 0.0, a.mouth_y, 0.26, 0.15)
    height += 0.03 * bump(u, v, 0.0, a.chin_y + 0.12, 0.15, 0.09)
    # Folds from the nose to the corners of the mouth deepen with age and with a smile.
    fold = bump(side - 0.35 * (a.nose_y - v), v, 0.15, 0.5 * (a.nose_y + a.mouth_y), 0.035, 0.16)
    height -= (0.02 * f["age_lines"] + 0.012 * happy) * fold
    return np.where(w > 0.0, height, 0.0)

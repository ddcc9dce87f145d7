"""The head's shape: where the features of a face sit, and the surface that carries them."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.geometry import (
    Ellipsoid,
    Grid,
    between,
    bump,
    rotation,
    smooth_max,
    to_head,
)
from dlvae.data.synthetic_faces.surface import Surface

Face = dict[str, float]
"""One picture's factors by name."""

EYE_Y = 0.04


class Anatomy:
    """Places and sizes of one face in head axes; from the chin to the top of the skull is ~1.4."""

    def __init__(self, f: Face) -> None:
        happy = max(f["expression"], 0.0)
        opening = 0.19 * max(f["expression"] - 0.1, 0.0)
        chin_y = between(-0.66, -0.79, f["chin_length"])
        self.turn = rotation(f["azimuth"], f["elevation"])  # head to view
        self.face_width = between(0.45, 0.58, f["head_width"])
        self.top = between(0.62, 0.75, f["head_height"])
        self.jaw = between(0.27, 0.42, f["jaw_width"])
        self.chin_y = chin_y - 0.5 * opening
        self.eye_x = between(0.185, 0.245, f["eye_spacing"])
        self.eye_width = between(0.11, 0.155, f["eye_size"])
        self.brow_y = between(0.165, 0.22, f["brow_height"]) + 0.035 * happy
        self.nose_y = between(-0.16, -0.26, f["nose_length"])
        self.nose_width = between(0.075, 0.135, f["nose_width"])
        self.mouth_y = 0.52 * self.nose_y + 0.48 * chin_y + 0.03 - 0.15 * opening
        self.mouth_width = between(0.165, 0.245, f["mouth_width"]) * (1.0 + 0.32 * happy)
        self.mouth_open = opening
        # Height that the corners of the mouth rise above its middle.
        self.smile = 0.12 * f["expression"]

    def face_body(self) -> Ellipsoid:
        """The face below the brow: it carries the cheeks and throws the shadow on the neck."""
        return Ellipsoid.place(
            self.turn,
            (0.0, 0.5 * self.chin_y + 0.19, 0.02),
            (self.face_width * 0.9, 0.5 * (0.42 - self.chin_y), 0.50),
        )

    def nose_tip(self, height: float) -> Ellipsoid:
        """The tip of a nose that stands out by `height`."""
        return Ellipsoid.place(
            self.turn,
            (0.0, self.nose_y + 0.045, 0.46 + height),
            (self.nose_width * 0.78, 0.066, 0.10),
        )


def head_surface(f: Face, a: Anatomy, grid: Grid) -> Surface:
    """Skull, jaw, ears and nose as blended ellipsoids, with soft relief on top; unpainted."""
    depth, inside = _bare_head(f, a, grid)
    index = (inside > 0.0).nonzero()[0]
    head = Surface.blank(index, depth.take(index), extra=4)
    x, y = grid.x.take(index), grid.y.take(index)
    head.u[:], head.v[:], head.w[:] = to_head(a.turn, x, y, head.depth)
    np.abs(head.u, out=head.side)
    head.depth += _relief(f, a, head)
    return head


def _bare_head(f, a, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Blended depth (P,) of the bodies, and a measure that is positive inside their outline."""
    turn = a.turn
    skull = Ellipsoid.place(turn, (0.0, a.top - 0.5, -0.10), (a.face_width, 0.5, 0.60))
    depth, _, inside = skull.surface(grid.x, grid.y)
    chin_depth = between(0.36, 0.40, f["chin_length"])
    chin = Ellipsoid.place(turn, (0.0, a.chin_y + 0.27, 0.10), (a.jaw, 0.27, chin_depth))
    bodies = [(a.face_body(), 0.10), (chin, 0.14)]
    size = between(0.85, 1.15, f["ear_size"])
    for side in (-1.0, 1.0):
        centre = (side * (a.face_width * 0.96), -0.02, -0.14)
        radii = (0.055 * size, 0.135 * size, 0.085 * size)
        bodies.append((Ellipsoid.place(turn, centre, radii), 0.03))
    height = between(0.09, 0.18, f["nose_height"])
    centre = (0.0, 0.5 * (a.nose_y + 0.13), 0.435 + 0.45 * height)
    radii = (0.055, 0.5 * (0.24 - a.nose_y), 0.10)
    bodies.append((Ellipsoid.place(turn, centre, radii, pitch=22.0), 0.08))
    bodies.append((a.nose_tip(height), 0.05))
    for body, blend in bodies:
        rows = body.rows(grid, margin=1.1)
        near, _, q = body.surface(grid.x[rows], grid.y[rows])
        depth[rows] = smooth_max(depth[rows], near, blend)
        np.maximum(inside[rows], q, out=inside[rows])
    return depth, inside


def _relief(f, a, head: Surface) -> np.ndarray:
    """Height (M,) of cheeks, brow ridge, eye sockets, nostril wings and lips above the head."""
    u, v, side = head.u, head.v, head.side
    happy = max(f["expression"], 0.0)
    cheek = between(0.015, 0.06, f["cheek_fullness"]) + 0.035 * happy
    height = cheek * bump(side, v, 0.27, -0.14 + 0.03 * happy, 0.20, 0.18)
    height += 0.045 * bump(side, v, 0.17, a.brow_y - 0.01, 0.27, 0.09)
    height -= 0.09 * bump(side, v, a.eye_x, EYE_Y, 0.20, 0.12)
    height += 0.05 * bump(side, v, a.eye_x, EYE_Y, a.eye_width, 0.085)
    height += 0.05 * bump(side, v, a.nose_width * 0.75, a.nose_y + 0.02, 0.055, 0.05)
    height += 0.035 * bump(u, v, 0.0, a.mouth_y, 0.26, 0.15)
    height += 0.03 * bump(u, v, 0.0, a.chin_y + 0.12, 0.15, 0.09)
    # Folds from the nose to the corners of the mouth deepen with age and with a smile.
    middle = 0.5 * (a.nose_y + a.mouth_y)
    fold = bump(side + 0.35 * v, v, 0.14 + 0.35 * a.nose_y, middle, 0.045, 0.15)
    height -= (0.012 * f["age_lines"] + 0.006 * happy) * fold
    return height * (head.w > 0.0)

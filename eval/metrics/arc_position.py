"""Where on its arc a point of three_moons lies: the label-irrelevant factor of the toy data."""

from __future__ import annotations

import numpy as np

from dlvae.data.three_moons import OFFSETS


def arc_position(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Angle t of the nearest point of the class's arc (cos t + offset_c, sin t - 0.5).

    Read off the point itself, which is all that an encoder sees of it: the t that the point was
    drawn at differs from this by its noise.

    Args:
        points: float (N, 2), in data units.
        labels: int (N,), the classes of :mod:`dlvae.data.three_moons`.

    Returns:
        float64 (N,) in [0, pi]: 0 is the right end of the arc, pi the left one, which is also that
        of all points below the line through both ends that are nearer to it.
    """
    x = points[:, 0].astype(np.float64) - np.array(OFFSETS)[labels]
    y = points[:, 1].astype(np.float64) + 0.5
    return np.where(y >= 0, np.arctan2(y, x), np.where(x < 0, np.pi, 0.0))

"""Distances of the toy experiment: between two sets of points, and to the arc of a class."""

from __future__ import annotations

import numpy as np

from dlvae.data.three_moons import OFFSETS
from dlvae.errors import UserError

PROJECTIONS = 64
"""Directions of the sliced distance; on a half circle so evenly cut more change no digit shown."""

CENTRES = np.array([(offset, -0.5) for offset in OFFSETS])
"""Of the unit circles whose upper halves are the arcs, by class; see dlvae.data.three_moons."""


def sliced_wasserstein(
    first: np.ndarray, second: np.ndarray, projections: int = PROJECTIONS
) -> float:
    """Sliced Wasserstein-1 distance of two sets of points in the plane, in data units.

    Mean over directions of the exact distance W1 of the projections, which for sets of equal size
    is the mean difference of the sorted values (Rabin et al. 2011, with W1 for W2: a few points
    far away then count no more than their distance). The directions cut the half circle evenly,
    so nothing is drawn. Moving a set by v costs 2 / pi * |v|.

    Args:
        first, second: float (N, 2) each, N > 0.

    Raises:
        UserError: sets of other shapes, or of different size.
    """
    if first.shape != second.shape or first.ndim != 2 or first.shape[1] != 2 or not len(first):
        raise UserError(
            "expected two sets of as many points, (N, 2) each, found shapes "
            f"{first.shape} and {second.shape}; take as many points of both"
        )
    angles = np.pi * (np.arange(projections) + 0.5) / projections
    directions = np.stack([np.cos(angles), np.sin(angles)])
    one, two = (np.sort(np.asarray(s, np.float64) @ directions, axis=0) for s in (first, second))
    return float(np.abs(one - two).mean())


def arc_residual(points: np.ndarray, label: int) -> np.ndarray:
    """Distance of points, float (N, 2), to the arc of a class, negative inside its circle.

    Above the line through the arc's ends this is the radial residual |p - centre| - 1; below it
    the nearest point of the arc is one of its ends, so that the missing half of the circle is as
    far away as it looks.

    Returns:
        float64 (N,), in data units.
    """
    x, y = (points.astype(np.float64) - CENTRES[label]).T
    radial = np.hypot(x, y) - 1.0
    to_end = np.copysign(np.hypot(np.abs(x) - 1.0, y), radial)
    return np.where(y >= 0, radial, to_end)

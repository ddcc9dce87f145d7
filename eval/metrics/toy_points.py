"""Points of the toy experiment: distance of two sets, place on and distance to a class's arc."""

from __future__ import annotations

import numpy as np

from dlvae.data.three_moons import OFFSETS
from dlvae.stage.errors import UserError

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


def bayes_accuracy(noise: float, step: float = 0.1) -> float:
    """Return how often the best classifier of the toy points is right, in (1/3, 1].

    The integral over the plane of the largest of the class densities, each weighed by 1/3: a class
    is a Gaussian of standard deviation ``noise`` around points spread evenly over its arc. The feet
    of neighbouring arcs are 0.2 apart, so that with much noise no classifier is always right.

    Args:
        noise: of ``three_moons.data.noise``, in data units, above 0.
        step: of the grid and of the points on the arcs, in units of ``noise``.

    Raises:
        UserError: noise that is not above 0.
    """
    if not noise > 0:
        raise UserError(
            f"expected noise above 0, found {noise}: without it no arc meets another; say "
            "three_moons.data.noise"
        )
    width, margin = step * noise, 6 * noise  # beyond the margin lies nothing that counts
    x = np.arange(CENTRES[:, 0].min() - 1 - margin, CENTRES[:, 0].max() + 1 + margin, width)
    y = np.arange(CENTRES[0, 1] - margin, CENTRES[0, 1] + 1 + margin, width)
    t = np.linspace(0, np.pi, int(np.ceil(np.pi / width)) + 1)
    weights = np.ones(len(t))
    weights[[0, -1]] = 0.5  # the trapezoidal rule
    densities = []
    for centre in CENTRES:
        arc = centre + np.stack([np.cos(t), np.sin(t)], axis=1)
        along_x, along_y = (
            np.exp(-0.5 * ((axis[:, None] - arc[:, k]) / noise) ** 2)
            for k, axis in enumerate((x, y))
        )
        densities.append(along_x @ (weights[:, None] * along_y.T))
    scale = width**2 / (2 * np.pi * noise**2 * weights.sum() * len(CENTRES))
    return float(np.max(densities, axis=0).sum() * scale)

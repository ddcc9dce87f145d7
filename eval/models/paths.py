"""Paths through the codes, as Figure 4 takes them, and what can be said of a path."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics.pairwise import cosine_similarity
from torch import Tensor

from dlvae.base import GenerativeModel

COLUMNS = 8
"""Images along a path of z_s or z_u, or along a traversal of a coordinate."""


def alphas() -> Tensor:
    """Return where the images of a path lie between its ends, (COLUMNS,) from 0 to 1."""
    return torch.linspace(0, 1, COLUMNS)


def vary_z_s(
    model: GenerativeModel, labels: Tensor, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Figure 4(a): z(alpha) = alpha z1 + (1 - alpha) z2 of two N(0, I) draws moves z_s alone.

    z_s = mu_c + sigma_c z(alpha): every column shares z(alpha), every row shares z_u.

    Args:
        labels: int64 (rows,).

    Returns:
        z_s (rows, COLUMNS, d_s) and z_u (1, d_u), which :func:`eval.models.decoding.decode_grid`
        takes.
    """
    ends = model.noise(draws, 2, model.task.d_s)
    z_u = model.prior_u.sample(model.noise(draws, 1, model.task.d_u))
    noise = _line(ends)
    every = labels.to(model.device).repeat_interleave(COLUMNS)
    with torch.no_grad():
        z_s = model.prior.sample(every, noise.repeat(len(labels), 1))
    return z_s.view(len(labels), COLUMNS, -1), z_u


def vary_z_u(
    model: GenerativeModel, labels: Tensor, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Figure 4(b): z_u moves between two draws of its prior that all rows share.

    Args:
        labels: int64 (rows,); each row has one z_s ~ N(mu_c, Sigma_c).

    Returns:
        z_s (rows, 1, d_s) and z_u (COLUMNS, d_u).
    """
    noise = model.noise(draws, len(labels), model.task.d_s)
    ends = model.noise(draws, 2, model.task.d_u)
    with torch.no_grad():
        z_s = model.prior.sample(labels.to(model.device), noise)
    return z_s[:, None], model.prior_u.sample(_line(ends))


def smoothness(points: np.ndarray) -> np.ndarray:
    """Tell smooth paths from those that jump: 1 - s, scaled to [0, 1].

    s is the largest step of the path in units of its diameter, the largest distance between any two
    of its points. A straight line in K - 1 even steps has s = 1 / (K - 1) and scores 1; a path that
    makes one of its steps as large as itself, a jump or points in no order, scores 0.

    Args:
        points: float (..., K, D), K > 2.

    Returns:
        float64 (...), NaN for a path that does not move.
    """
    points = points.astype(np.float64)
    gaps = np.linalg.norm(points[..., :, None, :] - points[..., None, :, :], axis=-1)
    largest = np.diagonal(gaps, 1, -2, -1).max(axis=-1)
    diameter = gaps.max(axis=(-2, -1))
    share = np.divide(largest, diameter, out=np.full_like(largest, np.nan), where=diameter > 0)
    return (1 - share) / (1 - 1 / (points.shape[-2] - 1))


def consistency(displacements: np.ndarray) -> float:
    """Mean cosine over all pairs of rows of float (rows, D), rows > 1; in [-1, 1].

    1 if all rows move in the same direction, about 0 if they move at random. A row that does not
    move has cosine 0 with every other.
    """
    return float(cosine_similarity(displacements)[np.triu_indices(len(displacements), 1)].mean())


def _line(ends: Tensor) -> Tensor:
    """Return alpha * ends[0] + (1 - alpha) * ends[1] as (COLUMNS, d)."""
    share = alphas().to(ends)[:, None]
    return share * ends[0] + (1 - share) * ends[1]

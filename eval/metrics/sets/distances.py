"""Euclidean distances between sets of features, in float64 and in bounded memory.

They are computed on CUDA where it is available.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from dlvae.stage.runtime import device

ELEMENTS = 1 << 24
"""Numbers of a distance matrix held at once (128 MiB); changes speed and memory, not values."""

COLUMNS = 2048  # references turned into float64 at once
BY_PRODUCTS = "use_mm_for_euclid_dist"  # torch's default depends on the number of rows


def rows_at_once(width: int) -> int:
    """Return how many rows of ``width`` numbers are held at once."""
    return max(1, ELEMENTS // width)


def distance_blocks(queries: np.ndarray, references: np.ndarray) -> Iterator[tuple[slice, Tensor]]:
    """Yield the distances of (N, D) queries to (M, D) references, some rows at a time.

    The same rows in two calls give the same bits where M, D and the values are the same.

    Yields:
        The rows, and their distances, float64 (rows, M): memory that the next block overwrites.
    """
    # Distances are those of the sets moved together; near the origin their squares cancel less.
    origin = queries[0].astype(np.float64)

    def moved(features: np.ndarray) -> Tensor:
        return torch.from_numpy(features - origin).to(device())

    # Rows of features are held in several copies, rows of distances in one.
    step = min(len(queries), rows_at_once(max(len(references), 4 * references.shape[1])))
    buffer = torch.empty((step, len(references)), dtype=torch.float64, device=device())
    for first in range(0, len(queries), step):
        rows = slice(first, min(first + step, len(queries)))
        ours = moved(queries[rows])
        block = buffer[: len(ours)]
        for start in range(0, len(references), COLUMNS):
            columns = slice(start, start + COLUMNS)
            theirs = moved(references[columns])
            block[:, columns] = torch.cdist(ours, theirs, compute_mode=BY_PRODUCTS)
        yield rows, block


def distances_to_others(features: np.ndarray, own: float) -> Iterator[tuple[slice, Tensor]]:
    """Yield the distances within a set (N, D), as `distance_blocks`; ``own`` to each row itself."""
    for rows, block in distance_blocks(features, features):
        block.diagonal(rows.start).fill_(own)
        yield rows, block


def nearest(queries: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Distance of each of (N, D) queries to the nearest of (M, D) references, float64 (N,)."""
    blocks = distance_blocks(queries, references)
    return np.concatenate([_exact(queries[rows], references, block) for rows, block in blocks])


def nearest_other(features: np.ndarray) -> np.ndarray:
    """Distance of each of (N, D) features, N > 1, to the nearest other one, float64 (N,)."""
    blocks = distances_to_others(features, torch.inf)
    return np.concatenate([_exact(features[rows], features, block) for rows, block in blocks])


def _exact(queries: np.ndarray, references: np.ndarray, distances: Tensor) -> np.ndarray:
    """Distances to the nearest references, from their differences: copies are at exactly 0."""
    which = distances.argmin(dim=1).cpu().numpy()
    return np.linalg.norm(queries.astype(np.float64) - references[which], axis=1)


def mean_distance(features: np.ndarray) -> float:
    """Mean distance over the pairs of two different ones of (N, D) features, N > 1."""
    total, n = 0.0, len(features)
    for _, block in distances_to_others(features, 0.0):
        total += float(block.sum())
    return total / (n * (n - 1))

"""Euclidean distances between sets of features, in float64 and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

ELEMENTS = 1 << 24
"""Numbers of a distance matrix held at once (128 MiB); changes speed and memory, not values."""

COLUMNS = 2048  # references turned into float64 at once
BY_PRODUCTS = "use_mm_for_euclid_dist"  # torch's default depends on the number of rows

Where = torch.device | str


def row_blocks(rows: int, width: int, elements: int) -> Iterator[slice]:
    """Cut ``rows`` into slices of at most ``elements`` numbers, but at least one row each."""
    step = max(1, elements // width)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def distance_blocks(
    queries: np.ndarray, references: np.ndarray, device: Where, elements: int
) -> Iterator[tuple[slice, Tensor]]:
    """Yield the distances of (N, D) queries to (M, D) references, some rows at a time.

    The same rows in two calls give the same bits where M, D and the values are the same.

    Yields:
        The rows, and their distances, float64 (rows, M): memory that the next block overwrites.
    """
    # Distances are those of the sets moved together; near the origin their squares cancel less.
    origin = queries[0].astype(np.float64)

    def moved(features: np.ndarray) -> Tensor:
        return torch.from_numpy(features - origin).to(device)

    # Rows of features are held in several copies, rows of distances in one.
    width = max(len(references), 4 * references.shape[1])
    blocks = list(row_blocks(len(queries), width, elements))
    shape = (blocks[0].stop, len(references))
    buffer = torch.empty(shape, dtype=torch.float64, device=device)
    for rows in blocks:
        ours = moved(queries[rows])
        block = buffer[: len(ours)]
        for start in range(0, len(references), COLUMNS):
            columns = slice(start, start + COLUMNS)
            theirs = moved(references[columns])
            block[:, columns] = torch.cdist(ours, theirs, compute_mode=BY_PRODUCTS)
        yield rows, block


def without_self(rows: slice, distances: Tensor, value: float) -> Tensor:
    """Set each row's distance to itself to ``value``, in a block of a set against itself."""
    index = torch.arange(rows.start, rows.stop, device=distances.device)
    distances[index - rows.start, index] = value
    return distances


def nearest(
    queries: np.ndarray,
    references: np.ndarray,
    device: Where = "cpu",
    elements: int = ELEMENTS,
) -> np.ndarray:
    """Distance of each of (N, D) queries to the nearest of (M, D) references, float64 (N,)."""
    found = np.empty(len(queries))
    for rows, block in distance_blocks(queries, references, device, elements):
        found[rows] = _exact(queries[rows], references, block)
    return found


def nearest_other(
    features: np.ndarray, device: Where = "cpu", elements: int = ELEMENTS
) -> np.ndarray:
    """Distance of each of (N, D) features, N > 1, to the nearest other one, float64 (N,)."""
    found = np.empty(len(features))
    for rows, block in distance_blocks(features, features, device, elements):
        found[rows] = _exact(features[rows], features, without_self(rows, block, torch.inf))
    return found


def _exact(queries: np.ndarray, references: np.ndarray, distances: Tensor) -> np.ndarray:
    """Distances to the nearest references, from their differences: copies are at exactly 0."""
    which = distances.argmin(dim=1).cpu().numpy()
    return np.linalg.norm(queries.astype(np.float64) - references[which], axis=1)


def mean_distance(features: np.ndarray, device: Where = "cpu", elements: int = ELEMENTS) -> float:
    """Mean distance over the pairs of two different ones of (N, D) features, N > 1."""
    total, n = 0.0, len(features)
    for rows, block in distance_blocks(features, features, device, elements):
        total += float(without_self(rows, block, 0.0).sum())
    return total / (n * (n - 1))

"""Choosing the coordinates of z_u that Figure 5 shows: by a factor regressor or by posterior KL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from dlvae.base import GenerativeModel
from eval.decoding import decode_grid

SCREENED, CANDIDATES, TRAVERSALS = 2048, 4, 48

Predict = Callable[[np.ndarray], np.ndarray]
"""uint8 images (N, H, W, 3) to predicted factors (N, F)."""


def posterior_kl(mean: Tensor, logvar: Tensor) -> np.ndarray:
    """Return KL(q(z_u|x) || N(0, I)) per coordinate, averaged over images, in nats, (d_u,)."""
    return (0.5 * (logvar.exp() + mean.square() - 1 - logvar)).mean(0).cpu().numpy()


def spearman(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return Spearman correlations of columns, (N, A) with (N, B), as (A, B); 0 for a constant."""
    ranks = []
    for columns in (left, right):
        ranked = rankdata(columns, axis=0)
        ranked -= ranked.mean(0)
        norm = np.sqrt((ranked**2).sum(0))
        ranks.append(np.divide(ranked, norm, out=np.zeros_like(ranked), where=norm > 0))
    return ranks[0].T @ ranks[1]


def by_factors(
    model: GenerativeModel,
    predict: Predict,
    columns: Mapping[str, int],
    values: Tensor,
    draws: torch.Generator,
) -> dict[str, tuple[int, float]]:
    """Choose a coordinate per factor: the largest |Spearman| along traversals, all distinct.

    Every coordinate is first screened on random codes (its value against the predicted factor);
    the few best per factor are then traversed from many random codes, with labels in turn, and
    the correlation is taken over all images of those traversals together, so that a coordinate
    counts by how much of the factor's variation it controls.

    Args:
        columns: factor to its column in the prediction.
        values: what a coordinate is set to along a traversal.

    Returns:
        factor to (coordinate, Spearman correlation along traversals).
    """
    if not columns:
        return {}
    picked = list(columns.values())
    z_s, z_u = _random_codes(model, SCREENED, draws)
    factors = predict(decode_grid(model, z_s, z_u))[:, picked]
    screened = np.abs(spearman(z_u.cpu().numpy(), factors))  # (d_u, factors)
    best = np.argsort(-screened, axis=0, kind="stable")[: max(CANDIDATES, len(picked))]
    candidates = np.unique(best)
    z_s, z_u = _random_codes(model, TRAVERSALS, draws)
    table = np.zeros((len(candidates), len(picked)))
    for row, coordinate in enumerate(candidates):
        images = decode_grid(model, z_s[:, None], traverse(z_u[:, None], int(coordinate), values))
        factors = predict(images.reshape(-1, *images.shape[2:]))[:, picked]
        settings = np.tile(values.cpu().numpy(), TRAVERSALS)[:, None]
        table[row] = spearman(settings, factors)[0]
    chosen = assign(table)
    return {
        name: (int(candidates[row]), float(table[row, column]))
        for column, (name, row) in enumerate(zip(columns, chosen, strict=True))
    }


def assign(table: np.ndarray) -> list[int]:
    """Return a distinct row per column, taking the largest absolute entries first."""
    left, rows = np.abs(table), [0] * table.shape[1]
    for _ in range(table.shape[1]):
        row, column = np.unravel_index(np.argmax(left), left.shape)
        rows[column] = int(row)
        left[row], left[:, column] = -1.0, -1.0
    return rows


def by_kl(kl: np.ndarray, count: int, taken: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Return ``count`` coordinates of the largest mean posterior KL, without those taken."""
    order = [int(index) for index in np.argsort(-kl, kind="stable")]
    free = [(rank, index) for rank, index in enumerate(order, start=1) if index not in taken]
    return [
        {"by": "kl", "coordinate": index, "rank": rank, "kl": float(kl[index])}
        for rank, index in free[:count]
    ]


def traverse(z_u: Tensor, coordinate: int, values: Tensor) -> Tensor:
    """Set one coordinate of codes (..., 1, d_u) to each value: (..., values, d_u)."""
    codes = z_u.expand(*z_u.shape[:-2], len(values), z_u.shape[-1]).clone()
    codes[..., coordinate] = values.to(codes)
    return codes


def _random_codes(
    model: GenerativeModel, count: int, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    return model.sample_codes(torch.arange(count) % model.task.classes, draws)

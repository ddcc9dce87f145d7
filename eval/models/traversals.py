"""Single coordinates of z_u, as Figure 5 varies them, chosen by a factor regressor or by KL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from dlvae.base import GenerativeModel
from eval.models.decoding import decode_grid
from eval.models.paths import COLUMNS

FACTORS = ("expression", "elevation", "azimuth")
"""What the three coordinates of Figure 5 control."""

RANGE = 3.0  # a traversal goes from -RANGE to RANGE
SCREENED, CANDIDATES, TRAVERSALS = 2048, 4, 48

VALUES = 5
"""Of a traversal for effects: exact for a factor that is a polynomial of degree 4 of it."""

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


def settings() -> Tensor:
    """Return the values that a coordinate is set to along a traversal, (COLUMNS,)."""
    return torch.linspace(-RANGE, RANGE, COLUMNS)


def correlations(
    model: GenerativeModel,
    predict: Predict,
    columns: Sequence[int],
    values: Tensor,
    draws: torch.Generator,
    keep: int = CANDIDATES,
) -> tuple[np.ndarray, np.ndarray]:
    """Correlate the coordinates that matter with factors, by Spearman along traversals.

    Every coordinate is first screened on random codes (its value against the predicted factor);
    the ``keep`` best per factor are then traversed from many random codes, with labels in turn, and
    the correlation is taken over all images of those traversals together, so that a coordinate
    counts by how much of the factor's variation it controls.

    Args:
        columns: factors, by their columns in the prediction, F of them.
        values: what a coordinate is set to along a traversal, see :func:`traversal`.

    Returns:
        coordinates int (K,), in ascending order, and their correlations float (K, F).
    """
    columns = list(columns)
    z_s, z_u = _random_codes(model, SCREENED, draws)
    factors = predict(decode_grid(model, z_s, z_u))[:, columns]
    screened = np.abs(spearman(z_u.cpu().numpy(), factors))  # (d_u, F)
    candidates = np.unique(np.argsort(-screened, axis=0, kind="stable")[:keep])
    z_s, z_u = _random_codes(model, TRAVERSALS, draws)
    table = np.zeros((len(candidates), len(columns)))
    for row, coordinate in enumerate(candidates):
        images = decode_grid(model, z_s[:, None], traversal(model, z_u, int(coordinate), values))
        factors = predict(images.reshape(-1, *images.shape[2:]))[:, columns]
        table[row] = along(values, factors)
    return candidates, table


def along(values: Tensor, factors: np.ndarray) -> np.ndarray:
    """Return Spearman correlations (F,) of a coordinate's value with factors along traversals.

    Args:
        values: what the coordinate is set to along each traversal, (V,).
        factors: float (T * V, F), traversal by traversal.
    """
    repeated = np.tile(values.cpu().numpy(), len(factors) // len(values))
    return spearman(repeated[:, None], factors)[0]


def within_rows(values: Tensor, factors: np.ndarray) -> np.ndarray:
    """Return Spearman correlations (T, F) of a coordinate's value with factors, row by row.

    Within a traversal only the coordinate changes; traversals taken together mix it with what
    their codes differ by. A weak coordinate may order a factor as well as a strong one, so that a
    coordinate is chosen by :func:`along`.

    Args:
        values: what the coordinate is set to along each traversal, (V,).
        factors: float (T * V, F), traversal by traversal.
    """
    one = values.cpu().numpy()[:, None]
    rows = factors.reshape(-1, len(values), factors.shape[-1])
    return np.stack([spearman(one, row)[0] for row in rows])


def by_factors(
    model: GenerativeModel,
    predict: Predict,
    columns: Mapping[str, int],
    values: Tensor,
    draws: torch.Generator,
) -> dict[str, tuple[int, float]]:
    """Choose a coordinate per factor: the largest |Spearman| of `correlations`, all distinct.

    Args:
        columns: factor to its column in the prediction.
        values: what a coordinate is set to along a traversal.

    Returns:
        factor to (coordinate, Spearman correlation along traversals).
    """
    if not columns:
        return {}
    picked, keep = list(columns.values()), max(CANDIDATES, len(columns))
    candidates, table = correlations(model, predict, picked, values, draws, keep)
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


def traversal(model: GenerativeModel, z_u: Tensor, coordinate: int, values: Tensor) -> Tensor:
    """Set one coordinate of each code (T, d_u) to values in units of its prior: (T, V, d_u).

    Values are standard deviations from the mean of the coordinate's prior, which is N(0, 1) unless
    the priors were fitted.
    """
    prior = model.prior_u
    units = prior.mean[coordinate] + prior.std[coordinate] * values.to(prior.mean)
    return traverse(z_u[:, None], coordinate, units)


def _random_codes(
    model: GenerativeModel, count: int, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    return model.sample_codes(torch.arange(count) % model.task.classes, draws)


def gaussian_settings() -> tuple[Tensor, np.ndarray]:
    """Return what a coordinate is set to, (VALUES,), and weights that sum to 1, (VALUES,).

    Nodes of Gauss-Hermite quadrature: weighted sums over them are expectations over N(0, 1), the
    prior of a coordinate. They reach from -2.86 to 2.86.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(VALUES)
    return torch.from_numpy(nodes), weights / weights.sum()


def effect_matrix(
    model: GenerativeModel,
    predict: Predict,
    columns: Sequence[int],
    spread: np.ndarray,
    codes: tuple[Tensor, Tensor],
) -> np.ndarray:
    """Traverse every coordinate of z_u from the same codes and read factors off the images.

    Args:
        columns: factors, by their columns in the prediction, F of them.
        spread: standard deviation of each among real images, as predicted, (F,), above 0.
        codes: z_s (K, d_s) and z_u (K, d_u), random ones; K * `VALUES` images are decoded and kept
            at a time.

    Returns:
        float64 (d_u, F): mean over the codes of the variance along a coordinate, where it is
        N(0, 1), over ``spread`` squared; 0 for no effect. 1 means that this coordinate alone moves
        the factor as much as real images differ; more is possible.
    """
    z_s, z_u = codes
    values, weights = gaussian_settings()
    effects = np.empty((z_u.shape[1], len(columns)))
    for coordinate in range(z_u.shape[1]):
        images = decode_grid(model, z_s[:, None], traversal(model, z_u, coordinate, values))
        read = predict(images.reshape(-1, *images.shape[2:]))[:, list(columns)]
        factors = read.astype(np.float64).reshape(len(z_u), VALUES, -1) / spread
        factors -= factors[:, :1]  # a factor that stands still varies by exactly 0
        mean = np.einsum("v,kvf->kf", weights, factors)
        variance = np.einsum("v,kvf->kf", weights, (factors - mean[:, None]) ** 2)
        effects[coordinate] = variance.mean(axis=0)
    return effects


def effect_gap(effects: np.ndarray) -> np.ndarray:
    """Return (largest - second largest) / largest of effects (d, F), d > 1, per factor, (F,).

    Like the gap of MIG (Chen et al. 2018), with the largest effect in place of the entropy: 1 if
    one coordinate alone moves the factor, near 0 if two do alike, 0 if none does.
    """
    second, largest = np.sort(effects, axis=0)[-2:]
    return np.divide(largest - second, largest, out=np.zeros_like(largest), where=largest > 0)

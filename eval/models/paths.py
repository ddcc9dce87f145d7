"""Paths through the codes, as Figure 4 takes them, and along single coordinates, as Figure 5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from dlvae.base import GenerativeModel
from dlvae.coding import decode_grid

if TYPE_CHECKING:
    from eval.judge.factor_regressor import FactorRegressor

COLUMNS = 8
"""Images along a path of z_s or z_u, or along a traversal of a coordinate."""

FACTORS = ("expression", "elevation", "azimuth")
"""What the three coordinates of Figure 5 control."""

RANGE = 3.0  # a traversal goes from -RANGE to RANGE
SCREENED, CANDIDATES, TRAVERSALS = 2048, 4, 48

Read = Callable[[np.ndarray], np.ndarray]
"""uint8 images (N, H, W, 3) to factors (N, F)."""


def alphas() -> Tensor:
    """Return where the images of a path lie between its ends, (COLUMNS,) from 0 to 1."""
    return torch.linspace(0, 1, COLUMNS)


def settings() -> Tensor:
    """Return the values that a coordinate is set to along a traversal, (COLUMNS,)."""
    return torch.linspace(-RANGE, RANGE, COLUMNS)


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
    every = labels.to(model.device).repeat_interleave(COLUMNS)
    with torch.no_grad():
        z_s = model.prior.sample(every, _line(ends).repeat(len(labels), 1))
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


def _line(ends: Tensor) -> Tensor:
    """Return alpha * ends[0] + (1 - alpha) * ends[1] as (COLUMNS, d)."""
    share = alphas().to(ends)[:, None]
    return share * ends[0] + (1 - share) * ends[1]


def traverse(z_u: Tensor, coordinate: int, values: Tensor) -> Tensor:
    """Set one coordinate of codes (..., 1, d_u) to each value: (..., values, d_u)."""
    codes = z_u.expand(*z_u.shape[:-2], len(values), z_u.shape[-1]).clone()
    codes[..., coordinate] = values.to(codes)
    return codes


def reader(regressor: FactorRegressor, names: Sequence[str]) -> Read:
    """Return what reads these factors off images, each in its own unit."""
    columns = [regressor.names.index(name) for name in names]
    return lambda images: regressor.predict(images)[:, columns]


def read_along(
    model: GenerativeModel,
    read: Read,
    codes: tuple[Tensor, Tensor],
    coordinate: int,
    values: Tensor,
) -> tuple[np.ndarray, np.ndarray]:
    """Traverse one coordinate from each of T codes and read factors off the decoded images.

    Args:
        codes: z_s (T, d_s) and z_u (T, d_u).
        values: what the coordinate is set to, (V,), in standard deviations from the mean of its
            prior, which is N(0, 1) unless the priors were fitted.

    Returns:
        images uint8 (T, V, H, W, 3) and factors (T, V, F).
    """
    (z_s, z_u), prior = codes, model.prior_u
    units = prior.mean[coordinate] + prior.std[coordinate] * values.to(prior.mean)
    images = decode_grid(model, z_s[:, None], traverse(z_u[:, None], coordinate, units))
    factors = read(images.reshape(-1, *images.shape[2:]))
    return images, factors.reshape(*images.shape[:2], -1)


def correlations(
    model: GenerativeModel, read: Read, draws: torch.Generator, keep: int = CANDIDATES
) -> tuple[np.ndarray, np.ndarray]:
    """Correlate the coordinates that matter with factors, by Spearman along traversals.

    Every coordinate is first screened on random codes (its value against the predicted factor);
    the ``keep`` best per factor are then traversed from many random codes, with labels in turn, and
    the correlation is taken over all images of those traversals together, so that a coordinate
    counts by how much of the factor's variation it controls.

    Returns:
        coordinates int (K,), in ascending order, and their correlations float (K, F).
    """
    screened, codes = (
        model.sample_codes(torch.arange(count) % model.task.classes, draws)
        for count in (SCREENED, TRAVERSALS)
    )
    found = np.abs(spearman(screened[1].cpu().numpy(), read(decode_grid(model, *screened))))
    candidates = np.unique(np.argsort(-found, axis=0, kind="stable")[:keep])
    values, table = settings(), []
    for coordinate in candidates:
        _, factors = read_along(model, read, codes, int(coordinate), values)
        repeated = np.tile(values.numpy(), TRAVERSALS)[:, None]
        table.append(spearman(repeated, factors.reshape(len(repeated), -1))[0])
    return candidates, np.array(table)


def spearman(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return Spearman correlations of columns, (N, A) with (N, B), as (A, B); 0 for a constant."""
    ranks = []
    for columns in (left, right):
        ranked = rankdata(columns, axis=0)
        ranked -= ranked.mean(0)
        norm = np.sqrt((ranked**2).sum(0))
        ranks.append(np.divide(ranked, norm, out=np.zeros_like(ranked), where=norm > 0))
    return ranks[0].T @ ranks[1]

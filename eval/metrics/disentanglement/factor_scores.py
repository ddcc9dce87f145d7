"""Scores of codes against known factors: DCI, MIG and SAP.

All factors are numbers here, as prepared data sets hold them; none is treated as a category. A
factor that does not vary has no score, so leave it out. Factors that are constant within a class,
such as those of an identity, move together over few classes, and then a code of one is a code of
all: score the label-irrelevant factors for a statement about z_u.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import entropy
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mutual_info_score, r2_score

from dlvae.stage.errors import UserError
from eval.metrics.disentanglement.probes import random_state, subsample
from eval.metrics.measured import ENCODE, check_features, check_matrix

BINS = 20
"""Bins of equal width per dimension and per factor for the mutual information of MIG."""

TRAINING_ROWS = 5_000
"""More training codes than this are thinned out at random before the forests are grown."""

# Eastwood and Williams take lasso or a random forest; a forest also finds factors that a code
# follows in a curve. Every tree may split on every dimension: among random thirds of them, trees
# lean on dimensions that merely happen to be offered.
_FOREST = {"n_estimators": 20, "min_samples_leaf": 5, "max_samples": 0.5, "n_jobs": 1}


@dataclass(frozen=True)
class DCI:
    """Disentanglement, completeness and informativeness (Eastwood and Williams 2018).

    Attributes:
        disentanglement: in [0, 1]; 1 if every dimension is important for one factor only. Mean
            over dimensions, weighted by their total importance.
        completeness: in [0, 1]; 1 if every factor has one important dimension. Mean over factors.
        informativeness: mean of ``r2``. What is mixed linearly over many dimensions is hard for
            trees; :func:`eval.metrics.disentanglement.probes.regression_probe` reads it.
        r2: held-out R^2 of every factor's forest, by name; at most 1, below 0 if worse than the
            mean.
        importance: float64 (d, F); every column of an informative forest sums to 1.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    r2: dict[str, float]
    importance: np.ndarray


def dci(
    train_codes: np.ndarray,
    train_factors: np.ndarray,
    codes: np.ndarray,
    factors: np.ndarray,
    names: Sequence[str],
    draws: np.random.Generator | int,
) -> DCI:
    """Grow one random forest per factor on training codes and score it on held-out codes.

    Args:
        train_codes, codes: float (N, d), d > 1, of training and of held-out images.
        train_factors, factors: float (N, F), F > 1, of the same images.
        names: of the F factors.
        draws: picks the training codes above `TRAINING_ROWS` and grows the forests.

    Raises:
        UserError: shapes that do not match, NaN, a constant factor, one dimension or factor only.
    """
    _check(train_codes, train_factors, names)
    _check(codes, factors, names)
    check_features(ENCODE, **{"training codes": train_codes, "held-out codes": codes})
    if len(names) < 2:
        raise UserError(f"DCI: expected at least 2 factors, found {list(names)}; name more")
    draws = np.random.default_rng(draws)
    x, targets = subsample(TRAINING_ROWS, draws, (train_codes, train_factors))
    importance, r2 = np.zeros((codes.shape[1], len(names))), {}
    for j, name in enumerate(names):
        forest = RandomForestRegressor(**_FOREST, random_state=random_state(draws))
        forest.fit(x, targets[:, j].astype(np.float64))
        importance[:, j] = forest.feature_importances_
        r2[name] = float(r2_score(factors[:, j].astype(np.float64), forest.predict(codes)))
    return DCI(
        disentanglement(importance),
        completeness(importance),
        float(np.mean(list(r2.values()))),
        r2,
        importance,
    )


def disentanglement(importance: np.ndarray) -> float:
    """sum_i rho_i (1 - H_F(P_i)) of an importance matrix R >= 0 of shape (d, F), F > 1.

    P_i is row i of R, normalised; H_F the entropy to base F; rho_i the row's share of all
    importance. 0 if nothing is important.
    """
    total = importance.sum(axis=1)
    used = total > 0
    if not used.any():
        return 0.0
    per_dimension = 1 - entropy(importance[used], base=importance.shape[1], axis=1)
    return float(np.average(per_dimension, weights=total[used]))


def completeness(importance: np.ndarray) -> float:
    """Mean of 1 - H_d(P_j) over the factors of an importance matrix R >= 0 (d, F), d > 1.

    P_j is column j of R, normalised; H_d the entropy to base d. A factor without an important
    dimension counts 0.
    """
    used = importance.sum(axis=0) > 0
    per_factor = np.zeros(importance.shape[1])
    per_factor[used] = 1 - entropy(importance[:, used], base=len(importance), axis=0)
    return float(per_factor.mean())


def mig(codes: np.ndarray, factors: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Mutual information gap (Chen et al. 2018), in shares of the factor's entropy.

    Mutual information from a histogram of `BINS` x `BINS` cells of equal width, as is usual for
    this score; Chen et al. take it from q(z|x). Over N codes the histogram finds about
    (BINS - 1)^2 / 2N nats where there are none, which makes the gap of perfect codes a little
    smaller than 1.

    Args:
        codes: float (N, d), d > 1.
        factors: float (N, F), binned too.
        names: of the F factors.

    Returns:
        By factor, the lead of the best dimension over the second best, in [0, 1]; 1 if one holds
        the whole factor and no other any of it. Their mean is the score.

    Raises:
        UserError: shapes that do not match, NaN, a constant factor, one dimension only.
    """
    _check(codes, factors, names)
    binned_codes, binned_factors = _binned(codes), _binned(factors)
    information = np.empty((codes.shape[1], len(names)))
    for i, j in np.ndindex(information.shape):
        cells = np.bincount(BINS * binned_codes[:, i] + binned_factors[:, j], minlength=BINS**2)
        information[i, j] = mutual_info_score(
            None, None, contingency=cells.reshape(BINS, BINS).astype(np.float64)
        )
    entropies = [entropy(np.bincount(column)) for column in binned_factors.T]
    return _gap(information / entropies, names)


def sap(codes: np.ndarray, factors: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Separated attribute predictability (Kumar et al. 2018) of continuous factors.

    The score of a dimension for a factor is the R^2 of a line through them, which is their
    squared correlation; that of a constant dimension is 0.

    Args, result and errors: as for :func:`mig`.
    """
    _check(codes, factors, names)
    z, v = _standardised(codes), _standardised(factors)
    return _gap(np.square(z.T @ v / len(z)), names)


def _gap(scores: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    second, best = np.sort(scores, axis=0)[-2:]
    return dict(zip(names, (best - second).tolist(), strict=True))


def _binned(values: np.ndarray) -> np.ndarray:
    """Index 0..BINS-1 of every value's bin, the range of its column cut into equal parts."""
    values = values.astype(np.float64)
    low, width = values.min(axis=0), np.ptp(values, axis=0)
    shares = (values - low) / np.where(width > 0, width, 1.0)
    return np.minimum((shares * BINS).astype(np.int64), BINS - 1)


def _standardised(values: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and variance 1; a constant column is 0."""
    values = values.astype(np.float64)
    spread = np.where(np.ptp(values, axis=0) > 0, values.std(axis=0), np.inf)
    return (values - values.mean(axis=0)) / spread


def _check(codes: np.ndarray, factors: np.ndarray, names: Sequence[str]) -> None:
    check_matrix(codes, "codes")
    check_matrix(factors, "factors", len(codes), "take them from a prepared data set")
    if codes.shape[1] < 2:
        raise UserError("codes: expected at least 2 dimensions to compare, found 1")
    if len(names) != factors.shape[1] or len(set(names)) != len(names):
        raise UserError(
            f"factors: expected {factors.shape[1]} different names, one per column, found "
            f"{list(names)}; take factors and factor_names of the same prepared data set"
        )
    constant = [n for n, width in zip(names, np.ptp(factors, axis=0), strict=True) if width == 0]
    if constant:
        raise UserError(
            f"factors: expected values that vary, found constant {', '.join(constant)}; leave "
            "constant factors out"
        )

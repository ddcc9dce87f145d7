"""The probability that one model scores higher than another, from intervals or from runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from dlvae.errors import UserError
from eval.intervals import (
    BOOTSTRAP_CLASSES,
    BOOTSTRAP_SEEDS,
    JACKKNIFE_IMAGES,
    MIN_VALUES,
    T_KINDS,
    TAILS,
    WILSON,
    Interval,
    finite,
    t_quantile,
)


@dataclass(frozen=True)
class Improvement:
    """P(a random run of one model scores higher than a random run of another).

    Attributes:
        probability: in [0, 1]; 0.5 for equal models.
        interval: over seeds; None where a model has fewer than ``MIN_VALUES``.
    """

    probability: float
    interval: Interval | None


def probability_of_improvement(
    ours_mean: float, ours_se: float, other_mean: float, other_se: float
) -> float:
    """P(the *expected* score of ours is higher), of two independent normal estimates.

    Phi((ours - other) / sqrt(se_ours^2 + se_other^2)), in [0, 1]: with a flat prior the posterior
    probability, and 1 minus the one-sided p value. It goes to 0 or 1 as the estimates sharpen,
    however small the gap. It knows the variation that the standard errors know: errors over images
    leave that between trainings out. From a handful of seeds the errors are too uncertain for a
    normal; use :func:`probability_of_improvement_seeds`.
    """
    given = finite([ours_mean, ours_se, other_mean, other_se], "means and standard errors")
    if min(ours_se, other_se) < 0:
        raise UserError(f"expected standard errors >= 0, found {ours_se} and {other_se}")
    gap, error = given[0] - given[2], math.hypot(ours_se, other_se)
    return float(special.ndtr(gap / error)) if error > 0 else float(np.sign(gap) + 1) / 2


def probability_of_improvement_seeds(
    ours: np.ndarray, other: np.ndarray, generator: np.random.Generator, draws: int = 2000
) -> Improvement:
    """P(a random *run* of ours scores higher than a random run of other), ties counting half.

    Agarwal et al. 2021 ("Deep reinforcement learning at the edge of the statistical precipice"),
    for one data set: the Mann-Whitney statistic over all pairs of runs. It measures how far two
    spreads of runs lie apart, and more runs do not drive it to 0 or 1. The percentile interval
    resamples the runs of each model apart; with three runs it is rough, and of no width where no
    runs overlap.

    Args:
        ours, other: float (S,) and (T,), one score per training seed, at least 1.
    """
    ours, other = finite(ours, "scores of ours"), finite(other, "scores of the other")
    if min(len(ours), len(other)) < 1:
        raise UserError(f"expected runs of both models, found {len(ours)} and {len(other)}")
    wins = (np.sign(ours[:, None] - other) + 1) / 2
    interval = None
    if min(wins.shape) >= MIN_VALUES:
        rows, columns = (generator.integers(0, n, (draws, n)) for n in wins.shape)
        resampled = wins[rows[:, :, None], columns[:, None, :]].mean(axis=(1, 2))
        interval = Interval(*map(float, np.quantile(resampled, TAILS)), BOOTSTRAP_SEEDS)
    return Improvement(float(wins.mean()), interval)


def standard_error(interval: Interval, units: int) -> float:
    """Go back from a stored interval to the standard error behind it.

    Exact for t and jackknife intervals. The bootstrap over classes has uneven sides, so there it
    is the error whose t interval is as wide; of a Wilson interval, half the width over the normal
    quantile, which is above 0 for a share of 0 or 1 too.

    Args:
        units: how many seeds, jackknife groups, classes, subsets, images or paths it was made of;
            for a Wilson interval the number of trials, which does not matter.
    """
    half = (interval.high - interval.low) / 2
    if interval.kind == WILSON:
        return float(half / stats.norm.ppf(TAILS[1]))
    if interval.kind not in (*T_KINDS, JACKKNIFE_IMAGES, BOOTSTRAP_CLASSES):
        raise UserError(f"expected an interval of a score, found the kind '{interval.kind}'")
    if units < 2:
        raise UserError(f"{interval.kind}: expected at least 2 units, found {units}")
    return half / t_quantile(units)

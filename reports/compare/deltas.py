"""How much better a candidate scores than a stored model, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dlvae.stage.seeds import numpy_generator
from eval.metrics.improvement import probability_of_higher_mean
from eval.metrics.intervals import LEVEL, MIN_VALUES, NORMAL_PAIRS, Interval, over_classes
from eval.protocol import IntervalsRule
from reports.compare.thresholds import LESS_IS_BETTER
from reports.tables.cells import Cell, cell

WELCH, PAIRED, COMBINED = "welch95_seeds", "paired95_classes", "combined95"
"""Kinds of intervals of differences, see :func:`delta`."""


@dataclass(frozen=True)
class Scored:
    """A model and the score rows that hold its own."""

    model: str
    rows: pd.DataFrame

    def cell(self, dataset: str, metric: str) -> Cell | None:
        """Return a metric of the model on a data set, see :func:`reports.tables.cells.cell`."""
        return cell(self.rows, dataset, self.model, metric)

    def classes(self, dataset: str, metric: str) -> pd.Series:
        """Return a metric class by class, the mean over seeds; empty without rows of classes."""
        keys = (self.rows["dataset"] == dataset) & (self.rows["model"] == self.model)
        chosen = self.rows[keys & self.rows["metric"].str.startswith(f"{metric}:class:")]
        return chosen.groupby("metric")["value"].mean()


@dataclass(frozen=True)
class Delta:
    """A candidate's score minus a stored model's.

    Attributes:
        value: difference of the means over seeds.
        interval: 95 %, of kind `WELCH`, `PAIRED` or `COMBINED`; None where none can be had.
        better: P(the candidate's mean over trainings is better), in [0, 1], by Welch's t test;
            None with fewer than three seeds on either side.
    """

    value: float
    interval: Interval | None
    better: float | None


def delta(
    candidate: Scored, other: Scored, dataset: str, metric: str, rule: IntervalsRule
) -> Delta | None:
    """Compare a metric of two models; None where one of them has no value of it.

    ======== ======================== ==========================================================
    kind     where                    the error it knows of
    ======== ======================== ==========================================================
    WELCH    three seeds or more of   other trainings: Welch's t of the two sets of seeds
             both
    PAIRED   fewer of both, a metric  other classes: bootstrap of the differences class by class
             that has rows of classes
    COMBINED else, an interval of     those of both intervals, taken as independent: each side of
             both                     the difference is as far as the two ends behind it together
                                      (Newcombe 1998; Zou and Donner 2008)
    ======== ======================== ==========================================================

    Args:
        rule: how the intervals within one seed were made, by the protocol.
    """
    one, two = candidate.cell(dataset, metric), other.cell(dataset, metric)
    if one is None or two is None or one.reason or two.reason:
        return None
    value = one.mean - two.mean
    if min(len(one.values), len(two.values)) >= MIN_VALUES:
        higher = probability_of_higher_mean(one.values, two.values)
        return Delta(value, _welch(one, two), _better(higher, metric))
    classes = [side.classes(dataset, metric) for side in (candidate, other)]
    draws = numpy_generator("compare", dataset, other.model, metric)
    interval = _paired(*classes, draws, rule.draws)
    # Where one side's spread over seeds is known, an error that leaves it out would be too sure.
    if interval is not None and max(len(one.values), len(two.values)) < MIN_VALUES:
        return Delta(value, Interval(interval.low, interval.high, PAIRED), None)
    # Intervals over pairs of the same images say nothing of a difference between models.
    if any(side.interval is None or side.interval.kind == NORMAL_PAIRS for side in (one, two)):
        return Delta(value, None, None)
    return Delta(value, _combined(one, two), None)


def _welch(one: Cell, two: Cell) -> Interval:
    if np.ptp(one.values) == np.ptp(two.values) == 0:
        return Interval(one.mean - two.mean, one.mean - two.mean, WELCH)
    found = stats.ttest_ind(one.values, two.values, equal_var=False).confidence_interval(LEVEL)
    return Interval(float(found.low), float(found.high), WELCH)


def _paired(
    one: pd.Series, other: pd.Series, draws: np.random.Generator, resamples: int
) -> Interval | None:
    """Return the interval of the mean difference of two models, class by class.

    Both models are scored on the same classes, some of which are more diverse than others under
    both. The error is that of the mean difference per class, by the bootstrap over classes behind
    the intervals; errors of the two means, taken as independent, would count what the classes
    share. None without the same classes on both sides, or with too few of them.

    Args:
        one, other: float scores by class.
        resamples: of classes.
    """
    if not one.index.equals(other.index):
        return None
    return over_classes((one - other).to_numpy(float), draws, resamples)


def _combined(one: Cell, two: Cell) -> Interval:
    value, first, second = one.mean - two.mean, one.interval, two.interval
    below = math.hypot(one.mean - first.low, second.high - two.mean)
    above = math.hypot(first.high - one.mean, two.mean - second.low)
    return Interval(value - below, value + above, COMBINED)


def _better(higher: float | None, metric: str) -> float | None:
    if higher is None:
        return None
    return 1 - higher if metric in LESS_IS_BETTER else higher

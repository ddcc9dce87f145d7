"""How much better one model scores than another, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dlvae.stage.seeds import numpy_generator
from eval.metrics.intervals import (
    LEVEL,
    MIN_VALUES,
    Interval,
    over_classes,
    probability_of_higher_mean,
)
from eval.metrics.ranges import range_of
from eval.protocol import IntervalsRule
from reports.compare.conditions import LESS_IS_BETTER
from reports.tables.cells import Cell, cell

WELCH, PAIRED, COMBINED = "welch95_seeds", "paired95_classes", "combined95"
"""Kinds of intervals of differences, see :func:`difference`."""


@dataclass(frozen=True)
class Difference:
    """A candidate's score minus a stored model's.

    Attributes:
        value: difference of the means over seeds.
        interval: 95 %, of kind `WELCH`, `PAIRED` or `COMBINED`; None where none can be had.
        better: P(the candidate's mean over trainings is better), in [0, 1], by Welch's t test;
            None with fewer than three seeds on either side.
    """

    value: float
    interval: Interval | None = None
    better: float | None = None


def difference(
    rows: pd.DataFrame, dataset: str, models: tuple[str, str], metric: str, rule: IntervalsRule
) -> Difference | None:
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

    What no difference of two such scores can be is cut off; that of shares is -1 to 1.

    Args:
        models: the candidate and the stored model.
        rule: how the intervals within one seed were made, by the protocol.
    """
    one, other = (cell(rows, dataset, model, metric) for model in models)
    if one.reason or other.reason:
        return None
    classes = int(one.rows["classes"].iloc[0])
    possible = range_of(metric, classes).of_differences()
    value, seeds = one.mean - other.mean, (len(one.values), len(other.values))
    if min(seeds) >= MIN_VALUES:
        higher = probability_of_higher_mean(one.values, other.values)
        better = 1 - higher if metric in LESS_IS_BETTER else higher
        return Difference(value, possible.cut(_welch(one, other)), better)
    # Where one side's spread over seeds is known, an error that leaves it out would be too sure.
    if max(seeds) < MIN_VALUES and (paired := _paired(rows, dataset, models, metric, rule)):
        return Difference(value, possible.cut(paired))
    if one.interval is None or other.interval is None:
        return Difference(value)
    return Difference(value, possible.cut(_combined(one, other)))


def _welch(one: Cell, other: Cell) -> Interval:
    if np.ptp(one.values) == np.ptp(other.values) == 0:
        return Interval(one.mean - other.mean, one.mean - other.mean, WELCH)
    found = stats.ttest_ind(one.values, other.values, equal_var=False).confidence_interval(LEVEL)
    return Interval(float(found.low), float(found.high), WELCH)


def _paired(
    rows: pd.DataFrame, dataset: str, models: tuple[str, str], metric: str, rule: IntervalsRule
) -> Interval | None:
    """Return the interval of the mean difference class by class; None without classes of both.

    Both models are scored on the same classes, some of which are more diverse than others under
    both: errors of the two means, taken as independent, would count what the classes share. Of
    several seeds a class has the mean.
    """
    here = rows[(rows["dataset"] == dataset) & rows["metric"].str.startswith(f"{metric}:class:")]
    one, other = (
        here[here["model"] == model].groupby("metric")["value"].mean() for model in models
    )
    if not one.index.equals(other.index):
        return None
    draws = numpy_generator("compare", dataset, models[1], metric)
    found = over_classes((one - other).to_numpy(float), draws, rule.draws)
    return found and Interval(found.low, found.high, PAIRED)


def _combined(one: Cell, other: Cell) -> Interval:
    value, first, second = one.mean - other.mean, one.interval, other.interval
    below = math.hypot(one.mean - first.low, second.high - other.mean)
    above = math.hypot(first.high - one.mean, other.mean - second.low)
    return Interval(value - below, value + above, COMBINED)

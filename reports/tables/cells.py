"""A cell of a table: one metric of one model on one data set, from score rows to printed text."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from eval.metrics.intervals import Interval, probability_of_higher_mean
from eval.metrics.ranges import range_of
from eval.rows import NONE
from reports.names import as_published, fitted_form
from reports.tables.formats import MISSING
from reports.tables.specs import Column


@dataclass(frozen=True)
class Cell:
    """A metric of one model on one data set.

    Attributes:
        values: score of every seed, in the order of the seeds.
        interval: over seeds where there are enough, see :mod:`eval.metrics.ranges`; that of the one
            seed's row, which the metric itself computed, where there is one, without what no score
            can be; else None.
        reason: why there is no value, where there is none; `MISSING` where there is no row either.
        rows: score rows behind it, in the order of their seeds.
    """

    values: tuple[float, ...]
    interval: Interval | None
    reason: str = ""
    rows: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return float(np.mean(self.values))

    def as_row(self, without_interval: str = NONE) -> dict[str, Any]:
        """Return the columns of a score row: value, ends of the interval and its kind.

        Args:
            without_interval: the kind where there is a value but no interval.
        """
        row = {"value": None if self.reason else self.mean, "ci_low": None, "ci_high": None}
        if self.interval is None:
            return row | {"ci_kind": self.reason or without_interval}
        ends = self.interval
        return row | {"ci_low": ends.low, "ci_high": ends.high, "ci_kind": ends.kind}

    def text(self, column: Column) -> str:
        """Return ``mean`` or ``mean [low, high]``, as printed."""
        if self.reason:
            return MISSING if column.dash else self.reason
        text, ends = column.number(self.mean), self.interval
        if column.interval and ends is not None:
            text += f" [{column.number(ends.low)}, {column.number(ends.high)}]"
        return f"{text} %" if column.percent else text


def cell(rows: pd.DataFrame, dataset: str, model: str, metric: str) -> Cell:
    """Return the cell of a model, data set and metric; a dash is its reason where no row exists."""
    keys = (rows["dataset"] == dataset) & (rows["model"] == model) & (rows["metric"] == metric)
    chosen = rows[keys].sort_values("seed")
    without = chosen[chosen["value"].isna()]
    if chosen.empty or not without.empty:
        reason = MISSING if chosen.empty else str(without.iloc[0]["ci_kind"])
        return Cell((), None, reason, chosen)
    values, row = chosen["value"].to_numpy(float), chosen.iloc[0]
    possible, interval = range_of(metric, int(row["classes"])), None
    if len(values) > 1:
        interval = possible.over_seeds(values)
    elif not math.isnan(row["ci_low"]):
        found = Interval(float(row["ci_low"]), float(row["ci_high"]), str(row["ci_kind"]))
        interval = possible.cut(found)
    return Cell(tuple(values), interval, rows=chosen)


def probability_ours_higher(
    rows: pd.DataFrame, dataset: str, model: str, metric: str
) -> float | None:
    """P(the mean over trainings of ours is higher than that of a model), by the seeds of both.

    None with fewer than three seeds on either side: how far trainings differ is then not known, and
    errors over images or classes say nothing of it. A model with fitted priors is compared with
    ours with fitted priors.
    """
    own = "ours" if as_published(model) == model else fitted_form("ours")
    if model in (own, "real"):
        return None
    ours, other = (cell(rows, dataset, name, metric) for name in (own, model))
    return probability_of_higher_mean(ours.values, other.values)

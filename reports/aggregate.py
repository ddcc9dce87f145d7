"""From score rows to what a table prints: one cell per model, data set and metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlvae.seeds import numpy_generator
from eval.improvement import (
    probability_of_improvement,
    probability_of_improvement_seeds,
    standard_error,
)
from eval.intervals import (
    BOOTSTRAP_CLASSES,
    JACKKNIFE_IMAGES,
    MIN_VALUES,
    Interval,
    over_classes,
    over_seeds,
)
from eval.protocol import IntervalsRule
from reports.published import published_rows

IMAGES = "images"


@dataclass(frozen=True)
class Column:
    """A printed metric: its name in the score rows, its heading, and how numbers are written.

    ``of`` is what its ``n`` counts. A text that starts with ``IMAGES`` means those of the row,
    generated or real.
    """

    metric: str
    title: str
    digits: int = 2
    percent: bool = False
    of: str = IMAGES


@dataclass(frozen=True)
class Cell:
    """A metric of one model on one data set.

    Attributes:
        values: score of every seed, in the order of the seeds.
        interval: over seeds where there are enough, of the one seed's row where there is one,
            else None.
        reason: why there is no value, where there is none.
    """

    values: tuple[float, ...]
    interval: Interval | None
    reason: str = ""

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return float(np.mean(self.values))

    def text(self, column: Column) -> str:
        """Return ``mean`` or ``mean [low, high]``, as printed."""
        if self.reason:
            return self.reason

        def number(value: float) -> str:
            return f"{100 * value if column.percent else value:.{column.digits}f}"

        unit = " %" if column.percent else ""
        if self.interval is None:
            return f"{number(self.mean)}{unit}"
        return (
            f"{number(self.mean)} [{number(self.interval.low)}, {number(self.interval.high)}]{unit}"
        )


def cell(rows: pd.DataFrame, dataset: str, model: str, metric: str) -> Cell | None:
    """Return the cell of a model, data set and metric, or None where no row exists."""
    chosen = rows_of(rows, dataset, model, metric)
    if chosen.empty:
        return None
    without = chosen[chosen["value"].isna()]
    if not without.empty:
        return Cell((), None, str(without.iloc[0]["ci_kind"]))
    values = chosen["value"].to_numpy(float)
    if len(values) > 1:
        return Cell(tuple(values), over_seeds(values))
    row = chosen.iloc[0]
    low, high = float(row["ci_low"]), float(row["ci_high"])
    interval = None if math.isnan(low) else Interval(low, high, str(row["ci_kind"]))
    return Cell(tuple(values), interval)


def probability_ours_higher(
    rows: pd.DataFrame, dataset: str, model: str, metric: str, rule: IntervalsRule
) -> float | None:
    """P(ours scores higher than a model), see :func:`probability_higher`.

    With one seed each and a metric that has intervals over classes, see :func:`probability_paired`.

    Args:
        rows: score rows, those of single classes among them.
        rule: how the intervals within one seed were made, by the protocol.
    """
    ours, other = (cell(rows, dataset, name, metric) for name in ("ours", model))
    if ours is None or other is None or ours.reason or other.reason or model in ("ours", "real"):
        return None
    draws = numpy_generator("tables", dataset, model, metric)
    kinds = {c.interval.kind for c in (ours, other) if c.interval is not None}
    if len(ours.values) == len(other.values) == 1 and BOOTSTRAP_CLASSES in kinds:
        values = (per_class(rows, dataset, name, metric) for name in ("ours", model))
        return probability_paired(*values, draws, rule.draws)
    return probability_higher(ours, other, {JACKKNIFE_IMAGES: rule.groups}, draws)


def probability_paired(
    one: pd.Series, other: pd.Series, draws: np.random.Generator, resamples: int
) -> float | None:
    """P(the expected score of one is higher) of a mean over classes, or None where none can be had.

    The error is that of :func:`paired_difference`.

    Args:
        one, other: float scores by class.
        resamples: of classes.
    """
    interval = paired_difference(one, other, draws, resamples)
    if interval is None:
        return None
    error = _error(interval, {BOOTSTRAP_CLASSES: len(one)})
    return probability_of_improvement(float((one - other).mean()), error, 0.0, 0.0)


def paired_difference(
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


def per_class(rows: pd.DataFrame, dataset: str, model: str, metric: str) -> pd.Series:
    """Return the scores of single classes, see eval.scores.diversity, by the name of their rows.

    With several seeds, the mean over them.
    """
    keys = (rows["dataset"] == dataset) & (rows["model"] == model)
    chosen = rows[keys & rows["metric"].str.startswith(f"{metric}:class:")]
    return chosen.groupby("metric")["value"].mean()


def probability_higher(
    one: Cell, other: Cell, units: Mapping[str, int], draws: np.random.Generator
) -> float | None:
    """P(one scores higher than the other), in [0, 1], or None where it cannot be said.

    With one seed each, of the expected scores, from the errors over images or classes, taken as
    independent; with at least three each, of a random run of each. Two seeds give neither.

    Args:
        units: what an interval of a kind was made of, see :func:`eval.intervals.standard_error`;
            an interval of another kind is as good as none, unless it has no width.
    """
    seeds = min(len(one.values), len(other.values))
    if seeds >= MIN_VALUES:
        return probability_of_improvement_seeds(one.values, other.values, draws).probability
    errors = [_error(c.interval, units) for c in (one, other)]
    if max(len(one.values), len(other.values)) > 1 or None in errors:
        return None
    return probability_of_improvement(one.mean, errors[0], other.mean, errors[1])


def _error(interval: Interval | None, units: Mapping[str, int]) -> float | None:
    if interval is not None and interval.low == interval.high:
        return 0.0
    if interval is None or interval.kind not in units:
        return None
    return standard_error(interval, units[interval.kind])


def tidy(
    rows: pd.DataFrame,
    table: str,
    datasets: Sequence[str],
    models: Sequence[str],
    metrics: Sequence[str],
) -> pd.DataFrame:
    """Return the table as data: every seed's row, the mean over seeds, and the paper's values.

    The column ``statistic`` is ``seed`` (a score row, unchanged), ``mean`` (over seeds, with the t
    interval over seeds where there are at least three) or ``published``.
    """
    records = []
    for dataset in datasets:
        for model in models:
            for metric in metrics:
                chosen = rows_of(rows, dataset, model, metric)
                records += [r | {"statistic": "seed"} for r in chosen.to_dict("records")]
                records += _summaries(chosen, cell(rows, dataset, model, metric))
        for row in published_rows(table, dataset).to_dict("records"):
            keys = {key: row[key] for key in ("metric", "model", "value")}
            source = f"{row['source']} ({row['data']})"
            records.append({"dataset": dataset, "statistic": "published", "source": source} | keys)
    frame = pd.DataFrame(records, columns=["statistic", *rows.columns, "source"])
    per_class = pd.to_numeric(frame["n"]) / pd.to_numeric(frame["classes"])
    frame.insert(0, "table", table)
    frame.insert(frame.columns.get_loc("classes") + 1, "per_class", per_class)
    for name in ("seed", "n", "classes"):
        frame[name] = pd.to_numeric(frame[name]).astype("Int64")
    return frame


def rows_of(rows: pd.DataFrame, dataset: str, model: str, metric: str) -> pd.DataFrame:
    """Return the rows of a model, data set and metric in the order of their seeds."""
    keys = (rows["dataset"] == dataset) & (rows["model"] == model) & (rows["metric"] == metric)
    return rows[keys].sort_values("seed")


def _summaries(chosen: pd.DataFrame, found: Cell | None) -> list[dict]:
    if found is None or found.reason:
        return []
    same = chosen.iloc[0].to_dict()
    per_seed = ("seed", "ci_low", "ci_high", "ci_kind", "samples", "value")
    shared = {key: value for key, value in same.items() if key not in per_seed}
    kind = f"none ({len(chosen)} seed{'s' * (len(chosen) > 1)})"
    if len(chosen) > 1 and found.interval is not None:
        kind = found.interval.kind
        shared |= {"ci_low": found.interval.low, "ci_high": found.interval.high}
    return [shared | {"statistic": "mean", "value": found.mean, "ci_kind": kind}]

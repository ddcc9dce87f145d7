"""From score rows to what a table prints: one cell per model, data set and metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from eval.metrics.improvement import probability_of_higher_mean
from eval.metrics.intervals import Interval, over_classes, over_seeds
from reports.names import as_published, fitted_form
from reports.tables.formats import MISSING
from reports.tables.published import published_rows

IMAGES = "images"


@dataclass(frozen=True)
class Column:
    """A printed metric: its name in the score rows, its heading, and how numbers are written.

    ``of`` is what its ``n`` counts, empty for what nothing is counted of. A text that starts with
    ``IMAGES`` means those of the row, generated or real. With ``dash`` a dash stands for a value
    that there is not, in the place of the reason.
    """

    metric: str
    title: str
    digits: int = 2
    percent: bool = False
    of: str = IMAGES
    dash: bool = False


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
            return MISSING if column.dash else self.reason

        def number(value: float) -> str:
            return f"{100 * value if column.percent else value:,.{column.digits}f}"

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
    rows: pd.DataFrame, dataset: str, model: str, metric: str
) -> float | None:
    """P(ours scores higher than a model), see :func:`probability_higher`.

    A model with fitted priors is compared with ours with fitted priors.
    """
    own = "ours" if as_published(model) == model else fitted_form("ours")
    ours, other = (cell(rows, dataset, name, metric) for name in (own, model))
    if ours is None or other is None or ours.reason or other.reason or model in (own, "real"):
        return None
    return probability_higher(ours, other)


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


def probability_higher(one: Cell, other: Cell) -> float | None:
    """P(the mean over trainings of one is higher), in [0, 1], by Welch's t test of the seeds.

    None with fewer than three seeds on either side: how far trainings differ is then not known, and
    errors over images or classes say nothing of it.
    """
    return probability_of_higher_mean(one.values, other.values)


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

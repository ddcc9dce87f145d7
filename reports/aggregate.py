"""From score rows to what a table prints: one cell per model, data set and metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from reports.published import published_rows


@dataclass(frozen=True)
class Column:
    """A printed metric: its name in the score rows, its heading, and how numbers are written."""

    metric: str
    title: str
    digits: int = 2
    percent: bool = False


@dataclass(frozen=True)
class Cell:
    """A metric of one model on one data set.

    Attributes:
        mean: mean over seeds.
        spread: sample standard deviation over seeds; NaN with fewer than two.
        interval: (low, high) of a single seed's row, NaN where none was computed.
    """

    mean: float
    spread: float
    interval: tuple[float, float]

    def text(self, column: Column) -> str:
        """Return ``mean``, ``mean ± spread`` or ``value [low, high]``, as printed."""

        def number(value: float) -> str:
            scaled = 100 * value if column.percent else value
            return f"{scaled:.{column.digits}f}"

        unit = " %" if column.percent else ""
        if not math.isnan(self.spread):
            return f"{number(self.mean)} ± {number(self.spread)}{unit}"
        low, high = self.interval
        if not math.isnan(low) and not math.isnan(high):
            return f"{number(self.mean)} [{number(low)}, {number(high)}]{unit}"
        return f"{number(self.mean)}{unit}"


def cell(rows: pd.DataFrame, dataset: str, model: str, metric: str) -> Cell | None:
    """Return the cell of a model, data set and metric, or None where no row exists."""
    chosen = _select(rows, dataset, model, metric)
    if chosen.empty:
        return None
    values = chosen["value"].astype(float)
    spread = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    interval = (math.nan, math.nan)
    if len(values) == 1:
        interval = tuple(float(chosen.iloc[0][key]) for key in ("ci_low", "ci_high"))
    return Cell(float(values.mean()), spread, interval)


def tidy(
    rows: pd.DataFrame,
    table: str,
    datasets: Sequence[str],
    models: Sequence[str],
    metrics: Sequence[str],
) -> pd.DataFrame:
    """Return the table as data: every seed's row, the mean over seeds, and the paper's values.

    The column ``statistic`` is ``seed`` (a score row, unchanged), ``mean`` and ``std`` (over
    seeds; ``std`` only where there are at least two) or ``published``.
    """
    records = []
    for dataset in datasets:
        for model in models:
            for metric in metrics:
                chosen = _select(rows, dataset, model, metric)
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


def _select(rows: pd.DataFrame, dataset: str, model: str, metric: str) -> pd.DataFrame:
    keys = (rows["dataset"] == dataset) & (rows["model"] == model) & (rows["metric"] == metric)
    return rows[keys].sort_values("seed")


def _summaries(chosen: pd.DataFrame, found: Cell | None) -> list[dict]:
    if found is None:
        return []
    same = chosen.iloc[0].to_dict()
    per_seed = ("seed", "ci_low", "ci_high", "samples", "value")
    shared = {key: value for key, value in same.items() if key not in per_seed}
    seeds = f"{len(chosen)} seed" + "s" * (len(chosen) > 1)
    summaries = [shared | {"statistic": "mean", "value": found.mean, "ci_kind": f"none ({seeds})"}]
    if not math.isnan(found.spread):
        kind = f"none ({seeds})"
        summaries.append(shared | {"statistic": "std", "value": found.spread, "ci_kind": kind})
    return summaries

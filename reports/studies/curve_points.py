"""Points of learning curves: scores of a model at its snapshots, and what they had cost by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from dlvae.stage.errors import UserError
from eval.rows import NONE
from reports.tables.aggregate import Cell, Column, cell

REAL, SCORE = "real", "inception_score"
COLUMNS = (
    Column(SCORE, "IS"),
    Column("label_fidelity", "top-1", 1, percent=True),
    Column("judge_agreement", "agreement", 1, percent=True),
    Column("d_intra_standard", "d_intra", 4),
    Column("fid", "FID", 1),
)
UPDATES = "updates"
MEASURED_COSTS = ("images_read", "cpu_seconds")
CURRENCIES = {UPDATES: "updates", "images_read": "images read", "cpu_seconds": "processor seconds"}
"""What a training may be counted in, and how that is called."""

ORIGIN = ("n", "classes", "preset", "precision", "protocol", "evaluator", "samples", "data", "code")
MEAN, SEED, CEILING = "mean", "seed", "ceiling"
"""Rows of the data: over several seeds, of one seed, of real images."""


@dataclass(frozen=True)
class Point:
    """A model after so many updates.

    Attributes:
        seeds: of the trainings that went on to there.
        costs: by currency, means over the seeds.
        scores: by metric; those that were taken.
    """

    step: int
    seeds: tuple[int, ...]
    costs: Mapping[str, float]
    scores: Mapping[str, Cell]

    @property
    def score(self) -> Cell:
        """Its Inception Score."""
        return self.scores[SCORE]


Curve = list[Point]
"""The points of one model, by their number of updates."""


def curve_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the family ``curve``, ``name`` and ``step`` being parts of the metric.

    Raises:
        UserError: there are none.
    """
    parts = rows["metric"].str.extract(r"^(?P<name>\w+):(?P<step>\d+)$")
    known = [*(column.metric for column in COLUMNS), *MEASURED_COSTS]
    own = rows.assign(**parts)[parts["name"].isin(known) & rows["model"].ne(REAL)]
    if own.empty:
        raise UserError(
            "learning_curves: expected scores of the family curve, found none; make them with "
            "snakemake learning_curves"
        )
    return own.assign(step=own["step"].astype(int))


def curve(rows: pd.DataFrame, dataset: str, model: str) -> Curve:
    """Return the points of a model on a data set.

    Args:
        rows: of :func:`curve_rows`.

    Raises:
        UserError: a snapshot without its score or costs.
    """
    own = rows[rows["dataset"].eq(dataset) & rows["model"].eq(model)]
    return [_point(part, dataset, model, int(step)) for step, part in own.groupby("step")]


def _point(rows: pd.DataFrame, dataset: str, model: str, step: int) -> Point:
    """Return a point from the rows of a model at one snapshot, of any number of seeds."""
    names = [column.metric for column in COLUMNS]
    found = {
        name: cell(rows, dataset, model, f"{name}:{step}") for name in [*names, *MEASURED_COSTS]
    }
    seeds = tuple(sorted({int(seed) for seed in rows["seed"]}))
    for name in (SCORE, *MEASURED_COSTS):
        if found[name] is None or len(found[name].values) != len(seeds):
            raise UserError(
                f"{dataset}/{model}: expected {name}:{step} of the seeds "
                f"{', '.join(map(str, seeds))}, found less; score again with python -m eval.scores "
                "curve"
            )
    costs = {UPDATES: float(step)} | {name: found[name].mean for name in MEASURED_COSTS}
    scores = {name: found[name] for name in names if found[name] is not None}
    return Point(step, seeds, costs, scores)


def tidy(rows: pd.DataFrame, datasets: Sequence[str], models: Sequence[str]) -> pd.DataFrame:
    """Return the curves as data: a row per data set, model, seed and step, and the means.

    The column ``statistic`` is ``seed``, ``mean`` (over the seeds that have the step, where they
    are several; intervals are over seeds, with at least three) or ``ceiling``: scores of the real
    images, as far as they are among the rows, which have no step.

    Args:
        rows: score rows of all models and of the real images.
    """
    own = curve_rows(rows)
    records = [
        record
        for dataset in datasets
        for record in [*_ceiling(rows, dataset), *_records(own, dataset, models)]
    ]
    frame = pd.DataFrame(records)
    for name in ("seed", "step", "n", "classes"):
        frame[name] = pd.to_numeric(frame[name]).astype("Int64")
    return frame


def _records(rows: pd.DataFrame, dataset: str, models: Sequence[str]) -> Iterator[dict]:
    for model in models:
        own = rows[rows["dataset"].eq(dataset) & rows["model"].eq(model)]
        for step, part in own.groupby("step"):
            for seed, single in part.groupby("seed"):
                yield _record(SEED, single, dataset, model, int(step), int(seed))
            if part["seed"].nunique() > 1:
                yield _record(MEAN, part, dataset, model, int(step))


def _ceiling(rows: pd.DataFrame, dataset: str) -> Iterator[dict]:
    own = rows[rows["dataset"].eq(dataset) & rows["model"].eq(REAL)]
    if not own.empty:
        yield _record(CEILING, own, dataset, REAL)


def _record(
    statistic: str,
    rows: pd.DataFrame,
    dataset: str,
    model: str,
    step: int | None = None,
    seed: int | None = None,
) -> dict:
    """Return a row of the data from score rows of a model at one step, or of the real images."""
    record = {"statistic": statistic, "dataset": dataset, "model": model, "seed": seed}
    record |= {"seeds": int(rows["seed"].nunique()), "step": step}
    end = "" if step is None else f":{step}"
    for name in MEASURED_COSTS:
        found = cell(rows, dataset, model, f"{name}{end}")
        record[name] = found.mean if found else None
    for column in COLUMNS:
        record |= _score(rows, dataset, model, column.metric, end)
    first = rows[rows["metric"].eq(f"{SCORE}{end}")].iloc[0]
    record |= {name: first[name] for name in ORIGIN}
    return record | ({"samples": None} if statistic == MEAN else {})


def _score(rows: pd.DataFrame, dataset: str, model: str, metric: str, end: str) -> dict:
    """Return a metric with its interval, or why there is none."""
    found = cell(rows, dataset, model, f"{metric}{end}")
    names = [metric, *(f"{metric}_{part}" for part in ("ci_low", "ci_high", "ci_kind"))]
    if found is None:
        return dict.fromkeys(names)
    if found.reason:
        return dict(zip(names, (None, None, None, found.reason), strict=True))
    count = len(found.values)
    if found.interval is None:
        kind = NONE if count == 1 else f"{NONE} ({count} seeds)"
        return dict(zip(names, (found.mean, None, None, kind), strict=True))
    interval = found.interval
    ends = (interval.low, interval.high, interval.kind)
    return dict(zip(names, (found.mean, *ends), strict=True))

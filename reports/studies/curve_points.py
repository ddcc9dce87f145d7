"""Points of learning curves: scores of a model at its snapshots, and what they had cost by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dlvae.stage.errors import UserError
from eval.rows import NONE
from reports.tables.cells import Cell, Column, cell

REAL, SCORE = "real", "inception_score"
COLUMNS = (
    Column(SCORE, "IS"),
    Column("label_fidelity", "top-1", 1, percent=True),
    Column("judge_agreement", "agreement", 1, percent=True),
    Column("d_intra_standard", "d_intra", 4),
    Column("fid", "FID", 1),
)
METRICS = tuple(column.metric for column in COLUMNS)
UPDATES = "updates"
MEASURED_COSTS = ("images_read", "cpu_seconds")
CURRENCIES = {UPDATES: "updates", "images_read": "images read", "cpu_seconds": "processor seconds"}
"""What a training may be counted in, and how that is called."""

ORIGIN = ("n", "classes", "preset", "precision", "protocol", "evaluator", "samples", "data", "code")
MEAN, SEED, CEILING = "mean", "seed", "ceiling"
"""Rows of the data: over several seeds, of one seed, of real images."""


@dataclass(frozen=True)
class Point:
    """A model after so many updates, or the real images.

    Attributes:
        step: number of updates; None of real images.
        seeds: of the trainings that went on to there.
        costs: by currency, means over the seeds; those that were measured.
        scores: by metric; those that were taken.
        origin: what the first row of its score says of itself, by column, see `ORIGIN`.
    """

    model: str
    step: int | None
    seeds: tuple[int, ...]
    costs: Mapping[str, float]
    scores: Mapping[str, Cell]
    origin: Mapping[str, Any]

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
    own = rows.assign(**parts)
    own = own[parts["name"].isin([*METRICS, *MEASURED_COSTS]) & rows["model"].ne(REAL)]
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


def real_images(rows: pd.DataFrame, dataset: str) -> Point | None:
    """Return the scores of real held-out images, the ceiling; None where there is no such row."""
    own = rows[rows["dataset"].eq(dataset) & rows["model"].eq(REAL)]
    return None if own.empty else _point(own, dataset, REAL)


def _point(rows: pd.DataFrame, dataset: str, model: str, step: int | None = None) -> Point:
    """Return a point from the rows of a model at one snapshot, of any number of seeds."""
    end = "" if step is None else f":{step}"
    cells = {name: cell(rows, dataset, model, name + end) for name in (*METRICS, *MEASURED_COSTS)}
    found = {name: own for name, own in cells.items() if own is not None}
    seeds = tuple(sorted({int(seed) for seed in rows["seed"]}))
    for name in (SCORE, *MEASURED_COSTS) if step is not None else ():
        if name not in found or len(found[name].values) != len(seeds):
            raise UserError(
                f"{dataset}/{model}: expected {name}:{step} of the seeds "
                f"{', '.join(map(str, seeds))}, found less; score again with python -m eval.scores "
                "curve"
            )
    costs = {} if step is None else {UPDATES: float(step)}
    costs |= {name: found[name].mean for name in MEASURED_COSTS if name in found}
    scores = {name: found[name] for name in METRICS if name in found}
    first = rows[rows["metric"].eq(SCORE + end)].head(1)[list(ORIGIN)].to_dict("records")
    return Point(model, step, seeds, costs, scores, dict(*first))


def tidy(rows: pd.DataFrame, datasets: Sequence[str], models: Sequence[str]) -> pd.DataFrame:
    """Return the curves as data: a row per data set, model, seed and step, and the means.

    The column ``statistic`` is ``seed``, ``mean`` (over the seeds that have the step, where they
    are several; intervals are over seeds, with at least three) or ``ceiling``: scores of the real
    images, as far as they are among the rows, which have no step.

    Args:
        rows: score rows of all models and of the real images.
    """
    own = curve_rows(rows)
    records = []
    for dataset in datasets:
        if (real := real_images(rows, dataset)) is not None:
            records.append(_record(CEILING, dataset, real))
        for model in models:
            records += _records(own, dataset, model)
    frame = pd.DataFrame(records)
    for name in ("seed", "step", "n", "classes"):
        frame[name] = pd.to_numeric(frame[name]).astype("Int64")
    return frame


def _records(rows: pd.DataFrame, dataset: str, model: str) -> Iterator[dict]:
    for point in curve(rows, dataset, model):
        at_step = rows[rows["step"] == point.step]
        for seed in point.seeds:
            (single,) = curve(at_step[at_step["seed"] == seed], dataset, model)
            yield _record(SEED, dataset, single)
        if len(point.seeds) > 1:
            yield _record(MEAN, dataset, point)


def _record(statistic: str, dataset: str, point: Point) -> dict:
    """Return a point as a row of the data."""
    record = {"statistic": statistic, "dataset": dataset, "model": point.model}
    record |= {"seed": point.seeds[0] if statistic == SEED else None}
    record |= {"seeds": len(point.seeds), "step": point.step}
    record |= {name: point.costs.get(name) for name in MEASURED_COSTS}
    for metric in METRICS:
        columns = dict.fromkeys(("value", "ci_low", "ci_high", "ci_kind"))
        if (found := point.scores.get(metric)) is not None:
            count = len(found.values)
            columns = found.as_row(NONE if count < 2 else f"{NONE} ({count} seeds)")
        record |= {f"{metric}_{name}".removesuffix("_value"): columns[name] for name in columns}
    return record | point.origin | ({"samples": None} if statistic == MEAN else {})

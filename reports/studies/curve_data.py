"""Learning curves as data: scores of every model at its snapshots, and what these had cost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import pandas as pd

from dlvae.stage.errors import UserError
from eval.rows import NONE
from reports.tables.cells import cell
from reports.tables.specs import Column

REAL, SCORE, AGREEMENT = "real", "inception_score", "judge_agreement"
COLUMNS = (
    Column(SCORE, "IS"),
    Column("label_fidelity", "top-1", 1, percent=True),
    Column(AGREEMENT, "agreement", 1, percent=True),
    Column("d_intra_standard", "d_intra", 4),
    Column("fid", "FID", 1),
)
METRICS = tuple(column.metric for column in COLUMNS)
UPDATES = "updates"
MEASURED_COSTS = ("images_read", "cpu_seconds")
CURRENCIES = {UPDATES: "updates", "images_read": "images read", "cpu_seconds": "processor seconds"}
"""What a training may be counted in, and how that is called."""

ORIGIN = ["n", "classes", "preset", "precision", "protocol", "evaluator", "samples", "data", "code"]
MEAN, SEED, CEILING = "mean", "seed", "ceiling"
"""Rows of the data: over several seeds, of one seed, of real images."""


def curve_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the family ``curve``, ``step`` apart from the metric, and of real images.

    Raises:
        UserError: there are none of the family.
    """
    parts = rows["metric"].str.extract(r"^(?P<metric>\w+):(?P<step>\d+)$")
    own = rows.assign(metric=parts["metric"], step=pd.to_numeric(parts["step"]))
    own = own[own["metric"].isin([*METRICS, *MEASURED_COSTS]) & own["model"].ne(REAL)]
    if own.empty:
        raise UserError(
            "learning_curves: expected scores of the family curve, found none; make them with "
            "snakemake learning_curves"
        )
    return pd.concat([rows[rows["model"] == REAL], own])


def tidy(own: pd.DataFrame, datasets: Sequence[str], models: Sequence[str]) -> pd.DataFrame:
    """Return the curves as data: a row per data set, model, seed and step, and the means.

    The column ``statistic`` is ``seed``, ``mean`` (over the seeds that have the step, where they
    are several; intervals are over seeds, with at least three) or ``ceiling``: scores of the real
    images, which have no step.

    Args:
        own: of :func:`curve_rows`.
    """
    records = []
    for dataset, model in product(datasets, [REAL, *models]):
        here = own[own["dataset"].eq(dataset) & own["model"].eq(model)]
        for _, at_step in here.groupby("step", dropna=False):
            seeds = at_step.groupby("seed")
            records += [_record(CEILING if model == REAL else SEED, part) for _, part in seeds]
            records += [_record(MEAN, at_step)] * (len(seeds) > 1)
    frame = pd.DataFrame(records)
    for name in ("seed", "step", "n", "classes"):
        frame[name] = pd.to_numeric(frame[name]).astype("Int64")
    return frame


def _record(statistic: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Return the rows of one snapshot, or of the real images, as a row of the data."""
    dataset, model, seed, step = rows.iloc[0][["dataset", "model", "seed", "step"]]
    record = {"statistic": statistic, "dataset": dataset, "model": model}
    record |= {"seed": seed if statistic == SEED else None, "seeds": rows["seed"].nunique()}
    record |= {"step": step}
    cells = {name: cell(rows, dataset, model, name) for name in (*MEASURED_COSTS, *METRICS)}
    for name, found in cells.items():
        count = len(found.values)
        columns = found.as_row(NONE if count < 2 else f"{NONE} ({count} seeds)")
        if not rows["metric"].eq(name).any():
            columns = dict.fromkeys(columns)
        record[name] = columns.pop("value")
        record |= {f"{name}_{end}": columns[end] for end in columns if name in METRICS}
    origin = rows[rows["metric"] == SCORE].head(1)[ORIGIN].to_dict("records")
    return record | dict(*origin) | ({"samples": None} if statistic == MEAN else {})


class Curve(NamedTuple):
    """What the trainings of a model scored at their snapshots, and what these had cost.

    Attributes:
        scores: Inception Scores, number of updates x seed; NaN of those that had ended by then.
        costs: means over seeds, number of updates x currency.
        agreement: of the judges on the images, mean over seeds, by number of updates.
    """

    scores: pd.DataFrame
    costs: pd.DataFrame
    agreement: pd.Series


def curves(own: pd.DataFrame, dataset: str, models: Sequence[str]) -> dict[str, Curve]:
    """Return the curve of every model that has one on a data set.

    Args:
        own: of :func:`curve_rows`.

    Raises:
        UserError: a snapshot without its score or costs.
    """
    parts = {model: own[own["dataset"].eq(dataset) & own["model"].eq(model)] for model in models}
    return {model: _curve(part) for model, part in parts.items() if not part.empty}


def _curve(rows: pd.DataFrame) -> Curve:
    rows = rows.astype({"step": int})
    found = rows.pivot(index=["step", "seed"], columns="metric", values="value")
    found = found.reindex(columns=[SCORE, AGREEMENT, *MEASURED_COSTS])
    for name, values in found.items():
        if values.isna().any():
            step, _ = values.isna().idxmax()
            seeds = ", ".join(map(str, found.loc[step].index))
            raise UserError(
                f"{rows['dataset'].iloc[0]}/{rows['model'].iloc[0]}: expected {name}:{step} of the "
                f"seeds {seeds}, found less; score again with python -m eval.scores curve"
            )
    means = found[[*MEASURED_COSTS, AGREEMENT]].groupby("step").mean()
    costs = means[[*MEASURED_COSTS]].assign(**{UPDATES: means.index.astype(float)})
    return Curve(found[SCORE].unstack("seed"), costs, means[AGREEMENT])

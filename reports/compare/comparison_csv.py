"""A comparison as data: one row per data set, model and metric."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reports.compare.comparison import COLUMNS, REAL, Comparison
from reports.tables.cells import rows_of


def tidy(found: Comparison) -> pd.DataFrame:
    """Return the comparison as data: one row per data set, model and metric.

    ``role`` is ``real``, ``stored`` or ``candidate``. A stored model's row has the candidate's
    difference to it (``delta`` ...) and the probability that the candidate is better; the
    candidate's row has the threshold and whether it was reached.
    """
    records = []
    verdicts = {(v.dataset, v.metric): v for v in found.verdicts}
    for dataset in found.datasets:
        for model in (REAL, *found.models(dataset), found.title):
            for metric in COLUMNS:
                record = _record(found, dataset, model, metric)
                if model == found.title and (dataset, metric) in verdicts:
                    verdict = verdicts[dataset, metric]
                    record |= {"threshold": verdict.least, "passed": verdict.passed}
                    record["note"] = record["note"] or verdict.reason
                records.append(record)
    return pd.DataFrame(records)


def _record(found: Comparison, dataset: str, model: str, metric: str) -> dict[str, Any]:
    role = {REAL: REAL, found.title: "candidate"}.get(model, "stored")
    record: dict[str, Any] = {"preset": found.stored.preset, "dataset": dataset}
    record |= {
        "model": found.name if role == "candidate" else model,
        "role": role,
        "metric": metric,
    }
    values = dict.fromkeys(("value", "ci_low", "ci_high", "ci_kind", "sd_seeds", "note"))
    deltas = dict.fromkeys(("delta", "delta_ci_low", "delta_ci_high", "delta_ci_kind", "p_better"))
    rows, own = rows_of(found.rows, dataset, model, metric), found.cell(dataset, model, metric)
    if own is None:
        judged = role == "candidate" and dataset in found.foreign
        values["note"] = "judged by another evaluator" if judged else "not scored"
    elif own.reason:
        values["note"] = own.reason
    else:
        values["value"] = own.mean
        if len(own.values) > 1:
            values["sd_seeds"] = float(np.std(own.values, ddof=1))
        if own.interval is not None:
            ends = own.interval
            values |= {"ci_low": ends.low, "ci_high": ends.high, "ci_kind": ends.kind}
    if role == "stored" and (change := found.deltas[dataset, model, metric]):
        deltas |= {"delta": change.value, "p_better": change.better}
        if change.interval is not None:
            ends = change.interval
            deltas |= {"delta_ci_low": ends.low, "delta_ci_high": ends.high}
            deltas["delta_ci_kind"] = ends.kind
    shared = ("n", "classes", "precision", "protocol", "evaluator", "data", "code")
    same = {key: " ".join(map(str, dict.fromkeys(rows[key]))) or None for key in shared}
    seeds = " ".join(str(seed) for seed in rows["seed"]) or None
    return record | values | deltas | {"threshold": None, "passed": None, "seeds": seeds} | same

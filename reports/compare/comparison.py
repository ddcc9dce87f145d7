"""A candidate's scores beside the stored ones: what may be compared, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dlvae.candidate import Candidate
from dlvae.config.preset import ablation_models
from dlvae.stage.errors import UserError
from eval.families import FAMILY_OF
from eval.rows import NONE, first_hash, refuse_mixed
from reports.claims.rules import AGREEMENT
from reports.compare.conditions import Thresholds
from reports.compare.difference import Difference, difference
from reports.freeze.evidence import SameNumbers, read_same_numbers, same_code
from reports.freeze.stored import Stored
from reports.names import as_published, dataset_title, in_paper_order, model_title
from reports.tables.cells import Cell, cell
from reports.tables.formats import MISSING
from reports.tables.inputs import check_rows
from reports.tables.specs import COLUMN_OF

PRINTED = ("inception_score", "label_fidelity", "d_intra_standard", "fid", "precision", "recall")
COLUMNS = {metric: COLUMN_OF[metric] for metric in (*PRINTED, "d_intra_range_mismatched")}
"""Every metric of a comparison. The range-mismatched d_intra is in the CSV alone."""

REAL = "real"


@dataclass(frozen=True)
class Run:
    """What is known of one sample set of the candidate.

    Attributes:
        samples: manifest of the sample set; ``findings`` are those of taking it in: ``kind``,
            ``severity`` and ``text`` each.
        duplicates: ``findings`` of the search for near-duplicates of real images.
        model: manifest of the training; None for samples from outside.
    """

    dataset: str
    seed: int
    samples: Mapping[str, Any]
    duplicates: Mapping[str, Any]
    model: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Verdict:
    """A threshold and what the candidate reached.

    Attributes:
        value: mean over seeds; None where there is none to hold against it, which fails.
        reason: why there is none.
    """

    dataset: str
    metric: str
    least: float
    value: float | None
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the candidate is not below."""
        return self.value is not None and self.value >= self.least

    @property
    def text(self) -> str:
        """The verdict as a sentence's part."""
        column = COLUMNS[self.metric]
        name = f"{column.title} on {dataset_title(self.dataset)}"
        if self.value is None:
            return f"{name}: {self.reason}, so that it was not held against {self.least:g}"
        found, least = (Cell((v,), None).text(column) for v in (self.value, self.least))
        # Rounded as in the table, two different numbers may look the same.
        exact = f" ({self.value:.6g}, {self.least:g})" if found == least else ""
        return f"{name} {found} {'>=' if self.passed else '<'} {least}{exact}"


@dataclass(frozen=True)
class Comparison:
    """A candidate and the stored results that it is compared with; see :func:`beside_stored`.

    Attributes:
        title: of the candidate's row, by which ``rows`` know it.
        rows: score rows of the stored models, of real images and of the candidate, those that
            cannot be compared left out.
        judges: of data sets whose scores another evaluator judged, the hash of the stored one and
            of the other.
        least: thresholds by data set and metric.
    """

    stored: Stored
    candidate: Candidate
    title: str
    rows: pd.DataFrame
    runs: Sequence[Run]
    judges: Mapping[str, tuple[str, str]]
    least: Thresholds

    @property
    def datasets(self) -> Sequence[str]:
        """In printed order."""
        return self.candidate.datasets

    def models(self, dataset: str) -> list[str]:
        """Return the stored models of a data set in the paper's order; no ablations."""
        known = set(self.rows[self.rows["dataset"] == dataset]["model"]) - {REAL, self.title}
        return in_paper_order(sorted(known))

    def cell(self, dataset: str, model: str, metric: str) -> Cell:
        """Return a metric of a model, of real images or of the candidate."""
        return cell(self.rows, dataset, model, metric)

    @cached_property
    def differences(self) -> dict[tuple[str, str, str], Difference | None]:
        """The candidate's score minus a stored model's, by data set, model and metric."""
        rule = self.stored.protocol.intervals
        return {
            (dataset, model, metric): difference(
                self.rows, dataset, (self.title, model), metric, rule
            )
            for dataset in self.datasets
            for model in self.models(dataset)
            for metric in COLUMNS
        }

    @cached_property
    def same_numbers(self) -> SameNumbers | None:
        """Which other code gave the stored numbers; None where none is known to."""
        return read_same_numbers(self.stored)

    @property
    def other_code(self) -> list[str]:
        """Which metrics of the candidate were scored by other code than the stored ones.

        Code that gave the same numbers is no other, see :mod:`reports.freeze.evidence`.
        """
        own, found = self.rows["model"] == self.title, {}
        for metric, column in COLUMNS.items():
            here = self.rows["metric"] == metric
            sides = [set(self.rows[here & side]["code"]) for side in (own, ~own)]
            codes = tuple(" ".join(sorted(side)) for side in sides)
            family = FAMILY_OF[metric].name
            if all(codes) and not same_code(self.same_numbers, family, *reversed(sides)):
                found.setdefault(codes, []).append(column.title)
        return [
            f"{', '.join(titles)}: scored by other code here ({here}) than in the stored results "
            f"({there}), and no rerun shows that both give the same numbers"
            for (here, there), titles in found.items()
        ]

    def of(self, dataset: str) -> list[Run]:
        """Return the candidate's runs on a data set, in the order of their seeds."""
        return sorted((r for r in self.runs if r.dataset == dataset), key=lambda run: run.seed)

    def lacks(self, dataset: str, model: str, metric: str) -> str:
        """Say why there is no value of a metric; empty where there is one."""
        foreign = model == self.title and dataset in self.judges
        without = "judged by another evaluator" if foreign else "not scored"
        reason = self.cell(dataset, model, metric).reason
        return without if reason == MISSING else reason

    @cached_property
    def verdicts(self) -> dict[tuple[str, str], Verdict]:
        """Every threshold, held against the candidate, by data set and metric."""
        found = {}
        for (dataset, metric), least in self.least.items():
            reason = self.lacks(dataset, self.title, metric)
            value = None if reason else self.cell(dataset, self.title, metric).mean
            found[dataset, metric] = Verdict(dataset, metric, least, value, reason)
        return found


def beside_stored(
    stored: Stored,
    candidate: Candidate,
    rows: pd.DataFrame,
    runs: Sequence[Run],
    least: Thresholds,
) -> Comparison:
    """Set a candidate beside the stored results.

    Args:
        rows: the candidate's score rows.
        least: see :func:`reports.compare.conditions.thresholds`.

    Raises:
        UserError: rows of another protocol or of other data than the stored ones, rows of several
            evaluators or of none, or stored rows that do not belong to the stored evaluator.
    """
    title = f"{model_title(candidate.name)} (candidate)"
    datasets, apart = candidate.datasets, list(ablation_models(stored.config))
    beside = _of_columns(stored.rows)
    beside = beside[
        beside["dataset"].isin(datasets) & ~beside["model"].map(as_published).isin(apart)
    ]
    check_rows(beside, {d: c for d, c in stored.cards().items() if d in datasets})
    judges, parts = {}, [beside]
    for dataset in datasets:
        own = _of_columns(rows[(rows["dataset"] == dataset) & (rows["model"] == candidate.name)])
        there = _judge(beside[beside["dataset"] == dataset], dataset, "the stored results")
        here = _judge(own, dataset, "the candidate")
        if here != there:
            judges[dataset] = there, here
            own = own[own["evaluator"] == NONE]
        parts.append(own.assign(model=title))
    every = pd.concat(parts, ignore_index=True)
    refuse_mixed(every)
    return Comparison(stored, candidate, title, every, runs, judges, least)


def _of_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `COLUMNS`, those of single classes too, and how far judges agree."""
    kept = [*COLUMNS, AGREEMENT]
    return rows[rows["metric"].str.partition(":class:")[0].isin(kept)]


def _judge(rows: pd.DataFrame, dataset: str, whose: str) -> str:
    """Return the hash of the evaluator behind rows of one data set."""
    judges = sorted(set(rows["evaluator"].map(first_hash)) - {NONE})
    if len(judges) != 1:
        found = ", ".join(judges) or "none"
        raise UserError(f"{dataset}: expected scores by one evaluator of {whose}, found {found}")
    return judges[0]


def tidy(found: Comparison) -> pd.DataFrame:
    """Return the comparison as data: one row per data set, model and metric.

    ``role`` is ``real``, ``stored`` or ``candidate``. A stored model's row has the candidate's
    difference to it (``delta`` ...) and the probability that the candidate is better; the
    candidate's row has the threshold and whether it was reached.
    """
    return pd.DataFrame(
        _record(found, dataset, model, metric)
        for dataset in found.datasets
        for model in (REAL, *found.models(dataset), found.title)
        for metric in COLUMNS
    )


def _record(found: Comparison, dataset: str, model: str, metric: str) -> dict[str, Any]:
    own = found.cell(dataset, model, metric)
    lacks, candidate = found.lacks(dataset, model, metric), model == found.title
    change = found.differences.get((dataset, model, metric))
    verdict = found.verdicts.get((dataset, metric)) if candidate else None
    shared = ("n", "classes", "precision", "protocol", "evaluator", "data", "code")
    return {
        "preset": found.stored.preset,
        "dataset": dataset,
        "model": found.candidate.name if candidate else model,
        "role": "candidate" if candidate else REAL if model == REAL else "stored",
        "metric": metric,
        "value": None if lacks else own.mean,
        **_ends(own, ""),
        "sd_seeds": spread(own),
        "note": lacks or None,
        "delta": change and change.value,
        **_ends(change, "delta_"),
        "p_better": change and change.better,
        "threshold": verdict and verdict.least,
        "passed": verdict and verdict.passed,
        "seeds": " ".join(str(seed) for seed in own.rows["seed"]) or None,
        **{key: " ".join(map(str, dict.fromkeys(own.rows[key]))) or None for key in shared},
    }


def spread(found: Cell) -> float | None:
    """Return the standard deviation over the training seeds; None with one seed."""
    return float(np.std(found.values, ddof=1)) if len(found.values) > 1 else None


def _ends(found: Cell | Difference | None, start: str) -> dict[str, Any]:
    ends = found and found.interval
    return {f"{start}ci_{key}": ends and getattr(ends, key) for key in ("low", "high", "kind")}

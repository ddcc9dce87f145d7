"""A candidate's scores beside the stored ones: what may be compared, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from dlvae.config.preset import ablation_models
from dlvae.stage.errors import UserError
from eval.rows import NONE, first_hash, refuse_mixed
from reports.compare.comparable import other_data, other_protocol
from reports.compare.deltas import Delta, Scored, delta
from reports.compare.thresholds import Thresholds
from reports.freeze.stored import Stored
from reports.names import dataset_title, in_paper_order, model_title
from reports.tables.cells import Cell
from reports.tables.inputs import check_evaluators
from reports.tables.specs import COLUMN_OF

PRINTED = ("inception_score", "label_fidelity", "d_intra_standard", "fid", "precision", "recall")
COLUMNS = {metric: COLUMN_OF[metric] for metric in (*PRINTED, "d_intra_range_mismatched")}
"""Every metric of a comparison. The range-mismatched d_intra is in the CSV alone."""

REAL = "real"


@dataclass(frozen=True)
class Run:
    """What is known of one sample set of the candidate.

    Attributes:
        samples: manifest of the sample set; ``findings`` are those of taking it in.
        duplicates: ``findings`` of the search for near-duplicates of real images.
        model: manifest of the training; None for samples from outside.
    """

    dataset: str
    seed: int
    samples: Mapping[str, Any]
    duplicates: Mapping[str, Any]
    model: Mapping[str, Any] | None = None

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """Return what stood out in the samples: ``kind``, ``severity`` and ``text`` each."""
        return [*self.samples.get("findings", ()), *self.duplicates.get("findings", ())]


@dataclass(frozen=True)
class Foreign:
    """An evaluator that is not the one behind the stored scores: its hash, and the one expected."""

    expected: str
    found: str


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
            return f"{name} {self.reason}, so that it was not held against {self.least:g}"
        found, least = (Cell((v,), None).text(column) for v in (self.value, self.least))
        # Rounded as in the table, two different numbers may look the same.
        exact = f" ({self.value:.6g}, {self.least:g})" if found == least else ""
        return f"{name} {found} {'>=' if self.passed else '<'} {least}{exact}"


@dataclass(frozen=True)
class Comparison:
    """A candidate and the stored results that it is compared with; see :func:`compare`.

    Attributes:
        name: of the candidate's files.
        title: of its row, by which ``rows`` know it.
        datasets: in printed order.
        rows: score rows of the stored models, of real images and of the candidate, those that
            cannot be compared left out.
        foreign: data sets whose scores another evaluator judged.
        least: thresholds by data set and metric.
        other_code: what was scored by other code than the stored rows.
    """

    stored: Stored
    name: str
    title: str
    datasets: Sequence[str]
    rows: pd.DataFrame
    runs: Sequence[Run]
    foreign: Mapping[str, Foreign]
    least: Thresholds
    other_code: Sequence[str] = ()

    def models(self, dataset: str) -> list[str]:
        """Return the stored models of a data set in the paper's order; no ablations."""
        known = set(self.rows[self.rows["dataset"] == dataset]["model"]) - {REAL, self.title}
        return in_paper_order(sorted(known))

    def cell(self, dataset: str, model: str, metric: str) -> Cell | None:
        """Return a metric of a model, of real images or of the candidate."""
        return Scored(model, self.rows).cell(dataset, metric)

    @cached_property
    def deltas(self) -> dict[tuple[str, str, str], Delta | None]:
        """The candidate's score minus a stored model's, by data set, model and metric."""
        rule, candidate = self.stored.protocol.intervals, Scored(self.title, self.rows)
        return {
            (dataset, model, metric): delta(
                candidate, Scored(model, self.rows), dataset, metric, rule
            )
            for dataset in self.datasets
            for model in self.models(dataset)
            for metric in COLUMNS
        }

    def of(self, dataset: str) -> list[Run]:
        """Return the candidate's runs on a data set, in the order of their seeds."""
        return sorted((r for r in self.runs if r.dataset == dataset), key=lambda run: run.seed)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """Every threshold, held against the candidate."""
        found = []
        for (dataset, metric), least in self.least.items():
            own = self.cell(dataset, self.title, metric)
            if own is None or own.reason:
                foreign = "was judged by another evaluator" if dataset in self.foreign else ""
                reason = own.reason if own else foreign or "was not scored"
                found.append(Verdict(dataset, metric, least, None, reason))
            else:
                found.append(Verdict(dataset, metric, least, own.mean))
        return found


def compare(
    stored: Stored,
    name: str,
    rows: pd.DataFrame,
    runs: Sequence[Run],
    datasets: Sequence[str],
    least: Thresholds,
) -> Comparison:
    """Set a candidate beside the stored results.

    Args:
        name: of the candidate, as in its rows.
        rows: its score rows.
        datasets: image sets to compare on.
        least: thresholds, see :func:`reports.compare.thresholds.thresholds`.

    Raises:
        UserError: rows of another protocol or of other data than the stored ones, or stored rows
            that do not belong to the stored evaluator.
    """
    title = f"{model_title(name)} (candidate)"
    _check_protocol(stored, rows)
    beside = _stored_rows(stored, datasets)
    check_evaluators(beside, {d: c for d, c in stored.cards().items() if d in datasets})
    foreign, parts, other_code = {}, [beside], []
    for dataset in datasets:
        own = _of_columns(rows[(rows["dataset"] == dataset) & (rows["model"] == name)])
        theirs = beside[beside["dataset"] == dataset]
        _check_data(dataset, own, theirs)
        judges = [_judge(side) for side in (theirs, own)]
        if judges[0] != judges[1]:
            foreign[dataset] = Foreign(*judges)
            own = own[own["evaluator"] == NONE]
        other_code += [text for text in _other_code(own, theirs) if text not in other_code]
        parts.append(own.assign(model=title))
    every = pd.concat(parts, ignore_index=True)
    refuse_mixed(every)
    return Comparison(stored, name, title, datasets, every, runs, foreign, least, other_code)


def _stored_rows(stored: Stored, datasets: Sequence[str]) -> pd.DataFrame:
    """Return the stored rows of real images and whole models, of the families compared here."""
    apart = [*ablation_models(stored.config)]
    rows = _of_columns(stored.rows)
    return rows[rows["dataset"].isin(datasets) & ~rows["model"].isin(apart)]


def _of_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `COLUMNS`, those of single classes too; by no other judge than theirs."""
    return rows[rows["metric"].str.partition(":class:")[0].isin(list(COLUMNS))]


def _judge(rows: pd.DataFrame) -> str:
    """Return the hash of the evaluator behind rows of one data set."""
    judges = set(rows["evaluator"].map(first_hash)) - {NONE}
    if len(judges) != 1:
        raise UserError(f"expected scores of one evaluator, found {', '.join(sorted(judges))}")
    return judges.pop()


def _check_protocol(stored: Stored, rows: pd.DataFrame) -> None:
    expected = stored.protocol.label
    found = [", ".join(sorted(set(part["protocol"]))) for part in (stored.rows, rows)]
    if found[0] != expected:
        raise UserError(
            f"expected stored scores of the stored protocol {expected}, found {found[0]}; restore "
            f"both with git checkout -- {stored.folder}"
        )
    if found[1] != expected:
        raise UserError(other_protocol(stored, found[1]))


def _check_data(dataset: str, own: pd.DataFrame, theirs: pd.DataFrame) -> None:
    hashes = [sorted(set(rows["data"].map(first_hash))) for rows in (theirs, own)]
    if not hashes[0] or not hashes[1]:
        whose = "the stored results" if not hashes[0] else "the candidate"
        raise UserError(f"{dataset}: expected scores of {whose}, found none")
    if hashes[0] != hashes[1]:
        raise UserError(other_data(dataset, *map(", ".join, hashes)))


def _other_code(own: pd.DataFrame, theirs: pd.DataFrame) -> list[str]:
    """Say which metrics were scored by other code than the stored rows of theirs."""
    found: dict[tuple[str, str], list[str]] = {}
    for metric, column in COLUMNS.items():
        codes = [
            " ".join(sorted(set(rows[rows["metric"] == metric]["code"]))) for rows in (theirs, own)
        ]
        if all(codes) and codes[0] != codes[1]:
            found.setdefault((codes[0], codes[1]), []).append(column.title)
    return [
        f"{', '.join(titles)}: scored by other code here ({here}) than in the stored results "
        f"({there}), so that numbers may differ by the code alone"
        for (there, here), titles in found.items()
    ]

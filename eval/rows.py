"""Score rows: one number, and everything that says what it is a number of."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlvae.stage.artefact import sha256_arrays, write_text
from dlvae.stage.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from eval.metrics.measured import Measured

NONE = "none"
"""In ``ci_kind``: no interval was computed. In ``evaluator``: the metric uses none."""

UNKNOWN = "unknown"
"""In ``precision``: the file does not say."""

NOT_APPLICABLE = "n/a"
"""Start of ``ci_kind`` where there is no value; the reason follows. ``value`` is then empty."""

HASH = 12
"""Hexadecimal digits of a content hash in a row."""

AND = "+"
"""Between the content hashes of a column that holds several."""


@dataclass(frozen=True)
class ScoreRow:
    """A score; the columns of the CSV are these fields, in this order.

    Attributes:
        model: name of a model, or ``real``.
        seed: of the training; 0 for real data.
        ci_low, ci_high: ends of the interval; NaN with ``ci_kind`` ``none``.
        n: images scored.
        classes: number of classes of the data set.
        precision: that the model was trained in; ``unknown`` for a file without a manifest,
            ``none`` for real data.
        protocol: ``id:hash``.
        evaluator: content hash of the judge's weights, or `NONE`. Where a factor regressor judges
            too, or alone chooses what is measured, its hash follows: ``evaluator+regressor``.
        samples: content hash of what was scored: the images, or a model's weights.
        data: content hash of the prepared data set. Those of further data follow, if the metric
            reads any: the unlabelled set, or the landmarks that place the masks.
        code: fingerprint of the scoring code.
    """

    preset: str
    dataset: str
    model: str
    seed: int
    metric: str
    value: float
    ci_low: float
    ci_high: float
    ci_kind: str
    n: int
    classes: int
    precision: str
    protocol: str
    evaluator: str
    samples: str
    data: str
    code: str


COLUMNS = tuple(field.name for field in dataclasses.fields(ScoreRow))
# By the field's type, not by looks: a hash of digits, or one like 12e4..., stays a text.
_TYPES = {"str": str, "int": int, "float": lambda text: float(text) if text else math.nan}
_READERS = [_TYPES[field.type] for field in dataclasses.fields(ScoreRow)]


PLAIN = "plain"
"""Part of the names of metrics that are taken by the plain judge, as in ``judge_agreement:plain``;
all others that a judge takes are taken by the robust one."""


def by_plain(metric: str) -> bool:
    """Whether the plain judge takes a metric."""
    return PLAIN in metric.split(":")


def hashes_text(*hashes: str) -> str:
    """Return content hashes as a column holds them: shortened, in the order given."""
    return AND.join(text if text == NONE else text[:HASH] for text in hashes)


def first_hash(text: str) -> str:
    """Return the first hash of a column: that of the evaluator, or of the data set itself."""
    return text.partition(AND)[0]


def every_hash(texts: Iterable[str]) -> str:
    """Return the hashes of several rows' columns, each once, as a column of its own."""
    return AND.join(dict.fromkeys(part for text in texts for part in text.split(AND)))


def data_hash(card: Mapping[str, Any]) -> str:
    """Hash of a data set, the same for rows that read its training and its held-out split."""
    return sha256_arrays(**{k: np.array(v) for k, v in card["sha256"].items()})[:HASH]


def score_rows(
    values: Mapping[str, Measured],
    shared: Mapping[str, Any],
    columns: Mapping[str, Mapping[str, str]],
) -> list[ScoreRow]:
    """Return a row for each metric.

    Args:
        values: what was measured, by metric.
        shared: the columns that all rows share.
        columns: by metric, those of its row that differ.
    """
    rows = []
    for metric, found in values.items():
        kind = found.kind
        if found.value is None:
            told = found.note.startswith(NOT_APPLICABLE)
            kind = found.note if told else f"{NOT_APPLICABLE}: {found.note}"
        own = {
            "metric": metric,
            "value": math.nan if found.value is None else float(found.value),
            "ci_low": float(found.low),
            "ci_high": float(found.high),
            "ci_kind": kind,
            "n": found.n,
        }
        rows.append(ScoreRow(**own | shared | columns.get(metric, {})))
    return rows


def write_rows(path: str | Path, rows: Sequence[ScoreRow]) -> None:
    """Write rows as CSV, atomically; floats as the shortest text that reads back the same.

    Raises:
        UserError: a value that is not finite in a row that does not say why.
    """
    for row in rows:
        _check(row, str(path))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:  # NaN alone is not itself
        writer.writerow(["" if value != value else value for value in dataclasses.astuple(row)])
    write_text(path, text.getvalue())


def read_texts(path: Path) -> list[list[str]]:
    """Read the rows of a score file as texts.

    Raises:
        UserError: the file is missing, malformed or has other columns.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file)
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"expected readable score rows at {path}: {error}") from error
    if tuple(header) != COLUMNS:
        raise UserError(
            f"{path}: expected the columns {', '.join(COLUMNS)}, found {', '.join(header)}; write "
            "it with python -m eval.scores"
        )
    return lines


def read_rows(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Read score files into one frame with the columns of :class:`ScoreRow`.

    Raises:
        UserError: a file that is missing, malformed or holds a value that is not finite.
    """
    import pandas as pd  # scoring writes rows, and waits for no package that reads them

    found = []
    for path in map(Path, paths):
        for line in read_texts(path):
            try:
                values = [read(text) for read, text in zip(_READERS, line, strict=True)]
            except ValueError as error:
                raise UserError(f"expected readable score rows at {path}: {error}") from error
            _check(ScoreRow(*values), str(path))
            found.append(values)
    return pd.DataFrame(found, columns=list(COLUMNS))


def refuse_mixed(rows: pd.DataFrame) -> None:
    """Refuse rows that must not stand in one table.

    All rows need the same protocol; those of one data set the same data set; those of one data set
    and metric also the same judges and further data.

    Raises:
        UserError: says which column differs, between which rows.
    """
    _refuse(rows, "protocol", "")
    for dataset, group in rows.groupby("dataset"):
        _refuse(group.assign(data=group["data"].map(first_hash)), "data", f" on {dataset}")
        for metric, scores in group.groupby("metric"):
            for column in ("evaluator", "data"):
                _refuse(scores, column, f" of {metric} on {dataset}")


def _refuse(rows: pd.DataFrame, column: str, where: str) -> None:
    groups = {str(value): group for value, group in rows.groupby(column)}
    if len(groups) < 2:
        return
    parts = [f"{value} ({_names(group)})" for value, group in groups.items()]
    raise UserError(
        f"scores{where} differ in {column}, so they cannot share a table: {'; '.join(parts)}; "
        "score them again with python -m eval.scores, all in the same way"
    )


def _names(rows: pd.DataFrame) -> str:
    names = [f"{r.dataset}/{r.model}/seed{r.seed}" for r in rows.itertuples()]
    names = list(dict.fromkeys(names))
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _check(row: ScoreRow, where: str) -> None:
    without = row.ci_kind.startswith(NOT_APPLICABLE)
    if math.isfinite(row.value) == without or math.isinf(row.value):
        expected = "no value" if without else "a finite value"
        raise UserError(f"{where}: expected {expected} of {row.metric}, found {row.value}")
    if row.n < 1 or row.classes < 1:
        raise UserError(
            f"{where}: {row.metric}: expected n and classes >= 1, found {row.n} and {row.classes}"
        )

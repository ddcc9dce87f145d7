"""Submissions in one table, as the leaderboard shows them apart from the stored models."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from eval.rows import HASH
from reports.compare.submission import Submission
from reports.names import model_title
from reports.tables.captions import only
from reports.tables.cells import cell
from reports.tables.formats import MISSING, pipe_table
from reports.tables.marks import marks
from reports.tables.specs import Column


def submitted_table(
    submissions: Sequence[Submission], dataset: str, columns: Sequence[Column], real: pd.DataFrame
) -> str:
    """Return the submissions of a data set in Markdown; an empty text without any.

    Args:
        columns: that are shown, the first that of the number of images.
        real: score rows of real images, by which marks are set.
    """
    lines = []
    for own in (each for each in submissions if dataset in each.index["datasets"]):
        name, rows = own.index["name"], own.rows[own.rows["dataset"] == dataset]
        beside = pd.concat([rows, real])
        texts = []
        for column in columns:
            key = beside, dataset, name, column.metric
            texts.append(cell(*key).text(column) + marks(*key, own.stored.protocol))
        scored = cell(rows, dataset, name, columns[0].metric).rows
        commit = own.index["commit"][:HASH] if own.index["trained"] else "samples from outside"
        known = [seed_numbers(scored), only(scored["n"]), only(scored["precision"]), commit]
        lines.append([model_title(name), *texts, *(text or MISSING for text in known)])
    heads = ["submission", *(column.title for column in columns)]
    heads += ["seeds", "n", "trained in", "submitted at"]
    return pipe_table(heads, lines, 1) if lines else ""


def seed_numbers(rows: pd.DataFrame) -> str:
    """Return the seeds of rows, in order."""
    return ", ".join(str(seed) for seed in sorted(rows["seed"]))

"""The page of a comparison, ``comparison.j2``: its tables and what it says of the samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from reports.compare.comparison import COLUMNS, PRINTED, REAL, Comparison, spread
from reports.compare.conditions import LESS_IS_BETTER
from reports.compare.difference import Difference
from reports.compare.trainings import costs, unequal_settings
from reports.names import capital, dataset_title, model_title
from reports.tables.captions import caption, prose
from reports.tables.columns import Column
from reports.tables.formats import MISSING, PrintedTable
from reports.tables.inputs import TableInputs
from reports.text import render_page

SHOWN = [COLUMNS[metric] for metric in PRINTED]


def comparison_page(found: Comparison, figure: Path) -> tuple[str, str]:
    """Return the page as Markdown and as HTML.

    Args:
        figure: PNG beside the page.
    """
    name = found.candidate.name
    verdicts = {
        word: [verdict.text for verdict in found.verdicts if verdict.passed == passed]
        for word, passed in (("Failed", False), ("Passed", True))
    }
    differing = [
        f"{capital(dataset_title(dataset))}: {text}"
        for dataset in found.datasets
        for text in unequal_settings(found, dataset)
    ]
    return render_page(
        "comparison.j2",
        f"{name} beside {found.stored.preset}",
        found=found,
        candidate=found.candidate,
        figure=figure,
        verdicts=verdicts,
        namesake=any(name in found.models(dataset) for dataset in found.datasets),
        findings=list(_findings(found)),
        sections={dataset: _section(found, dataset) for dataset in found.datasets},
        differing=[*differing, *found.other_code],
    )


def _findings(found: Comparison) -> Iterator[str]:
    """Yield what stood out in the samples, and whose they are if they are those of a stored one."""
    for run in found.runs:
        several = len(found.of(run.dataset)) > 1
        where = f"{dataset_title(run.dataset)}{f', seed {run.seed}' if several else ''}"
        yield from (f"{capital(f['severity'])}, {where}: {f['text']}" for f in run.findings)
    for dataset in found.datasets:
        rows = found.rows[found.rows["dataset"] == dataset]
        own = set(rows[rows["model"] == found.title]["samples"])
        same = rows[rows["samples"].isin(own) & (rows["model"] != found.title)]
        models = ", ".join(model_title(name) for name in dict.fromkeys(same["model"]))
        if models:
            yield f"Note, {dataset_title(dataset)}: the very images of {models}."


def _section(found: Comparison, dataset: str) -> dict[str, Any]:
    """Return what the page shows of a data set."""
    rows, stored = found.rows[found.rows["dataset"] == dataset], found.stored
    own, judged = rows[rows["model"] == found.title], []
    if dataset in found.judges:
        by_judge = set(rows[rows["evaluator"] == found.judges[dataset][0]]["metric"])
        judged = [column.title for column in SHOWN if column.metric in by_judge]
    models = [REAL, *found.models(dataset), found.title]
    texts = {c.title: [_cell(found, dataset, model, c) for model in models] for c in SHOWN}
    opening = prose("comparison", splits=stored.protocol.inception.splits)
    text = caption([opening], TableInputs(rows, [dataset], models, stored.cards()), SHOWN)
    return {
        "judged": judged,
        "scores": PrintedTable(pd.DataFrame(texts, map(model_title, models)), text),
        "differences": _differences(found, dataset),
        "spread": _spread(found, dataset),
        "costs": PrintedTable(costs(found, dataset), f"{capital(dataset_title(dataset))}."),
        "judge": stored.cards()[dataset]["weights_sha256"],
        "data": rows["data"].unique(),
        "samples": own["samples"].unique(),
        "precision": own["precision"].unique(),
    }


def _cell(found: Comparison, dataset: str, model: str, column: Column) -> str:
    own = found.cell(dataset, model, column.metric)
    if own is None:
        foreign = model == found.title and dataset in found.judges
        return "other evaluator" if foreign else MISSING
    return own.text(column)


def _differences(found: Comparison, dataset: str) -> PrintedTable:
    models, kinds = found.models(dataset), {}
    changes = {c: [found.differences[dataset, model, c.metric] for model in models] for c in SHOWN}
    for column, own in changes.items():
        for change in own:
            if change is not None and change.interval is not None:
                # As an ordered set.
                kinds.setdefault(change.interval.kind, {})[column.title] = None
    texts = {c.title: [_difference_text(change, c) for change in own] for c, own in changes.items()}
    less = [COLUMNS[metric].title for metric in LESS_IS_BETTER]
    cells = pd.DataFrame(texts, index=[model_title(model) for model in models])
    return PrintedTable(cells, prose("differences", less=less, kinds=kinds))


def _difference_text(change: Difference | None, column: Column) -> str:
    if change is None:
        return MISSING
    text = f"{column.number(change.value, '+z')}{' points' if column.percent else ''}"
    if change.interval is not None:
        ends = (change.interval.low, change.interval.high)
        text += f" [{', '.join(column.number(end, '+z') for end in ends)}]"
    return text if change.better is None else f"{text}, P {change.better:.2f}"


def _spread(found: Comparison, dataset: str) -> PrintedTable | None:
    """Return how far trainings of one model lie apart: the yardstick of a single training."""
    table = {}
    for model in [*found.models(dataset), found.title]:
        spreads = {c: spread(found.cell(dataset, model, c.metric)) for c in SHOWN}
        if any(own is not None for own in spreads.values()):
            table[model_title(model)] = {c.title: _points(own, c) for c, own in spreads.items()}
    if not table:
        return None
    return PrintedTable(pd.DataFrame.from_dict(table, orient="index"), prose("spread"))


def _points(own: float | None, column: Column) -> str:
    if own is None:
        return MISSING
    return f"{column.number(own)}{' points' if column.percent else ''}"

"""The page of a comparison, ``comparison.j2``: its tables and what it says of the samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reports.compare.answer import answer, difference_text, outcome, points
from reports.compare.comparison import COLUMNS, PRINTED, REAL, Comparison, spread
from reports.compare.conditions import LESS_IS_BETTER
from reports.compare.difference import Difference
from reports.names import as_published, capital, dataset_title, model_title
from reports.tables.captions import caption, prose
from reports.tables.formats import MISSING, PrintedTable
from reports.tables.inputs import TableInputs
from reports.tables.marks import marks, marks_values
from reports.tables.specs import Column
from reports.text import render_page

SHOWN = [COLUMNS[metric] for metric in PRINTED]
UNKNOWN = "unknown"  # of samples from outside
# What a training costs, and where its manifest says so.
COSTS = {
    "seeds": "seed",
    "steps": "steps",
    "batch size": "config.train.batch_size",
    "images seen": "images_seen",
    "width": "config.network.width",
    "precision": "precision",
}
# Parts of a training's configuration that models share, so that a difference is unfair.
SHARED = ("config.stage", "config.network", "config.train", "config.method")
SHARED += ("precision", "threads", "packages")


def comparison_page(found: Comparison, figure: Path) -> tuple[str, str]:
    """Return the page as Markdown and as HTML.

    Args:
        figure: PNG beside the page.
    """
    name = found.candidate.name
    verdicts = {
        word: [verdict.text for verdict in found.verdicts.values() if verdict.passed == passed]
        for word, passed in (("Failed", False), ("Passed", True))
    }
    differing = [
        f"{capital(dataset_title(dataset))}: {text}"
        for dataset in found.datasets
        for text in _unequal_settings(found, dataset)
    ]
    return render_page(
        "comparison.j2",
        f"{name} beside {found.stored.preset}",
        found=found,
        candidate=found.candidate,
        figure=figure,
        answers=[answer(found, dataset) for dataset in found.datasets],
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
        for part in (run.samples, run.duplicates):
            for finding in part.get("findings", ()):
                yield f"{capital(finding['severity'])}, {where}: {finding['text']}"
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
    models = [*found.models(dataset), found.title]

    def score(model: str, column: Column) -> str:
        text = found.cell(dataset, model, column.metric).text(column)
        text += marks(rows, dataset, model, column.metric, stored.protocol, learning=False)
        foreign = model == found.title and dataset in found.judges
        return "other evaluator" if foreign and text == MISSING else text

    def deviation(model: str, column: Column) -> str:
        value = spread(found.cell(dataset, model, column.metric))
        return MISSING if value is None else points(column.number(value), column)

    known = {"splits": stored.protocol.inception.splits, **marks_values(stored.protocol)}
    opening = prose("comparison", **known)
    scores = TableInputs(rows, [dataset], [REAL, *models], stored.cards())
    spreads = _cells(models, deviation)
    spreads = spreads[spreads.ne(MISSING).any(axis=1)]
    return {
        "judged": judged,
        "scores": PrintedTable(_cells(scores.models, score), caption([opening], scores, SHOWN)),
        "differences": _differences(found, dataset),
        # How far trainings of one model lie apart: the yardstick of a single training.
        "spread": None if spreads.empty else PrintedTable(spreads, prose("spread")),
        "costs": PrintedTable(_costs(found, dataset), f"{capital(dataset_title(dataset))}."),
        "judge": stored.cards()[dataset]["weights_sha256"],
        "data": rows["data"].unique(),
        "samples": own["samples"].unique(),
        "precision": own["precision"].unique(),
    }


def _cells(models: Sequence[str], text: Callable[[str, Column], str]) -> pd.DataFrame:
    """Return the texts of models x metrics."""
    texts = {column.title: [text(model, column) for model in models] for column in SHOWN}
    return pd.DataFrame(texts, index=[model_title(model) for model in models])


def _differences(found: Comparison, dataset: str) -> PrintedTable:
    def change(model: str, column: Column) -> Difference | None:
        return found.differences[dataset, model, column.metric]

    models = found.models(dataset)
    changes = [(column.title, change(model, column)) for column in SHOWN for model in models]
    known = [(own.interval.kind, title) for title, own in changes if own and own.interval]
    kinds = {kind: dict.fromkeys(title for k, title in known if k == kind) for kind, _ in known}
    less = [COLUMNS[metric].title for metric in LESS_IS_BETTER]
    cells = _cells(models, lambda model, column: difference_text(change(model, column), column))
    cells.insert(0, "candidate is", [outcome(found, dataset, model) for model in models])
    known = {"less": less, "kinds": kinds, "agreement": found.stored.protocol.judges.agreement}
    return PrintedTable(cells, prose("differences", **known))


# --- Trainings -----------------------------------------------------------------------------------


def _costs(found: Comparison, dataset: str) -> pd.DataFrame:
    """Return what was trained for how long, printed: stored models, then the candidate."""
    runs = found.of(dataset)
    trained = {found.title: [run.model for run in runs if run.model is not None]}
    rows = {}
    for model, manifests in (_stored_trainings(found, dataset) | trained).items():
        made = [_flat(manifest) for manifest in manifests]
        texts = [_listed(flat.get(name) for flat in made) for name in COSTS.values()]
        rows[model_title(model)] = texts if made else [MISSING, *[UNKNOWN] * (len(COSTS) - 1)]
    if not trained[found.title]:  # the sample set's manifest may know the precision
        rows[found.title][-1] = _listed(run.samples.get("precision") or UNKNOWN for run in runs)
    return pd.DataFrame(rows.values(), index=list(rows), columns=list(COSTS))


def _unequal_settings(found: Comparison, dataset: str) -> list[str]:
    """Say which settings of the candidate's training differ from those of the stored models.

    Own options of a model are compared with those of the same model alone. Of samples from outside
    nothing is known.
    """
    own = [run.model for run in found.of(dataset) if run.model is not None]
    texts = set()
    for model, manifests in _stored_trainings(found, dataset).items() if own else ():
        for stored in manifests:
            keys = (*SHARED, "config.options") if model == found.candidate.name else SHARED
            here, there = (_settings(side, keys) for side in (own[0], stored))
            texts |= {
                f"{key}: {here.get(key, MISSING)} (stored: {there.get(key, MISSING)})"
                for key in here.keys() | there.keys()
                if here.get(key, MISSING) != there.get(key, MISSING)
            }
    return sorted(texts)


def _stored_trainings(found: Comparison, dataset: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return the manifests of stored trainings; a model with fitted priors was not trained anew."""
    every = found.stored.manifests.items()
    return {
        model: [m for name, m in every if name.startswith(f"models/{dataset}/{model}/seed")]
        for model in found.models(dataset)
        if model == as_published(model)
    }


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(map(str, values)))


def _settings(manifest: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, str]:
    """Return what a training's manifest says of what models share."""
    flat = _flat(manifest).items()
    return {name.removeprefix("config."): text for name, text in flat if name.startswith(keys)}


def _flat(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the entries of a manifest as texts, those inside others as ``config.train.steps``."""
    return pd.json_normalize(dict(manifest)).iloc[0].map(str).to_dict()

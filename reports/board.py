"""A section of the leaderboard: the stored models of one preset beside the real images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from dlvae.config import ablation_models
from dlvae.stage.errors import UserError
from eval.rows import NONE, refuse_mixed
from reports.freeze.stored import Stored
from reports.marks import MARK_METRICS, marked, marks, note
from reports.names import PUBLISHED_DATASETS, dataset_title, in_paper_order, model_title
from reports.tables.__main__ import check_evaluators
from reports.tables.aggregate import Cell, cell, rows_of
from reports.tables.captions import capital, caption, only, splits_text
from reports.tables.formats import MISSING, pipe_table
from reports.tables.published import published_rows
from reports.tables.table_specs import FITTED_NOTE, TABLES

HEADLINE = "inception_score"
METRICS = (HEADLINE, "label_fidelity", "d_intra_standard", "fid", "precision", "recall")
_KNOWN = {column.metric: column for spec in TABLES.values() for column in spec.columns}
COLUMNS = tuple(_KNOWN[metric] for metric in METRICS)
# Where the paper's numbers are (table and metric of published.csv), and their decimals.
PUBLISHED = {HEADLINE: ("table1", HEADLINE, 2), "d_intra_standard": ("table2", "d_intra", 4)}
REAL = "real images (ceiling)"
NOTES = (
    "Models are in the order of their IS; where intervals overlap the order means nothing.",
    "Top-1: share of images in which the evaluator sees the class asked for. d_intra: variant "
    "`standard` of the protocol. FID, precision and recall compare with the training images, on "
    "the evaluator's embedding.",
    "Real images are held out, for d_intra the training images.",
)
PAPER_NOTE = "by an evaluator and with settings that are not published"
FIELDS = ("preset", "protocol", "dataset", "model", "metric", "value", "ci_low", "ci_high")
FIELDS += ("ci_kind", "seeds", "n", "classes", "precision", "evaluator", "data", "code")
FIELDS += ("published", "published_source", "commit", "command")


@dataclass(frozen=True)
class Section:
    """Stored results as a section of the leaderboard."""

    stored: Stored

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Score rows of the board and behind its marks, of all models but ours changed.

        Raises:
            UserError: there are none, or they are of several protocols, judges or data.
        """
        stored = self.stored
        rows, ablated = stored.rows, list(ablation_models(stored.config))
        wanted = rows["metric"].isin([*METRICS, *MARK_METRICS])
        rows = rows[wanted & rows["dataset"].isin(stored.datasets)]
        rows = rows[~rows["model"].isin(ablated)]
        again = "store them again with: snakemake --cores all freeze"
        if rows.empty:
            raise UserError(f"{stored.folder}: expected rows of {HEADLINE}, found none; {again}")
        refuse_mixed(rows)
        check_evaluators(rows, stored.cards())
        if only(rows["protocol"]) != stored.protocol.label:
            raise UserError(
                f"{stored.folder}: expected scores of its protocol {stored.protocol.label}, found "
                f"{only(rows['protocol'])}; {again}"
            )
        return rows

    @property
    def origin(self) -> dict[str, str]:
        """Commit and command behind every row."""
        return {key: str(self.stored.index[key]) for key in ("commit", "command")}

    def headline(self, dataset: str, model: str, text: str) -> str:
        """Return the printed Inception Score of a model with what must be said of it."""
        return marked(text, marks(self.rows, dataset, model, self.stored.protocol))

    def of(self, dataset: str) -> pd.DataFrame:
        """Return the rows of a data set."""
        return self.rows[self.rows["dataset"] == dataset]

    def models(self, dataset: str) -> list[str]:
        """Return real images, then the models of a data set, the highest Inception Score first."""
        rows = self.of(dataset)

        def score(model: str) -> float:
            found = cell(rows, dataset, model, HEADLINE)
            return -math.inf if found is None or found.reason else found.mean

        names = in_paper_order(list(dict.fromkeys(rows["model"])))
        # Stable: what has no score stays in the paper's order, at the end.
        return sorted(names, key=lambda name: (name == "real", score(name)), reverse=True)


def records(section: Section) -> Iterator[dict[str, Any]]:
    """Yield one record per data set, model and metric, keys as in `FIELDS`."""
    for dataset in section.stored.datasets:
        rows = section.of(dataset)
        for model in section.models(dataset):
            for metric in METRICS:
                chosen = rows_of(rows, dataset, model, metric)
                if chosen.empty:
                    continue
                keys = ("preset", "protocol", "dataset", "model", "metric")
                keys += ("n", "classes", "precision", "evaluator", "data", "code")
                yield {
                    **{key: only(chosen[key]) for key in keys},
                    **_value(cell(rows, dataset, model, metric)),
                    "seeds": _seeds(chosen),
                    **_published(metric, dataset).get(model, {}),
                    **section.origin,
                }


def page(section: Section) -> str:
    """Return the section as Markdown: one table per data set, its caption below."""
    stored, origin = section.stored, section.origin
    parts = [
        f"## Preset {stored.preset}, protocol {stored.protocol.label}",
        f"Every row of this section: commit `{origin['commit']}`, command `{origin['command']}`.",
    ]
    for dataset in stored.datasets:
        if section.of(dataset).empty:
            continue
        parts += [f"### {capital(dataset_title(dataset))}", _table(section, dataset)]
        parts.append(_caption(section, dataset))
    return "\n\n".join(parts) + "\n"


def _table(section: Section, dataset: str) -> str:
    rows, paper = section.of(dataset), _paper_columns(dataset)
    heads = ["model", *(column.title for column in COLUMNS)]
    heads += [f"paper's {title}, {PUBLISHED_DATASETS[dataset]}" for title in paper]
    heads += ["seeds", "n", "trained in"]
    lines = []
    for model in section.models(dataset):
        found = [cell(rows, dataset, model, column.metric) for column in COLUMNS]
        texts = [f.text(c) if f else MISSING for f, c in zip(found, COLUMNS, strict=True)]
        texts[0] = section.headline(dataset, model, texts[0])
        texts += [numbers.get(model, MISSING) for numbers in paper.values()]
        of_model = rows[rows["model"] == model]
        scored = rows_of(rows, dataset, model, HEADLINE)
        real = model == "real"
        texts += [MISSING if real else _seeds(of_model.drop_duplicates("seed").sort_values("seed"))]
        texts += [only(scored["n"]) or MISSING]
        texts += [MISSING if real else only(of_model["precision"])]
        lines.append([REAL if real else model_title(model), *texts])
    return pipe_table(heads, lines, 1)


def _caption(section: Section, dataset: str) -> str:
    stored, rows = section.stored, section.of(dataset)
    opening = [NOTES[0], splits_text(stored.protocol.inception.splits), *NOTES[1:]]
    opening += [FITTED_NOTE, note(stored.protocol)]
    models, cards = section.models(dataset), stored.cards()
    text = caption(opening, rows, [dataset], models, cards, PAPER_NOTE, COLUMNS)
    return f"{text} Data {only(rows['data'])}."


def _value(found: Cell) -> dict[str, Any]:
    """Return the value and its interval, over seeds or within the one seed, as it is printed."""
    if found.reason:
        return {"ci_kind": found.reason}
    interval = found.interval
    if interval is None:
        return {"value": found.mean, "ci_kind": NONE}
    ends = {"ci_low": interval.low, "ci_high": interval.high, "ci_kind": interval.kind}
    return {"value": found.mean} | ends


def _seeds(rows: pd.DataFrame) -> str:
    return ", ".join(str(seed) for seed in rows["seed"])


def _published(metric: str, dataset: str) -> dict[str, dict[str, Any]]:
    """Return the paper's value of a metric by model, and where it stands; possibly none."""
    table, name, _ = PUBLISHED.get(metric, ("", "", 0))
    rows = published_rows(table, dataset)
    return {
        row.model: {"published": row.value, "published_source": f"{row.source} ({row.data})"}
        for row in rows[rows["metric"] == name].itertuples()
    }


def _paper_columns(dataset: str) -> dict[str, dict[str, str]]:
    """Return the paper's numbers as texts: by heading, then by model; none without a paper's."""
    columns = {}
    for metric, (_, _, digits) in PUBLISHED.items():
        found = _published(metric, dataset).items()
        numbers = {model: f"{part['published']:.{digits}f}" for model, part in found}
        if numbers:
            columns[_KNOWN[metric].title] = numbers
    return columns

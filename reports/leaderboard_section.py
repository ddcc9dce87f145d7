"""A section of the leaderboard: the stored models of one preset beside the real images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from dlvae.config.preset import ablation_models
from dlvae.stage.errors import UserError
from eval.rows import refuse_mixed
from reports.freeze.stored import Stored
from reports.names import PUBLISHED_DATASETS, in_paper_order, model_title
from reports.tables.captions import caption, only, prose
from reports.tables.cells import cell, rows_of
from reports.tables.formats import MISSING, pipe_table
from reports.tables.inputs import TableInputs, check_evaluators
from reports.tables.marks import MARK_METRICS, marked, marks_values
from reports.tables.published import published_rows
from reports.tables.specs import COLUMN_OF, Column

HEADLINE = "inception_score"
METRICS = (HEADLINE, "label_fidelity", "d_intra_standard", "fid", "precision", "recall")
COLUMNS = tuple(COLUMN_OF[metric] for metric in METRICS)
# Where the paper's numbers are: table and metric of published.csv.
PUBLISHED = {HEADLINE: ("table1", HEADLINE), "d_intra_standard": ("table2", "d_intra")}
REAL = "real images (ceiling)"
PAPER_NOTE = "by an evaluator and with settings that are not published"
FIELDS = ("preset", "protocol", "dataset", "model", "metric", "value", "ci_low", "ci_high")
FIELDS += ("ci_kind", "seeds", "n", "classes", "precision", "evaluator", "data", "code")
FIELDS += ("published", "published_source", "commit", "command")
OF_ROWS = ("preset", "protocol", "dataset", "model", "metric", "n", "classes", "precision")
OF_ROWS += ("evaluator", "data", "code")


@dataclass(frozen=True)
class LeaderboardSection:
    """Stored results as a section of the leaderboard."""

    stored: Stored

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Score rows of the section and behind its marks, of all models but ours changed.

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
    def datasets(self) -> list[str]:
        """Data sets that have rows."""
        return [name for name in self.stored.datasets if not self.of(name).empty]

    def of(self, dataset: str) -> pd.DataFrame:
        """Return the rows of a data set."""
        return self.rows[self.rows["dataset"] == dataset]

    def models(self, dataset: str) -> list[str]:
        """Return real images, then the models of a data set, the highest Inception Score first."""
        rows = self.of(dataset)

        def score(model: str) -> float:
            found = cell(rows, dataset, model, HEADLINE)
            return -math.inf if found.reason else found.mean

        names = in_paper_order(list(dict.fromkeys(rows["model"])))
        # Stable: what has no score stays in the paper's order, at the end.
        return sorted(names, key=lambda name: (name == "real", score(name)), reverse=True)

    def texts(self, dataset: str, model: str, columns: Sequence[Column]) -> list[str]:
        """Return the printed cells of a model, the first with what must be said of its score."""
        first, *others = (cell(self.rows, dataset, model, c.metric).text(c) for c in columns)
        return [marked(first, self.rows, dataset, model, self.stored.protocol), *others]

    def table(self, dataset: str) -> str:
        """Return the models of a data set in Markdown."""
        rows, lines = self.of(dataset), []
        paper = {metric: own for metric in PUBLISHED if (own := _published(metric, dataset))}
        for model in self.models(dataset):
            texts = self.texts(dataset, model, COLUMNS)
            for metric, own in paper.items():
                number = COLUMN_OF[metric].number
                texts.append(number(own[model].value) if model in own else MISSING)
            own, scored = rows[rows["model"] == model], rows_of(rows, dataset, model, HEADLINE)
            seeds, trained_in = _seeds(own.drop_duplicates("seed")), only(own["precision"])
            if model == "real":
                seeds = trained_in = MISSING
            lines.append([title(model), *texts, seeds, only(scored["n"]) or MISSING, trained_in])
        heads = ["model", *(column.title for column in COLUMNS)]
        source = PUBLISHED_DATASETS.get(dataset)
        heads += [f"paper's {COLUMN_OF[metric].title}, {source}" for metric in paper]
        return pipe_table([*heads, "seeds", "n", "trained in"], lines, 1)

    def caption(self, dataset: str) -> str:
        """Return what there is to know of the table of a data set."""
        rows, protocol = self.of(dataset), self.stored.protocol
        splits = protocol.inception.splits
        opening = [prose("leaderboard", splits=splits, **marks_values(protocol))]
        scores = TableInputs(rows, [dataset], self.models(dataset), self.stored.cards())
        return f"{caption(opening, scores, COLUMNS, PAPER_NOTE)} Data {only(rows['data'])}."


def title(model: str) -> str:
    """Return how a model, or the row of real images, is called."""
    return REAL if model == "real" else model_title(model)


def records(section: LeaderboardSection) -> Iterator[dict[str, Any]]:
    """Yield one record per data set, model and metric, keys as in `FIELDS`."""
    made = {key: str(section.stored.index[key]) for key in ("commit", "command")}
    for dataset in section.datasets:
        rows = section.of(dataset)
        for model in section.models(dataset):
            for metric in METRICS:
                chosen = rows_of(rows, dataset, model, metric)
                if chosen.empty:
                    continue
                record = {key: only(chosen[key]) for key in OF_ROWS} | made
                record |= {"seeds": _seeds(chosen)} | cell(rows, dataset, model, metric).as_row()
                if (paper := _published(metric, dataset).get(model)) is not None:
                    source = f"{paper.source} ({paper.data})"
                    record |= {"published": paper.value, "published_source": source}
                yield record


def _seeds(rows: pd.DataFrame) -> str:
    return ", ".join(str(seed) for seed in sorted(rows["seed"]))


def _published(metric: str, dataset: str) -> dict[str, Any]:
    """Return the paper's rows of a metric by model; possibly none."""
    table, name = PUBLISHED.get(metric, ("", ""))
    rows = published_rows(table, dataset).query("metric == @name")
    return {row.model: row for row in rows.itertuples()}

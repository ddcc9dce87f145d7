"""The leaderboard of all stored results, and the README's tables of results.

Usage: python -m reports.leaderboard [--root DIR] [--readme FILE]

Reads the stored results of every preset, see :mod:`reports.freeze.stored`, and writes
``leaderboard.{md,csv}`` beside them, one section per preset and its protocol. In the README the
text between ``<!-- results: PRESET -->`` and ``<!-- /results -->`` becomes the short table of that
preset. Nothing is scored: equal stored rows give equal bytes.
"""

from __future__ import annotations

import argparse
import math
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from dlvae.config.preset import ablation_models
from dlvae.stage.artefact import write_text
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.runtime import run_stage, stage_parser
from reports.compare.submission import Submission, submissions_of
from reports.compare.submitted_table import seed_numbers, submitted_table
from reports.freeze.stored import STORED, Stored, load_stored, stored_presets
from reports.names import (
    PUBLISHED_DATASETS,
    as_published,
    dataset_title,
    in_paper_order,
    model_title,
)
from reports.tables.captions import caption, only, prose, seeds_text
from reports.tables.cells import cell
from reports.tables.formats import MISSING, pipe_table
from reports.tables.inputs import TableInputs, check_rows, published_rows
from reports.tables.marks import MARK_METRICS, marks, marks_values
from reports.tables.specs import COLUMN_OF, Column
from reports.text import render

README = STORED.parents[1] / "README.md"
HEADLINE = "inception_score"
METRICS = (HEADLINE, "label_fidelity", "d_intra_standard", "fid", "precision", "recall")
COLUMNS = tuple(COLUMN_OF[metric] for metric in METRICS)
# Where the paper's numbers are: table and metric of published.csv.
PUBLISHED = {HEADLINE: ("table1", HEADLINE), "d_intra_standard": ("table2", "d_intra")}
REAL = "real images (ceiling)"
PAPER_NOTE = "by an evaluator and with settings that are not published"
FIELDS = ("preset", "protocol", "dataset", "model", "metric", "value", "ci_low", "ci_high")
FIELDS += ("ci_kind", "seeds", "n", "classes", "precision", "evaluator", "data", "code")
FIELDS += ("published", "published_source", "commit", "command", "submission")
OF_ROWS = ("preset", "protocol", "dataset", "model", "metric", "n", "classes", "precision")
OF_ROWS += ("evaluator", "data", "code")
MARK = re.compile(r"<!-- /?results\b[^\n]*")
BLOCK = re.compile(
    r"(?P<head><!-- results: (?P<preset>[^\s>]+) -->\n).*?(?P<tail><!-- /results -->)", re.DOTALL
)
# Of the README. IS and d_intra with their intervals, top-1 without: there is room for no more.
SHORT = (COLUMNS[0], replace(COLUMNS[1], interval=False), replace(COLUMNS[2], digits=3))
WIDTH = 100


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
        rows = rows[~rows["model"].map(as_published).isin(ablated)]
        if rows.empty:
            raise UserError(
                f"{stored.folder}: expected rows of {HEADLINE}, found none; store them again with: "
                "snakemake --cores all freeze"
            )
        check_rows(rows, stored.cards())
        return rows

    @property
    def datasets(self) -> list[str]:
        """Data sets that have rows."""
        return [name for name in self.stored.datasets if not self.of(name).empty]

    def of(self, dataset: str) -> pd.DataFrame:
        """Return the rows of a data set."""
        return self.rows[self.rows["dataset"] == dataset]

    def models(self, dataset: str) -> list[str]:
        """Return real images, then the models of a data set, the highest Inception Score first.

        What has been submitted too stands with the submissions, once.
        """
        shown = {own.index["name"] for own in self.submissions if dataset in own.index["datasets"]}
        rows = self.of(dataset)
        rows = rows[~rows["model"].isin(shown)]

        def score(model: str) -> float:
            found = cell(rows, dataset, model, HEADLINE)
            return -math.inf if found.reason else found.mean

        names = in_paper_order(rows["model"])
        # Stable: what has no score stays in the paper's order, at the end.
        return sorted(names, key=lambda name: (name == "real", score(name)), reverse=True)

    @cached_property
    def submissions(self) -> list[Submission]:
        """Results of candidates that can stand beside these."""
        return [own for own in submissions_of(self.stored) if not own.misfit]

    def submitted(self, dataset: str) -> str:
        """Return the submissions of a data set in Markdown; an empty text without any."""
        real = self.of(dataset).query("model == 'real'")
        return submitted_table(self.submissions, dataset, COLUMNS, real)

    def texts(self, dataset: str, model: str, columns: Sequence[Column]) -> list[str]:
        """Return the printed cells of a model, with what must be said of its Inception Score."""
        texts = []
        for column in columns:
            key = self.rows, dataset, model, column.metric
            texts.append(cell(*key).text(column) + marks(*key, self.stored.protocol))
        return texts

    def table(self, dataset: str) -> str:
        """Return the models of a data set in Markdown."""
        rows, lines = self.of(dataset), []
        paper = {metric: own for metric in PUBLISHED if (own := _published(metric, dataset))}
        for model in self.models(dataset):
            texts = self.texts(dataset, model, COLUMNS)
            for metric, own in paper.items():
                number = COLUMN_OF[metric].number
                texts.append(number(own[model].value) if model in own else MISSING)
            own, scored = rows[rows["model"] == model], cell(rows, dataset, model, HEADLINE).rows
            seeds, trained_in = seed_numbers(own.drop_duplicates("seed")), only(own["precision"])
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
    made["submission"] = False
    for dataset in section.datasets:
        rows = section.of(dataset)
        for model in section.models(dataset):
            for record in _of_model(rows, dataset, model):
                if (paper := _published(record["metric"], dataset).get(model)) is not None:
                    source = f"{paper.source} ({paper.data})"
                    record |= {"published": paper.value, "published_source": source}
                yield record | made
    for own in section.submissions:
        made = {key: str(own.index[key]) for key in ("commit", "command")} | {"submission": True}
        for dataset in own.index["datasets"]:
            rows = own.rows[own.rows["dataset"] == dataset]
            yield from (record | made for record in _of_model(rows, dataset, own.index["name"]))


def _of_model(rows: pd.DataFrame, dataset: str, model: str) -> Iterator[dict[str, Any]]:
    for metric in METRICS:
        found = cell(rows, dataset, model, metric)
        if not found.rows.empty:
            known = {"seeds": seed_numbers(found.rows)}
            yield {key: only(found.rows[key]) for key in OF_ROWS} | known | found.as_row()


def _published(metric: str, dataset: str) -> dict[str, Any]:
    """Return the paper's rows of a metric by model; possibly none."""
    table, name = PUBLISHED.get(metric, ("", ""))
    rows = published_rows(table, dataset).query("metric == @name")
    return {row.model: row for row in rows.itertuples()}


def texts(root: Path = STORED, readme: Path | None = README) -> dict[Path, str]:
    """Return the texts of all files that follow from the stored results.

    Args:
        root: folder of the stored results.
        readme: left alone if None.

    Raises:
        UserError: nothing is stored, rows of a preset cannot stand in one section, or see
            :func:`with_results`.
    """
    presets = stored_presets(root)
    if not presets:
        raise UserError(
            f"expected stored results in {root}, found none. Make them with: snakemake --cores all "
            "freeze"
        )
    sections = {name: LeaderboardSection(load_stored(name, root)) for name in presets}
    found = [record for section in sections.values() for record in records(section)]
    data = pd.DataFrame(found, columns=list(FIELDS))
    made = {
        root / "leaderboard.md": render("leaderboard.md.j2", sections=sections.values()),
        root / "leaderboard.csv": data.to_csv(index=False, lineterminator="\n"),
    }
    if readme is not None:
        blocks = {name: block(section) for name, section in sections.items()}
        made[readme] = with_results(_read(readme), blocks)
    return made


def block(section: LeaderboardSection) -> str:
    """Return the README's table: models in the paper's order, data sets side by side.

    Submissions stand in the leaderboard alone.
    """
    stored, rows = section.stored, section.rows
    rows = rows[~rows["model"].isin([own.index["name"] for own in section.submissions])]
    heads = ["model"]
    for dataset in section.datasets:
        first, *others = (column.title for column in SHORT)
        heads += [f"{dataset_title(dataset)}: {first}", *others]
    lines = [
        [title(model), *(t for name in section.datasets for t in section.texts(name, model, SHORT))]
        for model in in_paper_order(rows["model"])
    ]
    titles = {column.metric: column.title for column in SHORT if column.interval}
    shown = rows[rows["metric"].isin(list(titles))]
    known = {"protocol": stored.protocol.label, "commit": stored.index["commit"]}
    note = prose(
        "readme", seeds=seeds_text(shown, titles), **known, **marks_values(stored.protocol)
    )
    text = textwrap.fill(note, WIDTH, break_long_words=False, break_on_hyphens=False)
    return f"{pipe_table(heads, lines, 1)}\n\n{text}\n"


def with_results(text: str, blocks: Mapping[str, str]) -> str:
    """Return the README with every block of results replaced by that of its preset.

    Args:
        text: of the README.
        blocks: what to put between the marks, by preset.

    Raises:
        UserError: a mark without its partner, or a preset that has no stored results.
    """
    pairs = list(BLOCK.finditer(text))
    marks = MARK.findall(text)
    if len(marks) != 2 * len(pairs) or any(len(MARK.findall(p[0])) != 2 for p in pairs):
        raise UserError(
            "README: expected pairs of lines <!-- results: PRESET --> and <!-- /results -->, found "
            f"{', '.join(marks)}; write one of either around every table"
        )
    for preset in (pair["preset"] for pair in pairs):
        if preset not in blocks:
            raise UserError(
                f"README: expected results of a stored preset ({', '.join(blocks) or 'none is'}), "
                f"found the mark of '{preset}'.{nearest(preset, blocks)} Store its results with: "
                "snakemake --cores all freeze, or remove the two marks"
            )
    return BLOCK.sub(lambda pair: f"{pair['head']}{blocks[pair['preset']]}{pair['tail']}", text)


def _read(readme: Path) -> str:
    try:
        return readme.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"expected a README at {readme}: {error}; name it with --readme") from error


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    for path, text in texts(args.root, args.readme).items():
        write_text(path, text)
        print(f"wrote {path}")


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--root", type=Path, default=STORED, help="folder of the stored results")
    parser.add_argument("--readme", type=Path, default=README)
    run_stage(main, parser)

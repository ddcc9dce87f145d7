"""Tables 1 and 2, and those of more metrics, from score rows: CSV, Markdown, HTML and LaTeX.

Usage: python -m reports.tables table1|table2|metrics|imagenet|disentanglement
    --scores CSV ... --cards JSON ... --protocol FILE
    --config '{"preset", "datasets", "models"}' --out DIR
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pandas as pd

from dlvae.stage.artefact import write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.protocol import Protocol
from reports.names import PUBLISHED_DATASETS, dataset_title, in_paper_order, model_title
from reports.tables.captions import by_seed, caption, caption_of_codes, prose
from reports.tables.cells import Cell, cell, probability_ours_higher
from reports.tables.formats import MISSING, PrintedTable, Table
from reports.tables.inputs import (
    TableInputs,
    check_rows,
    published_rows,
    read_scores,
    scores_parser,
)
from reports.tables.marks import marks, marks_values
from reports.tables.specs import COUNTED, TABLES, Spec
from reports.text import document


def build_table(spec: Spec, scores: TableInputs, protocol: Protocol) -> Table:
    """Arrange score rows as a table of the paper.

    Args:
        scores: rows of other metrics are ignored; models are printed in the paper's order, with
            any other model that has rows.
        protocol: that the scores were taken by.

    Raises:
        UserError: rows of one data set differ in evaluator, protocol or data.
    """
    rows, datasets = scores.rows, scores.datasets
    rows = rows[rows["dataset"].isin(datasets) & rows["metric"].isin(spec.metrics)]
    if rows.empty:
        raise UserError(
            f"{spec.name}: expected scores of {spec.columns[0].metric} on {', '.join(datasets)}, "
            "found none; make them with python -m eval.scores"
        )
    check_rows(rows, scores.cards)
    real = [] if spec.transposed else ["real"]
    models = in_paper_order([*real, *scores.models, *rows["model"]])
    scores, parts = replace(scores, rows=rows, models=models), {}
    for dataset in datasets:
        scored = set(scores.of(dataset)["model"])
        shown = [model for model in models if model in scored or not spec.transposed]
        texts: dict[str, list[str]] = {column.title: [] for column in spec.columns}
        for column, model in product(spec.columns, shown):
            key = rows, dataset, model, column.metric
            texts[column.title].append(cell(*key).text(column) + marks(*key, protocol))
        titles = [spec.real if model == "real" else model_title(model) for model in shown]
        texts |= _beside(spec, rows, dataset, shown)
        parts[dataset_title(dataset)] = pd.DataFrame(texts, titles)
    heads: tuple[str, ...] = ()
    if spec.transposed:
        cells = pd.concat({title: part.T for title, part in parts.items()}, axis=1)
        cells, heads = cells[cells.ne(MISSING).any(axis=1)], ("metric",)
    else:
        cells = pd.concat(parts, axis=0 if spec.stacked else 1)
    printed = PrintedTable(cells.fillna(MISSING), _caption(spec, scores, protocol), heads)
    return Table(spec.name, tidy(scores, spec.name, spec.metrics), printed)


def _beside(
    spec: Spec, rows: pd.DataFrame, dataset: str, models: Sequence[str]
) -> dict[str, list[str]]:
    """Return the columns beside the scores: that ours is higher, and the paper's numbers."""
    texts, first = {}, spec.columns[0]
    if spec.better:
        found = [probability_ours_higher(rows, dataset, m, first.metric) for m in models]
        texts["P(ours higher)"] = [MISSING if p is None else f"{p:.2f}" for p in found]
    paper = published_rows(spec.name, dataset).set_index("model")["value"]
    if not paper.empty:
        source = PUBLISHED_DATASETS[dataset]
        texts["paper"] = [
            f"{first.number(paper[m])} ({source})" if m in paper else MISSING for m in models
        ]
    return texts


def _caption(spec: Spec, scores: TableInputs, protocol: Protocol) -> str:
    known = {"splits": protocol.inception.splits, **marks_values(protocol)}
    opening = [prose(spec.name, **known)]
    if spec.transposed:
        parts = [caption_of_codes(opening, scores, COUNTED)]
    else:
        parts = [caption(opening, scores, spec.columns, spec.paper_note)]
    parts.append(by_seed(scores, spec.columns[0]))
    parts += [prose("marks", **known)] * spec.marked + [prose("better")] * spec.better
    return " ".join(filter(None, parts))


def tidy(scores: TableInputs, table: str, metrics: Sequence[str]) -> pd.DataFrame:
    """Return the table as data: every seed's row, the mean over seeds, and the paper's values.

    The column ``statistic`` is ``seed`` (a score row, unchanged), ``mean`` (over seeds, with the t
    interval over seeds where there are at least three) or ``published``.
    """
    rows, records = scores.rows, []
    for dataset in scores.datasets:
        for model, metric in product(scores.models, metrics):
            found = cell(rows, dataset, model, metric)
            records += [row | {"statistic": "seed"} for row in found.rows.to_dict("records")]
            records += _mean(found)
        for row in published_rows(table, dataset).to_dict("records"):
            keys = {key: row[key] for key in ("metric", "model", "value")}
            source = f"{row['source']} ({row['data']})"
            records.append({"dataset": dataset, "statistic": "published", "source": source} | keys)
    frame = pd.DataFrame(records, columns=["statistic", *rows.columns, "source"])
    per_class = pd.to_numeric(frame["n"]) / pd.to_numeric(frame["classes"])
    frame.insert(0, "table", table)
    frame.insert(frame.columns.get_loc("classes") + 1, "per_class", per_class)
    for name in ("seed", "n", "classes"):
        frame[name] = pd.to_numeric(frame[name]).astype("Int64")
    return frame


def _mean(found: Cell) -> list[dict]:
    """Return the row of the mean over the seeds, none where there is no value."""
    if found.reason:
        return []
    per_seed = ["seed", "ci_low", "ci_high", "ci_kind", "samples", "value"]
    count = len(found.values)
    # An interval of the one row is of that seed, not of the mean.
    mean = found if count > 1 else replace(found, interval=None)
    kind = f"none ({count} seed{'s' * (count > 1)})"
    shared = found.rows.iloc[0].drop(per_seed).to_dict()
    return [shared | {"statistic": "mean"} | mean.as_row(kind)]


def write_table(table: Table, out: str | Path) -> None:
    """Write ``<name>.csv``, ``.md``, ``.html`` and ``.tex`` under ``out``."""
    texts = {
        "csv": table.data.to_csv(index=False, lineterminator="\n"),
        "md": table.printed.markdown(),
        "html": document(table.name, table.printed.html()),
        "tex": table.printed.latex(table.name),
    }
    for kind, text in texts.items():
        write_text(Path(out) / f"{table.name}.{kind}", text)


def main(args: argparse.Namespace) -> None:
    """Run the table stage."""
    rows, protocol, cards = read_scores(args)
    scores = TableInputs(rows, args.config["datasets"], args.config["models"], cards)
    write_table(build_table(TABLES[args.table], scores, protocol), args.out)


if __name__ == "__main__":
    parser = scores_parser(__doc__)
    parser.add_argument("table", choices=sorted(TABLES))
    parser.add_argument("--out", required=True, help="folder to write")
    run_stage(main, parser)

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
from reports.tables.cells import cell, probability_ours_higher, rows_of
from reports.tables.formats import MISSING, PrintedTable, Table
from reports.tables.inputs import (
    TableInputs,
    check_rows,
    published_rows,
    read_scores,
    scores_parser,
)
from reports.tables.marks import marked, marks_values
from reports.tables.specs import COUNTED, TABLES, Column, Spec
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
    scores = replace(scores, rows=rows, models=models)
    parts = {dataset_title(name): _texts(spec, scores, name, protocol) for name in datasets}
    heads: tuple[str, ...] = ()
    if spec.transposed:
        cells = pd.concat({title: part.T for title, part in parts.items()}, axis=1)
        cells, heads = cells[cells.ne(MISSING).any(axis=1)], ("metric",)
    else:
        cells = pd.concat(parts, axis=0 if spec.stacked else 1)
    printed = PrintedTable(cells.fillna(MISSING), _caption(spec, scores, protocol), heads)
    return Table(spec.name, tidy(scores, spec.name, spec.metrics), printed)


def _texts(spec: Spec, scores: TableInputs, dataset: str, protocol: Protocol) -> pd.DataFrame:
    """Return the printed cells of one data set: models x columns."""
    rows, models, first = scores.rows, scores.models, spec.columns[0]
    if spec.transposed:
        models = [model for model in models if scores.of(dataset)["model"].eq(model).any()]

    def text(column: Column, model: str) -> str:
        printed = cell(rows, dataset, model, column.metric).text(column)
        return marked(printed, rows, dataset, model, column.metric, protocol)

    texts = {column.title: [text(column, m) for m in models] for column in spec.columns}
    if spec.better:
        found = [probability_ours_higher(rows, dataset, m, first.metric) for m in models]
        texts["P(ours higher)"] = [MISSING if p is None else f"{p:.2f}" for p in found]
    paper = published_rows(spec.name, dataset).set_index("model")["value"]
    if not paper.empty:
        source = PUBLISHED_DATASETS[dataset]
        texts["paper"] = [
            f"{first.number(paper[m])} ({source})" if m in paper else MISSING for m in models
        ]
    return pd.DataFrame(texts, [spec.real if m == "real" else model_title(m) for m in models])


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
            chosen = rows_of(rows, dataset, model, metric)
            records += [row | {"statistic": "seed"} for row in chosen.to_dict("records")]
            records += _mean(chosen, dataset, model, metric)
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


def _mean(chosen: pd.DataFrame, dataset: str, model: str, metric: str) -> list[dict]:
    """Return the row of the mean over the seeds of ``chosen``, none where there is no value."""
    found = cell(chosen, dataset, model, metric)
    if found.reason:
        return []
    per_seed = ["seed", "ci_low", "ci_high", "ci_kind", "samples", "value"]
    count = len(chosen)
    # An interval of the one row is of that seed, not of the mean.
    mean = found if count > 1 else replace(found, interval=None)
    kind = f"none ({count} seed{'s' * (count > 1)})"
    return [chosen.iloc[0].drop(per_seed).to_dict() | {"statistic": "mean"} | mean.as_row(kind)]


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

"""Tables 1 and 2, and those of more metrics, from score rows: CSV, Markdown, HTML and LaTeX.

Usage: python -m reports.tables table1|table2|metrics|imagenet|disentanglement
    --scores CSV ... --cards JSON ... --protocol FILE
    --config '{"preset", "datasets", "models"}' --out DIR
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dlvae.stage.artefact import read_json, write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from eval.protocol import Protocol, load_protocol
from eval.rows import NONE, PLAIN, by_plain, first_hash, read_rows, refuse_mixed
from reports.marks import marked, marks, note
from reports.names import PUBLISHED_DATASETS, dataset_title, in_paper_order, model_title
from reports.tables import disentanglement
from reports.tables.aggregate import cell, probability_ours_higher, tidy
from reports.tables.captions import by_seed, caption, splits_text
from reports.tables.formats import MISSING, html_page, latex, markdown
from reports.tables.published import published_rows
from reports.tables.table_specs import BETTER, TABLES, Spec


@dataclass(frozen=True)
class Table:
    """A finished table: ``data`` is tidy, ``printed`` has one text per cell.

    ``heads`` stand above the labels of its rows, where these are no models.
    """

    name: str
    data: pd.DataFrame
    printed: pd.DataFrame
    caption: str
    heads: tuple[str, ...] = ()


def build_table(
    spec: Spec,
    rows: pd.DataFrame,
    datasets: Sequence[str],
    models: Sequence[str],
    cards: Mapping[str, Mapping],
    protocol: Protocol,
) -> Table:
    """Arrange score rows as a table of the paper.

    Args:
        rows: score rows of all data sets, models and seeds; other metrics are ignored.
        datasets: in printed order.
        models: asked for; printed in the paper's order, with any other model that has rows.
        cards: evaluator report by data set.
        protocol: that the scores were taken by, for the splits of the Inception Score and the
            groups behind intervals over images.

    Raises:
        UserError: rows of one data set differ in evaluator, protocol or data.
    """
    every = rows[rows["dataset"].isin(datasets)]
    rows = every[every["metric"].isin(spec.metrics)]
    if rows.empty:
        raise UserError(
            f"{spec.name}: expected scores of {spec.columns[0].metric} on {', '.join(datasets)}, "
            "found none; make them with python -m eval.scores"
        )
    refuse_mixed(rows)
    check_evaluators(rows, cards)
    real = [] if spec.transposed else ["real"]
    models = in_paper_order(list(dict.fromkeys([*real, *models, *rows["model"]])))
    headline = spec.columns[0]
    opening = [spec.title, *spec.notes]
    if any(metric.endswith("inception_score") for metric in spec.metrics):
        opening.insert(1, splits_text(protocol.inception.splits))
    if spec.transposed:
        text = disentanglement.caption(rows, datasets, models, cards)
    else:
        text = caption(opening, rows, datasets, models, cards, spec.paper_note, spec.columns)
    text += by_seed(rows, datasets, models, headline)
    if spec.marked:
        text += f" {note(protocol)}"
    if spec.better:
        text += BETTER
    data = tidy(rows, spec.name, datasets, models, spec.metrics)
    if spec.transposed:
        printed = disentanglement.printed(rows, datasets, models)
        return Table(spec.name, data, printed, text, ("metric",))
    printed = _printed(spec, every, datasets, models, protocol)
    return Table(spec.name, data, printed, text)


def _printed(
    spec: Spec,
    rows: pd.DataFrame,
    datasets: Sequence[str],
    models: Sequence[str],
    protocol: Protocol,
) -> pd.DataFrame:
    parts = {dataset_title(name): _part(spec, rows, name, models, protocol) for name in datasets}
    if not spec.stacked:
        return pd.concat(parts, axis=1)
    return pd.concat(parts).fillna(MISSING)


def _part(
    spec: Spec, rows: pd.DataFrame, dataset: str, models: Sequence[str], protocol: Protocol
) -> pd.DataFrame:
    """Return the printed cells of one data set: models x columns."""
    columns: dict[str, list[str]] = {}
    for column in spec.columns:
        found = [cell(rows, dataset, model, column.metric) for model in models]
        columns[column.title] = [f.text(column) if f else MISSING for f in found]
    metric, title = spec.columns[0].metric, spec.columns[0].title
    if spec.marked:
        columns[title] = [
            marked(text, marks(rows, dataset, model, protocol))
            for text, model in zip(columns[title], models, strict=True)
        ]
    if spec.better:
        found = [probability_ours_higher(rows, dataset, model, metric) for model in models]
        columns["P(ours higher)"] = [MISSING if p is None else f"{p:.2f}" for p in found]
    paper = published_rows(spec.name, dataset).set_index("model")["value"]
    if not paper.empty:
        source = PUBLISHED_DATASETS[dataset]
        # Beside each other, the heading names the paper's data set; stacked, each number does.
        heading, suffix = ("paper", f" ({source})") if spec.stacked else (f"paper, {source}", "")
        columns[heading] = [
            f"{paper[name]:.{spec.digits}f}{suffix}" if name in paper else MISSING
            for name in models
        ]
    index = [spec.real if name == "real" else model_title(name) for name in models]
    return pd.DataFrame(columns, index=index)


def write_table(table: Table, out: str | Path) -> None:
    """Write ``<name>.csv``, ``.md``, ``.html`` and ``.tex`` under ``out``."""
    out, name = Path(out), table.name
    write_text(out / f"{name}.csv", table.data.to_csv(index=False, lineterminator="\n"))
    write_text(out / f"{name}.md", markdown(table.printed, table.caption, table.heads))
    write_text(out / f"{name}.html", html_page(table.printed, name, table.caption))
    write_text(out / f"{name}.tex", latex(table.printed, name, table.caption))


def check_protocol(rows: pd.DataFrame, path: str | Path, overrides: Mapping | None) -> None:
    """Refuse rows of another protocol than that of the file and the run's overrides."""
    expected = load_protocol(path, overrides).label
    found = sorted(set(rows["protocol"]))
    if found != [expected]:
        raise UserError(
            f"expected scores of protocol {expected} ({path}), found {', '.join(found)}; score "
            "again with this protocol, or name the other with --config protocol=NAME"
        )


def check_evaluators(rows: pd.DataFrame, cards: Mapping[str, Mapping]) -> None:
    """Refuse scores of another evaluator than the one whose card the caption quotes."""
    for dataset, card in cards.items():
        own = card["weights_sha256"][:12]
        # What the plain judge takes stands beside, under a hash of its own.
        own_rows = rows[rows["dataset"].eq(dataset) & ~rows["metric"].map(by_plain).astype(bool)]
        judges = own_rows["evaluator"]
        used = set(judges.map(first_hash)) - {NONE, own}
        if used:
            raise UserError(
                f"{dataset}: expected scores of evaluator {own}, found {', '.join(sorted(used))}; "
                "score again with python -m eval.scores"
            )


def evaluator_cards(paths: Sequence[str | Path]) -> dict[str, Mapping]:
    """Return cards of robust evaluators by data set; others (plain ones, data) are passed over."""
    cards = [read_json(path) for path in paths]
    return {
        card["dataset"]: card for card in cards if "accuracy" in card and card.get("kind") != PLAIN
    }


def main(args: argparse.Namespace) -> None:
    """Run the table stage."""
    config = args.config
    rows = read_rows(args.scores)
    check_protocol(rows, args.protocol, config.get("protocol_overrides"))
    protocol = load_protocol(args.protocol, config.get("protocol_overrides"))
    cards, spec = evaluator_cards(args.cards), TABLES[args.table]
    table = build_table(spec, rows, config["datasets"], config["models"], cards, protocol)
    write_table(table, args.out)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("table", choices=sorted(TABLES))
    parser.add_argument("--scores", nargs="+", required=True, help="score rows, CSV")
    parser.add_argument("--cards", nargs="*", default=[], help="evaluator cards, JSON")
    parser.add_argument("--protocol", required=True, help="protocol file")
    parser.add_argument("--out", required=True, help="folder to write")
    run_stage(main, parser)

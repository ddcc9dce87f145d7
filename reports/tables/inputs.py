"""What a page is made from, checked: rows, protocol, cards of the judges; the paper's numbers."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from dlvae.stage.artefact import read_json, write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import stage_parser
from eval.protocol import Protocol, load_protocol
from eval.rows import NONE, PLAIN, by_plain, first_hash, read_rows, refuse_mixed
from reports.names import PUBLISHED_DATASETS

ROBUST = "robust"
PUBLISHED = Path(__file__).resolve().parents[1] / "published.csv"


@dataclass(frozen=True)
class TableInputs:
    """What one table is made of.

    Attributes:
        rows: score rows of all data sets, models and seeds.
        datasets, models: in printed order.
        cards: report of the evaluator of each data set that has one, or of all its evaluators.
    """

    rows: pd.DataFrame
    datasets: Sequence[str]
    models: Sequence[str]
    cards: Mapping[str, Mapping | Sequence[Mapping]]

    def of(self, dataset: str) -> pd.DataFrame:
        """Return the rows of a data set."""
        return self.rows[self.rows["dataset"] == dataset]


def scores_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of what a page is made from: ``--scores``, ``--cards`` and ``--protocol``."""
    parser = stage_parser(doc)
    parser.add_argument("--scores", nargs="+", required=True, help="score rows, CSV")
    parser.add_argument("--cards", nargs="*", default=[], help="evaluator reports, JSON")
    parser.add_argument("--protocol", required=True, help="protocol file")
    return parser


def page_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return the parser of a page of two files, ``--csv`` and ``--markdown``."""
    parser = scores_parser(doc)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    return parser


def read_scores(args: argparse.Namespace) -> tuple[pd.DataFrame, Protocol, dict[str, Mapping]]:
    """Return the rows of a command line, their protocol, and the cards of the robust judges.

    Raises:
        UserError: rows of another protocol than that of the file and the run's overrides, or a
            score that is there twice.
    """
    rows = read_rows(args.scores)
    protocol = load_protocol(args.protocol, args.config.get("protocol_overrides"))
    if (found := sorted(set(rows["protocol"]))) != [protocol.label]:
        raise UserError(
            f"expected scores of protocol {protocol.label} ({args.protocol}), found "
            f"{', '.join(found)}; score again with this protocol, or name the other with --config "
            "protocol=NAME"
        )
    twice = rows[rows.duplicated(["dataset", "model", "metric", "seed"])]
    if not twice.empty:
        names = ", ".join(map(str, twice.iloc[0][["dataset", "model", "metric", "seed"]]))
        raise UserError(f"expected every score once, found two of {names}; name each file once")
    return rows, protocol, evaluator_cards(args.cards)


def write_page(args: argparse.Namespace, data: pd.DataFrame, markdown: str) -> None:
    """Write the two files of a page."""
    write_text(args.csv, data.to_csv(index=False, lineterminator="\n"))
    write_text(args.markdown, markdown)


def evaluator_cards(paths: Sequence[str | Path], kind: str = ROBUST) -> dict[str, Mapping]:
    """Return cards of evaluators of one kind by data set; cards of data are passed over."""
    cards = [read_json(path) for path in paths]
    return {
        card["dataset"]: card
        for card in cards
        if "accuracy" in card and card.get("kind", ROBUST) == kind
    }


def check_rows(rows: pd.DataFrame, cards: Mapping[str, Mapping], kind: str = ROBUST) -> None:
    """Refuse rows that cannot stand together, see :func:`eval.rows.refuse_mixed`.

    Scores by other evaluators of a kind than those whose cards the caption quotes too.
    """
    refuse_mixed(rows)
    judged = rows[rows["metric"].map(by_plain).astype(bool) == (kind == PLAIN)]
    for dataset, card in cards.items():
        own = card["weights_sha256"][:12]
        used = set(judged[judged["dataset"] == dataset]["evaluator"].map(first_hash)) - {NONE, own}
        if used:
            raise UserError(
                f"{dataset}: expected scores of evaluator {own}, found {', '.join(sorted(used))}; "
                "score again with python -m eval.scores"
            )


@cache
def published() -> pd.DataFrame:
    """Return ``published.csv``: table, metric, model, data, value, source (table of the paper)."""
    return pd.read_csv(PUBLISHED)


def published_rows(table: str, dataset: str) -> pd.DataFrame:
    """Return the paper's rows of ``table`` that may stand beside ``dataset``; possibly none."""
    frame, data = published(), PUBLISHED_DATASETS.get(dataset)
    return frame[(frame["table"] == table) & (frame["data"] == data)]

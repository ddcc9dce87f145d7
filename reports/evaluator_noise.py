"""How much of a gap between Inception Scores is the evaluator's own noise.

Usage: python -m reports.evaluator_noise --first CSV ... --second CSV ... --reports JSON ...
    --protocol FILE --config JSON --csv FILE --markdown FILE

The same sample sets are scored by two evaluators that differ in their seed alone. A gap between
two models that is smaller than what a score changes with the evaluator says nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import pandas as pd

from dlvae.artefact import read_json, write_text
from dlvae.errors import UserError
from dlvae.runtime import run_stage
from eval.intervals import Interval
from eval.protocol import load_protocol
from eval.rows import read_rows, refuse_mixed
from reports.aggregate import Cell, Column
from reports.captions import capital, caption, splits_text
from reports.command import page_parser
from reports.formats import MISSING, markdown
from reports.names import dataset_title, in_paper_order, model_title
from reports.tables import check_evaluators, check_protocol

METRIC = "inception_score"
COLUMN = Column(METRIC, "IS")
KEYS = ["dataset", "model", "seed"]
SIDES = ("first", "second")
# What both scores of a sample set share, and what each has of its own.
SHARED = ["preset", "n", "classes", "precision", "protocol", "samples", "data"]
OWN = ["ci_low", "ci_high", "ci_kind", "evaluator", "code"]


def compare(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Pair the scores of two evaluators.

    Args:
        first, second: score rows of the same sample sets.

    Returns:
        One row per data set, model and seed: ``first``, ``second``, ``change`` (second - first),
        and ``gap_first``, ``gap_second``: score of ours minus that of the model under each; NaN
        for ours and for real images. Then the columns of score rows: those of ``SHARED`` once,
        those of ``OWN`` for each side, as ``ci_low_first``.

    Raises:
        UserError: rows of other sample sets, protocols or data, or of one evaluator on both sides.
    """
    for rows in (first, second):
        refuse_mixed(rows)
    one, two = (rows[rows["metric"] == METRIC].set_index(KEYS) for rows in (first, second))
    if not one.index.sort_values().equals(two.index.sort_values()):
        raise UserError(
            "expected scores of the same models under both evaluators; make them with snakemake "
            "evaluator_noise"
        )
    two = two.loc[one.index]
    if (one["samples"] != two["samples"]).any() or (one["evaluator"] == two["evaluator"]).any():
        raise UserError(
            "expected the same sample sets under two different evaluators; score them again with "
            "snakemake evaluator_noise"
        )
    for column in SHARED:
        if (one[column] != two[column]).any():
            values = [", ".join(map(str, dict.fromkeys(side[column]))) for side in (one, two)]
            raise UserError(
                f"expected the same {column} under both evaluators, found {values[0]} and "
                f"{values[1]}; score them again with snakemake evaluator_noise"
            )
    found = pd.DataFrame({"first": one["value"], "second": two["value"]})
    found["change"] = found["second"] - found["first"]
    for name in ("first", "second"):
        found[f"gap_{name}"] = [
            _gap(found[name], dataset, model, seed) for dataset, model, seed in found.index
        ]
    own = [side[OWN].add_suffix(f"_{name}") for name, side in zip(SIDES, (one, two), strict=True)]
    return pd.concat([found, one[SHARED], *own], axis=1).reset_index()


def _gap(scores: pd.Series, dataset: str, model: str, seed: int) -> float:
    ours = (dataset, "ours", seed)
    if model in ("ours", "real") or ours not in scores.index:
        return float("nan")
    return float(scores[ours] - scores[dataset, model, seed])


def printed(found: pd.DataFrame, datasets: Sequence[str]) -> pd.DataFrame:
    """Return the comparison as texts, one row per data set, model and seed."""
    lines, index = [], []
    for dataset in datasets:
        part = found[found["dataset"] == dataset]
        for model in in_paper_order(list(dict.fromkeys(part["model"]))):
            for row in part[part["model"] == model].itertuples():
                numbers = (row.change, row.gap_first, row.gap_second)
                texts = [_score(row, side) for side in SIDES]
                texts += [MISSING if pd.isna(v) else f"{v:.2f}" for v in numbers]
                several = part[part["model"] == model].shape[0] > 1
                name = f"{model_title(model)}, seed {row.seed}" if several else model_title(model)
                lines.append(texts)
                index.append((dataset_title(dataset), name))
    heads = ["IS, first", "IS, second", "change", "ours higher by, first", "ours higher by, second"]
    return pd.DataFrame(lines, columns=heads, index=pd.MultiIndex.from_tuples(index))


def _score(row: tuple, side: str) -> str:
    """Return a score with its interval as text."""
    value, low, high, kind = (
        getattr(row, name)
        for name in (side, f"ci_low_{side}", f"ci_high_{side}", f"ci_kind_{side}")
    )
    if pd.isna(value):
        return kind
    interval = None if pd.isna(low) else Interval(low, high, kind)
    return Cell((value,), interval).text(COLUMN)


def text_below(
    rows: pd.DataFrame,
    found: pd.DataFrame,
    datasets: Sequence[str],
    reports: Mapping[str, Sequence[Mapping]],
    splits: int,
) -> str:
    """Return the caption: who judged what, and which orders of models depend on it.

    Args:
        rows: score rows of both sides.
        found: their comparison, see :func:`compare`.
        reports: of both evaluators, by data set.
        splits: of the Inception Score, by the protocol.
    """
    opening = [
        "Inception Score (IS) of the same sample sets under two evaluators that differ in their "
        "seed alone. A gap between models that is smaller than the change says nothing.",
        splits_text(splits),
    ]
    models = in_paper_order(list(dict.fromkeys(rows["model"])))
    text = caption(opening, rows, datasets, models, reports, "", [COLUMN], averaged=False)
    turns = (_turned(found, name) for name in datasets if found["dataset"].eq(name).any())
    return " ".join([text, *turns])


def _turned(found: pd.DataFrame, dataset: str) -> str:
    generated = found[found["dataset"].eq(dataset) & found["model"].ne("real")]
    turned = generated[generated["gap_first"] * generated["gap_second"] < 0]
    order = "none changes its order with ours"
    if not turned.empty:
        models = ", ".join(dict.fromkeys(model_title(name) for name in turned["model"]))
        order = f"the order of ours and {models} depends on the evaluator"
    largest = generated["change"].abs().max()
    title = capital(dataset_title(dataset))
    return f"{title}: largest change of a model {largest:.2f}; {order}."


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    first, second = read_rows(args.first), read_rows(args.second)
    overrides, datasets = args.config.get("protocol_overrides"), args.config["datasets"]
    found = compare(first, second)
    reports: dict[str, list[Mapping]] = {}
    for path in args.reports:
        report = read_json(path)
        reports.setdefault(report["dataset"], []).append(report)
    for side, rows in enumerate((first, second)):
        check_protocol(rows, args.protocol, overrides)
        check_evaluators(rows, {name: judges[side] for name, judges in reports.items()})
    write_text(args.csv, found.to_csv(index=False, lineterminator="\n"))
    splits = load_protocol(args.protocol, overrides).inception.splits
    text = text_below(pd.concat([first, second]), found, datasets, reports, splits)
    write_text(args.markdown, markdown(printed(found, datasets), text))


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = page_parser(__doc__)
    parser.add_argument("--first", nargs="+", required=True, help="scores of one evaluator")
    parser.add_argument("--second", nargs="+", required=True, help="scores of the other")
    parser.add_argument("--reports", nargs="+", required=True, help="reports of both")
    return parser


if __name__ == "__main__":
    run_stage(main, command())

"""How much of a gap between Inception Scores is the evaluator's own noise.

Usage: python -m reports.evaluator_noise --first CSV ... --second CSV ... --reports JSON ...
    --config JSON --csv FILE --markdown FILE

The same sample sets are scored by two evaluators that differ in their seed alone. A gap between
two models that is smaller than what a score changes with the evaluator says nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from dlvae.artefact import read_json, write_text
from dlvae.errors import UserError
from dlvae.runtime import run_stage, stage_parser
from eval.rows import read_rows, refuse_mixed
from reports.formats import MISSING, markdown
from reports.names import dataset_title, in_paper_order, model_title

METRIC = "inception_score"
KEYS = ["dataset", "model", "seed"]


def compare(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Pair the scores of two evaluators.

    Args:
        first, second: score rows of the same sample sets.

    Returns:
        One row per data set, model and seed: ``first``, ``second``, ``change`` (second - first),
        and ``gap_first``, ``gap_second``: score of ours minus that of the model under each; NaN
        for ours and for real images.

    Raises:
        UserError: rows of other sample sets, or of one evaluator on both sides.
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
    found = pd.DataFrame({"first": one["value"], "second": two["value"]})
    found["change"] = found["second"] - found["first"]
    for name in ("first", "second"):
        found[f"gap_{name}"] = [
            _gap(found[name], dataset, model, seed) for dataset, model, seed in found.index
        ]
    return found.reset_index()


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
                numbers = (row.first, row.second, row.change, row.gap_first, row.gap_second)
                texts = [MISSING if pd.isna(v) else f"{v:.2f}" for v in numbers]
                several = part[part["model"] == model].shape[0] > 1
                name = f"{model_title(model)}, seed {row.seed}" if several else model_title(model)
                lines.append(texts)
                index.append((dataset_title(dataset), name))
    heads = ["IS, first", "IS, second", "change", "ours higher by, first", "ours higher by, second"]
    return pd.DataFrame(lines, columns=heads, index=pd.MultiIndex.from_tuples(index))


def text_below(found: pd.DataFrame, reports: Mapping[str, Sequence[Mapping]]) -> str:
    """Return the caption: who judged, and which orders of models depend on it."""
    sentences = [
        "Inception Score of the same sample sets under two evaluators that differ in their seed "
        "alone. A gap between models that is smaller than the change says nothing."
    ]
    for dataset, judges in reports.items():
        names = " and ".join(
            f"{judge['weights_sha256'][:12]} (held-out accuracy {judge['accuracy']:.3f})"
            for judge in judges
        )
        part = found[found["dataset"] == dataset]
        generated = part[part["model"] != "real"]
        turned = generated[generated["gap_first"] * generated["gap_second"] < 0]
        order = "none changes its order with ours"
        if not turned.empty:
            models = ", ".join(dict.fromkeys(model_title(name) for name in turned["model"]))
            order = f"the order of ours and {models} depends on the evaluator"
        largest = generated["change"].abs().max()
        title = dataset_title(dataset)
        sentences.append(
            f"{title[:1].upper()}{title[1:]}: evaluators {names}; largest change of a model "
            f"{largest:.2f}; {order}."
        )
    return " ".join(sentences)


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    found = compare(read_rows(args.first), read_rows(args.second))
    reports: dict[str, list[Mapping]] = {}
    for path in args.reports:
        report = read_json(path)
        reports.setdefault(report["dataset"], []).append(report)
    write_text(args.csv, found.to_csv(index=False, lineterminator="\n"))
    table = printed(found, args.config["datasets"])
    write_text(args.markdown, markdown(table, text_below(found, reports)))


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--first", nargs="+", required=True, help="scores of one evaluator")
    parser.add_argument("--second", nargs="+", required=True, help="scores of the other")
    parser.add_argument("--reports", nargs="+", required=True, help="reports of both")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    return parser


if __name__ == "__main__":
    run_stage(main, command())

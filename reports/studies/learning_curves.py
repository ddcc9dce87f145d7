"""Every model's scores against updates, images read and processor seconds: who leads at which?

Usage: python -m reports.studies.learning_curves --scores CSV ... --cards JSON ... --protocol FILE
    --config JSON --csv FILE --markdown FILE

The config JSON holds ``preset``, ``datasets``, ``models`` and optionally ``protocol_overrides``;
the rows are those of the family ``curve``, and of the real images those of ``inception``, which
are the ceiling.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import pandas as pd

from dlvae.stage.artefact import write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.protocol import load_protocol
from eval.rows import read_rows, refuse_mixed
from reports.claims.rules import load_rules
from reports.command import scores_parser
from reports.names import dataset_title, in_paper_order
from reports.studies.curve_leaders import doublings, forms_of_curves, leads
from reports.studies.curve_points import (
    COLUMNS,
    CURRENCIES,
    REAL,
    SCORE,
    Curve,
    curve,
    curve_rows,
    tidy,
)
from reports.studies.curve_texts import (
    doubling_table,
    lead_table,
    score_table,
    settled_text,
    summary_table,
)
from reports.tables.__main__ import check_evaluators, check_protocol, evaluator_cards
from reports.tables.aggregate import Cell, cell
from reports.tables.captions import capital, caption, splits_text

MORE = tuple(column for column in COLUMNS if column.metric not in (SCORE, "judge_agreement"))
READING = (
    "A curve is one training, scored at copies of its weights on the way and where it ends. Values "
    "are means over the seeds that went on to there, whose number stands in parentheses.",
    "A budget buys the last copy that costs no more; budgets end where the first of the models "
    "that are compared does. Where both models have three seeds or more and the spread over them "
    "explains the gap (Welch's t test, one-sided p above 0.025), the two are level; with fewer, "
    "how far trainings differ is not known, and that is said. In the comparison with fitted "
    "priors, a model without such a form stands as it is.",
    "Images read are those of the decoder's updates and of all updates before them, as ours has. "
    "Processor seconds are measurements of one machine, of the training alone: scoring and the "
    "fitting of priors do not count, no two runs agree on them, and another machine may put "
    "models in another order.",
)


def all_curves(rows: pd.DataFrame, dataset: str, models: Sequence[str]) -> dict[str, Curve]:
    """Return the curves of a data set by model; of models that have points."""
    own = curve_rows(rows)
    found = {model: curve(own, dataset, model) for model in models}
    return {model: points for model, points in found.items() if points}


def ceiling(rows: pd.DataFrame, dataset: str) -> Cell:
    """Return the Inception Score of real held-out images.

    Raises:
        UserError: it is not among the rows.
    """
    found = cell(rows, dataset, REAL, SCORE)
    if found is None or found.reason:
        raise UserError(
            f"{dataset}: expected {SCORE} of the real images among the rows, found none; score "
            "them with snakemake learning_curves"
        )
    return found


def section(rows: pd.DataFrame, dataset: str, models: Sequence[str], limit: float) -> list[str]:
    """Return the paragraphs of a data set.

    Args:
        limit: share of the ceiling by which a doubling may move a model that has learned.
    """
    curves, real = all_curves(rows, dataset, models), ceiling(rows, dataset)
    title = capital(dataset_title(dataset))
    if not curves:
        return [f"## {title}", "No scores."]
    forms = {
        form: {name: curves[name] for name in names if name in curves}
        for form, names in forms_of_curves(list(curves)).items()
    }
    found = {
        form: {currency: leads(own, currency) for currency in CURRENCIES}
        for form, own in forms.items()
    }
    moved = {name: doublings(own, real.mean) for name, own in curves.items()}
    return [
        f"## {title}",
        "### Who leads",
        summary_table(found),
        lead_table(found),
        "### Inception Score by updates",
        score_table(curves, COLUMNS[:1], intervals=True),
        f"Ceiling, of real held-out images: {real.text(COLUMNS[0])}.",
        "### Other scores by updates",
        score_table(curves, MORE),
        "### What a doubling moves",
        doubling_table(moved, limit),
        settled_text(moved, forms, limit),
    ]


def page(
    rows: pd.DataFrame,
    datasets: Sequence[str],
    models: Sequence[str],
    cards: Mapping[str, Mapping],
    splits: int,
    limit: float,
) -> str:
    """Return the whole page as Markdown."""
    parts = ["# Learning curves", *READING]
    for dataset in datasets:
        parts += section(rows, dataset, models, limit)
    return "\n\n".join([*parts, _provenance(rows, datasets, models, cards, splits)]) + "\n"


def _provenance(
    rows: pd.DataFrame,
    datasets: Sequence[str],
    models: Sequence[str],
    cards: Mapping[str, Mapping],
    splits: int,
) -> str:
    titles = {column.metric: column for column in COLUMNS}
    names = dict.fromkeys(rows["metric"])
    known = {name: titles.get(name.partition(":")[0]) for name in names}
    columns = [
        type(column)(name, column.title, column.digits, column.percent)
        for name, column in known.items()
        if column is not None and name.count(":") <= 1
    ]
    return caption([splits_text(splits)], rows, datasets, models, cards, "", columns)


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    config = args.config
    rows = read_rows(args.scores)
    overrides, datasets = config.get("protocol_overrides"), config["datasets"]
    refuse_mixed(rows)
    check_protocol(rows, args.protocol, overrides)
    cards = evaluator_cards(args.cards)
    check_evaluators(rows, cards)
    named = dict.fromkeys([*config["models"], *rows["model"]])
    models = in_paper_order([name for name in named if name != REAL])
    splits = load_protocol(args.protocol, overrides).inception.splits
    limit = load_rules().preconditions.still_learning
    text = page(rows, datasets, models, cards, splits, limit)
    write_text(args.csv, tidy(rows, datasets, models).to_csv(index=False, lineterminator="\n"))
    write_text(args.markdown, text)


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    return scores_parser(__doc__)


if __name__ == "__main__":
    run_stage(main, command())

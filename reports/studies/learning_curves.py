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
from dataclasses import replace
from typing import Any

import pandas as pd

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.protocol import Protocol
from reports.names import as_published, fitted_form, in_paper_order, model_title
from reports.studies.curve_data import (
    AGREEMENT,
    COLUMNS,
    CURRENCIES,
    REAL,
    SCORE,
    Curve,
    curve_rows,
    curves,
    tidy,
)
from reports.studies.curve_leads import IS, lead_table, leads, summary_table
from reports.tables.captions import caption, prose
from reports.tables.cells import cell
from reports.tables.formats import MISSING, pipe_table
from reports.tables.inputs import TableInputs, check_rows, page_parser, read_scores, write_page
from reports.tables.marks import still_learning
from reports.tables.specs import Column
from reports.text import render

OTHERS = [replace(c, interval=False) for c in COLUMNS[1:] if c.metric != AGREEMENT]


def curves_page(scores: TableInputs, protocol: Protocol) -> str:
    """Return the whole page as Markdown."""
    rows, limit, agreed = scores.rows, still_learning(), protocol.judges.agreement
    titles = {column.metric: column for column in COLUMNS}
    columns = [
        replace(titles[name.partition(":")[0]], metric=name)
        for name in dict.fromkeys(rows["metric"])
        if name.partition(":")[0] in titles and name.count(":") <= 1
    ]
    opening = [prose("splits", splits=protocol.inception.splits)]
    own = curve_rows(rows)
    return render(
        "learning_curves.md.j2",
        sections={
            name: _section(own, name, scores.models, limit, agreed) for name in scores.datasets
        },
        limit=f"{100 * limit:g} %",
        agreed=f"{100 * agreed:g} %",
        caption=caption(opening, scores, columns),
    )


def _section(
    own: pd.DataFrame, dataset: str, models: Sequence[str], limit: float, agreed: float
) -> dict[str, Any]:
    """Return what the page says of a data set; nothing without curves.

    Args:
        own: of :func:`curve_rows`.
        limit: share of the ceiling by which a doubling may move a model that has learned.
        agreed: agreement of the judges, below which they disagree.
    """
    ceiling = cell(own, dataset, REAL, SCORE)
    if ceiling.reason:
        raise UserError(
            f"{dataset}: expected {SCORE} of the real images among the rows, found none; score "
            "them with snakemake learning_curves"
        )
    found = curves(own, dataset, models)
    if not found:
        return {}
    forms = forms_of_curves(list(found))
    compared = {
        form: {money: leads({m: found[m] for m in names}, money, agreed) for money in CURRENCIES}
        for form, names in forms.items()
    }
    shares, seeds = doublings(found, ceiling.mean)
    still = []
    for form, names in forms.items():
        updates, later = settled(shares[names], limit)
        still.append((form, updates, ", ".join(f"{model_title(m)} from {s}" for m, s in later)))
    return {
        "summary": summary_table(compared),
        "leads": lead_table(compared),
        "scores": score_table(own, dataset, list(found), [IS]),
        "ceiling": ceiling.text(IS),
        "others": score_table(own, dataset, list(found), OTHERS),
        "doublings": doubling_table(shares, seeds, limit),
        "settled": still,
    }


def forms_of_curves(models: Sequence[str]) -> dict[str, list[str]]:
    """Return the models that are compared with each other, by form.

    With fitted priors a model without such a form stands as it is.
    """
    published = [name for name in models if name == as_published(name)]
    fitted = [fitted_form(n) if fitted_form(n) in models else n for n in published]
    forms = {"as published": published}
    return forms if fitted == published else forms | {"fitted priors": fitted}


# --- Scores by updates --------------------------------------------------------------------------


def score_table(
    own: pd.DataFrame, dataset: str, models: Sequence[str], columns: Sequence[Column]
) -> str:
    """Return models x numbers of updates, of one metric or of several below each other.

    Beside an interval stands how many seeds the value is the mean of.
    """
    steps = {int(step): part for step, part in own[own["dataset"] == dataset].groupby("step")}

    def text(step: int, model: str, column: Column) -> str:
        found = cell(steps[step], dataset, model, column.metric)
        if found.reason:
            return found.reason.partition(" ")[0]  # the data say why
        return found.text(column) + f" ({len(found.values)})" * column.interval

    several = len(columns) > 1
    rows = [
        [*[c.title] * several, model_title(model), *(text(step, model, c) for step in steps)]
        for c in columns
        for model in models
    ]
    return pipe_table([*["score"] * several, "model", *map(str, steps)], rows, 1 + several)


# --- What a doubling moves ----------------------------------------------------------------------


def doublings(found: Mapping[str, Curve], ceiling: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what twice as many updates moved, number of updates x model, and of how many seeds.

    That is |IS(2n) - IS(n)| over the ceiling, IS being means over the seeds that have both; NaN
    where there are none.

    Args:
        ceiling: Inception Score of real held-out images.
    """
    moved = {
        model: scores.reindex(2 * scores.index).set_axis(scores.index) - scores
        for model, (scores, *_) in found.items()
    }
    shares = pd.DataFrame({m: own.mean(axis=1).abs() / ceiling for m, own in moved.items()})
    seeds = pd.DataFrame({m: own.notna().sum(axis=1) for m, own in moved.items()})
    return shares.dropna(how="all"), seeds


def settled(shares: pd.DataFrame, limit: float) -> tuple[int | None, list[tuple[str, int]]]:
    """Return the fewest updates whose doubling moves no model by more than ``limit``, or None.

    Only doublings that every model has made count. With them come the models that a later doubling
    moves by more all the same, and which one.
    """
    calm = shares.index[(shares <= limit).all(axis=1)]
    if calm.empty:
        return None, []
    later = shares[shares.index > calm[0]]
    return calm[0], [(model, step) for model in later for step in later.index[later[model] > limit]]


def doubling_table(shares: pd.DataFrame, seeds: pd.DataFrame, limit: float) -> str:
    """Return models x doublings: by how much of the ceiling each moved; bold above ``limit``."""

    def text(step: int, model: str) -> str:
        share = shares.at[step, model]
        if pd.isna(share):
            return MISSING
        bold = "**" if share > limit else ""
        return f"{bold}{100 * share:.1f} %{bold} ({seeds.at[step, model]:.0f})"

    rows = [[model_title(m), *(text(step, m) for step in shares.index)] for m in shares]
    return pipe_table(["model", *(f"{step} to {2 * step}" for step in shares.index)], rows, 1)


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    rows, protocol, cards = read_scores(args)
    check_rows(rows, cards)
    named = [*args.config["models"], *rows["model"]]
    models = in_paper_order(name for name in named if name != REAL)
    scores = TableInputs(rows, args.config["datasets"], models, cards)
    data = tidy(curve_rows(rows), scores.datasets, models)
    write_page(args, data, curves_page(scores, protocol))


if __name__ == "__main__":
    run_stage(main, page_parser(__doc__))

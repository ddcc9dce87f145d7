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
from itertools import groupby
from typing import Any

import pandas as pd

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.protocol import Protocol
from eval.rows import refuse_mixed
from reports.names import in_paper_order, model_title
from reports.studies.curve_leads import (
    Doubling,
    Lead,
    doublings,
    forms_of_curves,
    leads,
    settled,
)
from reports.studies.curve_points import (
    COLUMNS,
    CURRENCIES,
    REAL,
    SCORE,
    Curve,
    Point,
    curve,
    curve_rows,
    real_images,
    tidy,
)
from reports.tables.captions import caption, splits_text
from reports.tables.cells import Cell, Column
from reports.tables.formats import MISSING, pipe_table
from reports.tables.inputs import (
    TableInputs,
    check_evaluators,
    page_parser,
    read_scores,
    write_page,
)
from reports.tables.marks import still_learning
from reports.text import render

IS = COLUMNS[0]
IS_ALONE, *OTHERS = (
    replace(column, interval=False) for column in COLUMNS if column.metric != "judge_agreement"
)
NOT_KNOWN = "too few seeds to tell"
Leads = Mapping[str, Mapping[str, Sequence[Lead]]]
"""By form of the models and currency."""


def curves_page(scores: TableInputs, protocol: Protocol) -> str:
    """Return the whole page as Markdown."""
    rows = scores.rows
    limit, own = still_learning(), curve_rows(rows)
    titles = {column.metric: column for column in COLUMNS}
    columns = [
        replace(titles[name.partition(":")[0]], metric=name)
        for name in dict.fromkeys(rows["metric"])
        if name.partition(":")[0] in titles and name.count(":") <= 1
    ]
    opening = [splits_text(protocol.inception.splits)]
    sections = {}
    for dataset in scores.datasets:
        found = {model: curve(own, dataset, model) for model in scores.models}
        curves = {model: points for model, points in found.items() if points}
        sections[dataset] = _section(curves, _ceiling(rows, dataset), limit)
    return render(
        "learning_curves.md.j2",
        sections=sections,
        limit=f"{100 * limit:g} %",
        caption=caption(opening, scores, columns),
    )


def _ceiling(rows: pd.DataFrame, dataset: str) -> Cell:
    """Return the Inception Score of real held-out images.

    Raises:
        UserError: it is not among the rows.
    """
    real = real_images(rows, dataset)
    found = real.scores.get(SCORE) if real else None
    if found is None or found.reason:
        raise UserError(
            f"{dataset}: expected {SCORE} of the real images among the rows, found none; score "
            "them with snakemake learning_curves"
        )
    return found


def _section(curves: Mapping[str, Curve], ceiling: Cell, limit: float) -> dict[str, Any]:
    """Return what the page says of a data set; nothing without curves.

    Args:
        limit: share of the ceiling by which a doubling may move a model that has learned.
    """
    if not curves:
        return {}
    forms = forms_of_curves(list(curves))
    found = {
        form: {
            currency: leads({name: curves[name] for name in names}, currency)
            for currency in CURRENCIES
        }
        for form, names in forms.items()
    }
    moved = {name: doublings(own, ceiling.mean) for name, own in curves.items()}
    still = []
    for form, names in forms.items():
        updates, later = settled({name: moved[name] for name in names}, limit)
        still.append((form, updates, ", ".join(f"{model_title(m)} from {s}" for m, s in later)))
    return {
        "summary": summary_table(found),
        "leads": lead_table(found),
        "scores": score_table(curves, [IS]),
        "ceiling": ceiling.text(IS),
        "others": score_table(curves, OTHERS),
        "doublings": doubling_table(moved, limit),
        "settled": still,
    }


def score_table(curves: Mapping[str, Curve], columns: Sequence[Column]) -> str:
    """Return models x numbers of updates, of one metric or of several below each other.

    Beside an interval stands how many seeds the value is the mean of.
    """
    steps = sorted({point.step for own in curves.values() for point in own})
    rows = []
    for column in columns:
        for model, own in curves.items():
            found = {point.step: point.scores.get(column.metric) for point in own}
            texts = [_score_text(found.get(step), column) for step in steps]
            rows.append([*[column.title] * (len(columns) > 1), model_title(model), *texts])
    heads = [*["score"] * (len(columns) > 1), "model", *map(str, steps)]
    return pipe_table(heads, rows, len(heads) - len(steps))


def _score_text(found: Cell | None, column: Column) -> str:
    if found is None:
        return MISSING
    if found.reason:
        return found.reason.partition(" ")[0]  # the data say why
    seeds = f" ({len(found.values)})" if column.interval else ""
    return f"{found.text(column)}{seeds}"


def lead_table(found: Leads) -> str:
    """Return the leader, the runner-up and the gap at every budget, for each form of the models."""
    heads, rows = ["counted in", "budget"], []
    for form in found:
        heads += [f"{form}: leads", "runner-up", "gap"]
    for currency, name in CURRENCIES.items():
        by_form = [{lead.budget: lead for lead in own[currency]} for own in found.values()]
        for budget in sorted(set().union(*by_form)):
            texts = [text for own in by_form for text in _lead_texts(own.get(budget))]
            rows.append([name, amount(budget), *texts])
    return pipe_table(heads, rows, 2)


def _lead_texts(lead: Lead | None) -> list[str]:
    if lead is None:
        return [MISSING] * 3
    if lead.second is None:
        return [_standing(lead.first), MISSING, MISSING]
    start = "level: " if lead.level else ""
    note = "" if lead.level or lead.known else f" ({NOT_KNOWN})"
    gap = f"{lead.gap:.{IS.digits}f}{note}"
    return [f"{start}{_standing(lead.first)}", _standing(lead.second), gap]


def _standing(point: Point) -> str:
    score = point.score.text(IS_ALONE)
    return f"{model_title(point.model)} {score} after {point.step} ({len(point.seeds)})"


def amount(budget: float) -> str:
    """Return a budget as printed: whole where it is large."""
    return f"{budget:,.0f}" if budget >= 100 else f"{budget:.3g}"


def summary_table(found: Leads) -> str:
    """Return who leads from where to where, by currency and form."""
    heads = ["counted in", *found]
    rows = [
        [name, *(_runs(own[currency]) for own in found.values())]
        for currency, name in CURRENCIES.items()
    ]
    return pipe_table(heads, rows, len(heads))


def _runs(found: Sequence[Lead]) -> str:
    """Say who leads, budgets with one answer put together."""
    if not found:
        return "no budget buys every model a copy of its weights"
    parts = []
    for answer, run in groupby(found, key=leader):
        budgets = [lead.budget for lead in run]
        ends = dict.fromkeys(amount(end) for end in (budgets[0], budgets[-1]))
        parts.append(f"{answer} at {' to '.join(ends)}")
    return "; ".join(parts)


def leader(lead: Lead) -> str:
    """Return who leads in words: a model, two that are level, or what is not known."""
    if lead.second is None:
        return f"{model_title(lead.first.model)} alone"
    if lead.level:
        pair = in_paper_order([lead.first.model, lead.second.model])
        return f"level ({' and '.join(model_title(name) for name in pair)})"
    note = "" if lead.known else f" ({NOT_KNOWN})"
    return f"{model_title(lead.first.model)}{note}"


def doubling_table(moved: Mapping[str, Mapping[int, Doubling]], limit: float) -> str:
    """Return models x doublings: by how much of the ceiling each moved; bold above ``limit``."""
    steps = sorted({step for own in moved.values() for step in own})
    rows = [
        [model_title(name), *(_moved(own.get(step), limit) for step in steps)]
        for name, own in moved.items()
    ]
    return pipe_table(["model", *(f"{step} to {2 * step}" for step in steps)], rows, 1)


def _moved(found: Doubling | None, limit: float) -> str:
    if found is None:
        return MISSING
    text = f"{100 * found.share:.1f} %"
    return f"{f'**{text}**' if found.share > limit else text} ({found.seeds})"


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    rows, protocol, cards = read_scores(args)
    refuse_mixed(rows)
    check_evaluators(rows, cards)
    named = dict.fromkeys([*args.config["models"], *rows["model"]])
    models = in_paper_order([name for name in named if name != REAL])
    scores = TableInputs(rows, args.config["datasets"], models, cards)
    write_page(args, tidy(rows, scores.datasets, models), curves_page(scores, protocol))


if __name__ == "__main__":
    run_stage(main, page_parser(__doc__))

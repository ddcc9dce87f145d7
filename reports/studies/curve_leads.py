"""Who leads at which budget of updates, images read or processor seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from eval.metrics.intervals import probability_of_higher_mean
from reports.claims.verdicts import SURE
from reports.names import in_paper_order, model_title
from reports.studies.curve_data import COLUMNS, CURRENCIES, Curve
from reports.tables.formats import MISSING, pipe_table

IS = COLUMNS[0]
NOT_KNOWN = " (too few seeds to tell)"
# Costs are means of measured numbers: a budget is not missed by their rounding.
ROUNDING = 1e-9


class Lead(NamedTuple):
    """Who has the best Inception Score that a budget buys.

    Attributes:
        budget: in a currency of the curves.
        answer: in words: a model, two that are level, one of which too little is known, or that the
            judges disagree on one of the first two.
        cells: the leader and the second, with score, updates and seeds, and the gap.
    """

    budget: float
    answer: str
    cells: list[str]


def lead(found: Mapping[str, Curve], currency: str, budget: float, agreed: float) -> Lead:
    """Return who leads at a budget, which buys the last snapshot that costs no more.

    Two are level where the spread over seeds explains the gap, or there is none.

    Args:
        agreed: agreement of the judges, below which a score says nothing of a model.
    """
    last = {}
    for model, (scores, costs, _) in found.items():
        within = scores[costs[currency] <= budget * (1 + ROUNDING)]
        if not within.empty:
            last[model] = within.iloc[-1].dropna()
    means = {model: own.mean() for model, own in last.items()}
    first, second, *_ = [*sorted(means, key=lambda model: -means[model]), None]
    texts = [
        f"{model_title(m)} {IS.number(means[m])} after {last[m].name} ({len(last[m])})"
        for m in (first, second)
        if m
    ]
    if second is None:
        return Lead(budget, f"{model_title(first)} alone", [*texts, MISSING, MISSING])
    unsure = [m for m in (first, second) if found[m].agreement[last[m].name] < agreed]
    gap = means[first] - means[second]
    if unsure:
        answer = f"judges disagree ({' and '.join(map(model_title, in_paper_order(unsure)))})"
        return Lead(budget, answer, [f"judges disagree: {texts[0]}", texts[1], IS.number(gap)])
    higher = probability_of_higher_mean(last[first], last[second])
    if gap == 0 or (higher is not None and higher < SURE):
        pair = " and ".join(map(model_title, in_paper_order([first, second])))
        return Lead(budget, f"level ({pair})", [f"level: {texts[0]}", texts[1], IS.number(gap)])
    note = NOT_KNOWN if higher is None else ""
    return Lead(budget, model_title(first) + note, [*texts, IS.number(gap) + note])


def leads(found: Mapping[str, Curve], currency: str, agreed: float) -> list[Lead]:
    """Return who leads at budgets, ascending, each twice the one before.

    The largest is where the first training ends: beyond, a model would stand with less than it was
    given. The smallest buys every model a snapshot.
    """
    costs = [own.costs[currency] for own in found.values()]
    budget, smallest = min(own.max() for own in costs), max(own.min() for own in costs)
    ascending = []
    while budget >= smallest * (1 - ROUNDING):
        ascending.insert(0, lead(found, currency, budget, agreed))
        budget /= 2
    return ascending


def lead_table(found: Mapping[str, Mapping[str, Sequence[Lead]]]) -> str:
    """Return the leader, the second and the gap at every budget.

    Args:
        found: leads by form of the models and currency.
    """
    heads, rows = ["counted in", "budget"], []
    for form in found:
        heads += [f"{form}: leads", "runner-up", "gap"]
    for currency, name in CURRENCIES.items():
        by_form = [{lead.budget: lead.cells for lead in own[currency]} for own in found.values()]
        for budget in sorted(set().union(*by_form)):
            texts = [text for own in by_form for text in own.get(budget, [MISSING] * 3)]
            rows.append([name, amount(budget), *texts])
    return pipe_table(heads, rows, 2)


def amount(budget: float) -> str:
    """Return a budget as printed: whole where it is large."""
    return f"{budget:,.0f}" if budget >= 100 else f"{budget:.3g}"


def summary_table(found: Mapping[str, Mapping[str, Sequence[Lead]]]) -> str:
    """Return who leads from where to where, by currency and form."""
    rows = [
        [name, *(_runs(own[currency]) for own in found.values())]
        for currency, name in CURRENCIES.items()
    ]
    return pipe_table(["counted in", *found], rows, 1 + len(found))


def _runs(found: Sequence[Lead]) -> str:
    """Say who leads, budgets with one answer put together."""
    parts = []
    for answer, run in groupby(found, key=lambda lead: lead.answer):
        ends = [amount(lead.budget) for lead in run]
        parts.append(f"{answer} at {' to '.join(dict.fromkeys((ends[0], ends[-1])))}")
    return "; ".join(parts) or "no budget buys every model a copy of its weights"

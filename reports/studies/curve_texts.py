"""The tables and sentences of the page of learning curves, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from reports.names import in_paper_order, model_title
from reports.studies.curve_leaders import Doubling, Lead, Standing, moved_later, settled
from reports.studies.curve_points import COLUMNS, CURRENCIES, Curve
from reports.tables.aggregate import Cell, Column
from reports.tables.formats import MISSING, pipe_table

SCORE = COLUMNS[0]
NOT_KNOWN = "too few seeds to tell"
Leads = Mapping[str, Mapping[str, Sequence[Lead]]]
"""By form of the models and currency."""


def score_table(
    curves: Mapping[str, Curve], columns: Sequence[Column], intervals: bool = False
) -> str:
    """Return models x numbers of updates, of one metric or of several below each other.

    Args:
        intervals: print them, and how many seeds a value is the mean of.
    """
    steps = sorted({point.step for own in curves.values() for point in own})
    rows = []
    for column in columns:
        for model, own in curves.items():
            by_step = {point.step: point for point in own}
            found = [by_step[s].scores.get(column.metric) if s in by_step else None for s in steps]
            texts = [_score_text(one, column, intervals) for one in found]
            names = [column.title] * (len(columns) > 1)
            rows.append([*names, model_title(model), *texts])
    heads = [*["score"] * (len(columns) > 1), "model", *map(str, steps)]
    return pipe_table(heads, rows, len(heads) - len(steps))


def _score_text(found: Cell | None, column: Column, interval: bool) -> str:
    if found is None:
        return MISSING
    if found.reason:
        return found.reason.partition(" ")[0]  # the data say why
    if interval:
        return f"{found.text(column)} ({len(found.values)})"
    return Cell(found.values, None).text(column)


# --- Who leads ---------------------------------------------------------------------------------


def lead_table(found: Leads) -> str:
    """Return the leader, the runner-up and the gap at every budget, for each form of the models."""
    heads, rows = ["counted in", "budget"], []
    for form in found:
        heads += [f"{form}: leads", "runner-up", "gap"]
    for currency, name in CURRENCIES.items():
        lines: dict[float, list[str]] = {}
        for number, form in enumerate(found):
            for lead in found[form][currency]:
                line = lines.setdefault(lead.budget, [])
                line += [MISSING] * (3 * number - len(line)) + _lead_texts(lead)
        for budget, texts in sorted(lines.items()):
            texts += [MISSING] * (3 * len(found) - len(texts))
            rows.append([name, amount(budget), *texts])
    return pipe_table(heads, rows, 2)


def _lead_texts(lead: Lead) -> list[str]:
    first = _standing(lead.first)
    if lead.second is None:
        return [first, MISSING, MISSING]
    start = "level: " if lead.level else ""
    note = "" if lead.level or lead.known else f" ({NOT_KNOWN})"
    return [f"{start}{first}", _standing(lead.second), f"{lead.gap:.{SCORE.digits}f}{note}"]


def _standing(standing: Standing) -> str:
    point = standing.point
    score = Cell(point.score.values, None).text(SCORE)
    return f"{model_title(standing.model)} {score} after {point.step} ({len(point.seeds)})"


def amount(budget: float) -> str:
    """Return a budget as printed: whole where it is large."""
    return f"{budget:,.0f}" if budget >= 100 else f"{budget:.3g}"


def summary_table(found: Leads) -> str:
    """Return who leads from where to where, by currency and form."""
    rows = [
        [name, *(_runs(by_currency[currency]) for by_currency in found.values())]
        for currency, name in CURRENCIES.items()
    ]
    heads = ["counted in", *found]
    return pipe_table(heads, rows, len(heads))


def _runs(found: Sequence[Lead]) -> str:
    """Say who leads, budgets with one answer put together."""
    if not found:
        return "no budget buys every model a copy of its weights"
    parts = []
    for answer, run in groupby(found, key=verdict):
        budgets = [lead.budget for lead in run]
        ends = dict.fromkeys(amount(end) for end in (budgets[0], budgets[-1]))
        parts.append(f"{answer} at {' to '.join(ends)}")
    return "; ".join(parts)


def verdict(lead: Lead) -> str:
    """Return who leads in words: a model, two that are level, or what is not known."""
    if lead.second is None:
        return f"{model_title(lead.first.model)} alone"
    if lead.level:
        pair = in_paper_order([lead.first.model, lead.second.model])
        return f"level ({' and '.join(model_title(name) for name in pair)})"
    note = "" if lead.known else f" ({NOT_KNOWN})"
    return f"{model_title(lead.first.model)}{note}"


# --- What a doubling moves ---------------------------------------------------------------------


def doubling_table(moved: Mapping[str, Mapping[int, Doubling]], limit: float) -> str:
    """Return models x doublings: by how much of the ceiling each moved; bold above ``limit``."""
    steps = sorted({step for own in moved.values() for step in own})
    rows = []
    for model, own in moved.items():
        rows.append([model_title(model), *(_moved_text(own.get(s), limit) for s in steps)])
    return pipe_table(["model", *(f"{step} to {2 * step}" for step in steps)], rows, 1)


def _moved_text(found: Doubling | None, limit: float) -> str:
    if found is None:
        return MISSING
    text = f"{100 * found.share:.1f} %"
    return f"{f'**{text}**' if found.share > limit else text} ({found.seeds})"


def settled_text(
    moved: Mapping[str, Mapping[int, Doubling]], forms: Mapping[str, Sequence[str]], limit: float
) -> str:
    """Say from which budget on a doubling moves no model by more than ``limit``, by form."""
    share = f"{100 * limit:g} %"
    own = {form: {name: moved[name] for name in names} for form, names in forms.items()}
    parts = [_settled(form, found, share, limit) for form, found in own.items()]
    return (
        "By how much twice as many updates moved the Inception Score, up or down, as a share of "
        "the ceiling: between means over the seeds that have both, whose number stands in "
        f"parentheses; bold above {share}. {' '.join(parts)}"
    )


def _settled(
    form: str, moved: Mapping[str, Mapping[int, Doubling]], share: str, limit: float
) -> str:
    found = settled(moved, limit)
    if found is None:
        return f"{form.capitalize()}: at every budget it moves a model by more than {share}."
    text = f"the smallest budget at which it moves no model by more than {share} is {found} updates"
    later = moved_later(moved, limit, found)
    names = ", ".join(f"{model_title(model)} from {step}" for model, step in later)
    return f"{form.capitalize()}: {text}{f', though later it moves {names}' if names else ''}."

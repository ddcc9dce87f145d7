"""Who leads at which budget, and what a doubling of the budget moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from eval.metrics.improvement import probability_of_higher_mean
from eval.metrics.intervals import MIN_VALUES
from reports.claims.verdicts import SURE
from reports.names import as_published, fitted_form
from reports.studies.curve_points import Curve, Point

PUBLISHED, FITTED_PRIORS = "as published", "fitted priors"
# Costs are means of measured numbers: a budget is not missed by their rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Lead:
    """The best Inception Score that a budget buys, and the second best.

    Attributes:
        budget: in a currency of the curves.
        first, second: the last points of their models within the budget; ``second`` is None where
            one model alone has any.
    """

    budget: float
    first: Point
    second: Point | None

    @property
    def gap(self) -> float:
        """How far the first is above the second."""
        return self.first.score.mean - self.second.score.mean

    @property
    def known(self) -> bool:
        """Whether there are seeds enough on both sides to know how far trainings differ."""
        return all(len(side.score.values) >= MIN_VALUES for side in (self.first, self.second))

    @property
    def level(self) -> bool:
        """Whether the spread over seeds explains the gap, or there is none."""
        if self.gap == 0:
            return True
        scores = (self.first.score.values, self.second.score.values)
        return self.known and probability_of_higher_mean(*scores) < SURE


def forms_of_curves(models: Sequence[str]) -> dict[str, list[str]]:
    """Return the models that are compared with each other, by form.

    With fitted priors a model without such a form stands as it is.
    """
    published = [name for name in models if name == as_published(name)]
    fitted = [fitted_form(n) if fitted_form(n) in models else n for n in published]
    forms = {PUBLISHED: published, FITTED_PRIORS: fitted}
    return forms if fitted != published else {PUBLISHED: published}


def budgets(curves: Mapping[str, Curve], currency: str) -> list[float]:
    """Return budgets, ascending, each twice the one before, at which models can be compared.

    The largest is where the first training ends: beyond, a model would stand with less than it was
    given. The smallest buys every model a snapshot.

    Args:
        curves: by model, none of them empty.
    """
    costs = [[point.costs[currency] for point in curve] for curve in curves.values()]
    if not costs:
        return []
    largest, smallest = min(max(own) for own in costs), max(min(own) for own in costs)
    found = []
    while largest >= smallest * (1 - ROUNDING):
        found.insert(0, largest)
        largest /= 2
    return found


def lead(curves: Mapping[str, Curve], currency: str, budget: float) -> Lead | None:
    """Return who leads at a budget, None where it buys no snapshot of any model.

    A budget buys the last point of a curve that costs no more.
    """
    most = budget * (1 + ROUNDING)
    bought = [[p for p in curve if p.costs[currency] <= most] for curve in curves.values()]
    last = [max(own, key=lambda point: point.step) for own in bought if own]
    order = sorted(last, key=lambda point: -point.score.mean)
    return Lead(budget, order[0], order[1] if len(order) > 1 else None) if order else None


def leads(curves: Mapping[str, Curve], currency: str) -> list[Lead]:
    """Return who leads at every budget of a currency."""
    found = (lead(curves, currency, budget) for budget in budgets(curves, currency))
    return [one for one in found if one is not None]


class Doubling(NamedTuple):
    """What twice as many updates moved.

    Attributes:
        share: |IS(2n) - IS(n)| over the ceiling, IS being means over the seeds that have both.
        seeds: how many these are.
    """

    share: float
    seeds: int


def doublings(curve: Curve, ceiling: float) -> dict[int, Doubling]:
    """Return what every doubling moved, by the number of updates that it starts from.

    Args:
        ceiling: Inception Score of real held-out images.
    """
    scores = {p.step: dict(zip(p.seeds, p.score.values, strict=True)) for p in curve}
    found = {}
    for step, own in scores.items():
        later = scores.get(2 * step, {})
        moved = [later[seed] - score for seed, score in own.items() if seed in later]
        if moved:
            found[step] = Doubling(abs(sum(moved) / len(moved)) / ceiling, len(moved))
    return found


def settled(
    moved: Mapping[str, Mapping[int, Doubling]], limit: float
) -> tuple[int | None, list[tuple[str, int]]]:
    """Return the fewest updates whose doubling moves no model by more than ``limit``, or None.

    Only doublings that every model has made count. With them come the models that a later doubling
    moves by more all the same, and which one.

    Args:
        moved: of :func:`doublings`, by model.
    """
    common = set.intersection(*(set(own) for own in moved.values())) if moved else set()
    for fewest in sorted(common):
        if all(own[fewest].share <= limit for own in moved.values()):
            steps = [(model, step) for model, own in moved.items() for step in own if step > fewest]
            return fewest, [(m, step) for m, step in steps if moved[m][step].share > limit]
    return None, []

"""Score rows held against the rules: the outcome of every test, the verdict on every claim."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from eval.metrics.intervals import TAILS, probability_of_higher_mean
from reports.claims.preconditions import unmet
from reports.claims.readings import Reading, Readings, Scope
from reports.claims.rules import PLAIN, Claim, ClaimTest, Rules, Side, models_of

HOLDS, WITHIN, FAILS = "holds", "holds, within the noise", "fails"
REPLICATED, PARTLY, NOT_REPLICATED = "replicated", "partly", "not replicated"
DEPENDS = "depends on the judge"  # of a test and of a claim
NOT_RUN = "not run"  # of a test and of a claim

SURE = TAILS[1]
"""Probability from which noise no longer explains a test: that of a 95 % interval beside it."""

ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
"""What the operators mean but for `within`, see :class:`reports.claims.rules.ClaimTest`."""


@dataclass(frozen=True)
class Result:
    """A test on one data set.

    Attributes:
        probability: that the inequality holds for the means over trainings, see
            :func:`eval.metrics.intervals.probability_of_higher_mean`; None where that cannot be
            said.
        reason: why it was not run, or what is known of the noise.
        plain: the same test by the plain judges, where it is of a metric that they take too.
    """

    test: ClaimTest
    left: Reading
    right: Reading
    outcome: str
    probability: float | None = None
    reason: str = ""
    plain: Result | None = None


@dataclass(frozen=True)
class Judgement:
    """A claim judged in one form.

    Attributes:
        form: of :func:`reports.claims.rules.Rules.forms`.
        results: by data set, in printed order; empty where the preset has no data to test it on.
        beside: readings that are not tested, by data set.
    """

    claim: Claim
    form: str
    results: Mapping[str, Sequence[Result]]
    beside: Mapping[str, Sequence[Reading]]

    @property
    def every(self) -> list[Result]:
        """The results of every test on every data set."""
        return [result for results in self.results.values() for result in results]

    @property
    def outcomes(self) -> list[str]:
        """The outcome of every test on every data set."""
        return [result.outcome for result in self.every]

    @property
    def verdict(self) -> str:
        """The verdict over all data sets."""
        return verdict(self.every)


def verdict(results: Iterable[Result]) -> str:
    """Return what the results of tests say of a claim, on one data set or on several.

    ``replicated``: every test holds, beyond the noise where that is asked for. ``not run``: the
    headline test was run nowhere. ``partly``: it holds somewhere, if within the noise. Else it
    holds nowhere: ``depends on the judge`` where judges of one kind say that it does, ``not
    replicated`` where none do.
    """
    results = list(results)
    headlines = {result.outcome for result in results if result.test.headline}
    if headlines <= {NOT_RUN}:
        return NOT_RUN
    if {result.outcome for result in results} == {HOLDS}:
        return REPLICATED
    if headlines & {HOLDS, WITHIN}:
        return PARTLY
    return DEPENDS if DEPENDS in headlines else NOT_REPLICATED


def judge(rules: Rules, rows: pd.DataFrame, scope: Scope) -> list[list[Judgement]]:
    """Judge every claim on every data set that it is about; return its judgements, one per form.

    Args:
        rows: score rows, each score once; those that no rule names are ignored.
    """
    readings = Readings(rows, scope)
    return [
        [_judged(rules, claim, form, readings) for form, claim in rules.forms(known)]
        for known in rules.claims
    ]


def _judged(rules: Rules, claim: Claim, form: str, readings: Readings) -> Judgement:
    results, beside, scope = {}, {}, readings.scope
    for dataset, tests in rules.tests_of(claim, scope.datasets, scope.ablated).items():
        # What is compared with ablations that the preset has not is not run, and asks for nothing.
        models = models_of(t for t in tests if scope.ablated or not rules.of_ablations(t))
        results[dataset] = [_tested(rules, claim, t, models, readings, dataset) for t in tests]
        beside[dataset] = [readings.of(side, dataset) for side in claim.beside]
    return Judgement(claim, form, results, beside)


def _tested(
    rules: Rules, claim: Claim, test: ClaimTest, models: Sequence[str], readings: Readings, on: str
) -> Result:
    found = _compared(test, readings, on)
    if found.outcome == NOT_RUN:
        return found
    if why := unmet(rules, claim, test, models, readings, on):
        return dataclasses.replace(found, outcome=NOT_RUN, probability=None, reason=why)
    by_plain = test.with_sides(_by_plain)
    return found if by_plain == test else _both(found, _compared(by_plain, readings, on))


def _by_plain(side: Side) -> Side:
    """Return a side by the plain judges; the same side where they take no part in it."""
    return side.model_copy(update={"metric": PLAIN.get(side.metric, side.metric)})


def _compared(test: ClaimTest, readings: Readings, dataset: str) -> Result:
    """Return the result of a test as the numbers have it.

    Where more than noise is asked for, it takes a spread over trainings: errors over images or
    classes leave it out, so that they cannot tell whether a gap exceeds it, however small they are.
    """
    left, right = readings.pair(test.left, test.right, dataset)
    if reasons := dict.fromkeys(found.reason for found in (left, right) if found.reason):
        return Result(test, left, right, NOT_RUN, reason="; ".join(reasons))
    one = left.value.values
    # A constant has no noise, and as many seeds as it is compared with.
    other = right.value.values if right.value else (right.side,) * len(one)
    means = left.value.mean, right.value.mean if right.value else right.side
    gap, probability = means[0] - means[1], _probability(test, one, other)
    if not (abs(gap) <= test.margin if test.margin else ORDERS[test.op](*means)):
        return Result(test, left, right, FAILS, probability)
    if not test.beyond_noise or (probability is not None and probability >= SURE):
        return Result(test, left, right, HOLDS, probability)
    few = {1: "one seed", 2: "two seeds"}.get(min(len(one), len(other)))
    reason = f"{few} cannot tell how far trainings differ" if few else ""
    return Result(test, left, right, WITHIN, probability, reason)


def _both(robust: Result, plain: Result) -> Result:
    """Return a result by both kinds of judges: that of the robust ones where they are at one."""
    outcome, reason = robust.outcome, robust.reason
    if plain.outcome == NOT_RUN:
        outcome, reason = NOT_RUN, plain.reason
    elif (robust.outcome == FAILS) != (plain.outcome == FAILS):
        outcome = DEPENDS
        reason = f"by the robust judges it {robust.outcome}, by the plain ones it {plain.outcome}"
    probability = None if outcome == NOT_RUN else robust.probability
    return dataclasses.replace(
        robust, outcome=outcome, probability=probability, reason=reason, plain=plain
    )


def _probability(test: ClaimTest, one: Sequence[float], other: Sequence[float]) -> float | None:
    if test.margin:  # higher than the lower limit, and not higher than the upper one
        lower, upper = (
            probability_of_higher_mean(one, [value + by for value in other])
            for by in (-test.margin, test.margin)
        )
        return None if None in (lower, upper) else lower - upper
    return probability_of_higher_mean(*((one, other) if ">" in test.op else (other, one)))

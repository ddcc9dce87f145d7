"""Score rows held against the rules: the outcome of every test, the verdict on every claim."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from dlvae.errors import UserError
from dlvae.seeds import numpy_generator
from eval.intervals import (
    BOOTSTRAP_CLASSES,
    JACKKNIFE_IMAGES,
    MIN_VALUES,
    T_IMAGES,
    T_PATHS,
    TAILS,
    WILSON,
    Interval,
    over_seeds,
)
from eval.path_sizes import COLUMNS, paths_of
from eval.rows import NONE
from reports.aggregate import Cell, cell, probability_higher, rows_of
from reports.claim_rules import FAMILY, REAL, RENDERED, Claim, ClaimTest, Rules, Side
from reports.names import dataset_title, model_title

HOLDS, WITHIN, FAILS = "holds", "holds, within the noise", "fails"
REPLICATED, PARTLY, NOT_REPLICATED = "replicated", "partly", "not replicated"
NOT_RUN = "not run"  # of a test and of a claim

SURE = TAILS[1]
"""Probability from which noise no longer explains a test: that of a 95 % interval beside it."""

COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
"""What the operators mean but for `within`, see :class:`reports.claim_rules.ClaimTest`."""

NO_FACTORS = "only rendered images come with their factors"


@dataclass(frozen=True)
class Preset:
    """What a run could measure.

    Attributes:
        datasets: the toy data included, in printed order.
        groups: groups of the jackknife, by the protocol.
        ablated: data set of the ablations; empty if there are none.
        left_out: why a score was not asked for, by (data set, model, family).
    """

    datasets: Sequence[str]
    groups: int
    ablated: str = ""
    left_out: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """One side of a test on one data set.

    Attributes:
        side: what was measured, or a constant.
        cell: the metric itself; None for a constant, and where it is missing.
        value: what is compared: the metric as the side transforms it.
        n: images or points behind it, each number once.
        seeds: of the trainings; empty for a constant and for real images.
        classes: of the data set.
        reason: why there is nothing to compare; empty if there is.
    """

    side: Side | float
    cell: Cell | None = None
    value: Cell | None = None
    n: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    classes: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Result:
    """A test on one data set.

    Attributes:
        probability: that the inequality holds for what the scores estimate, see
            :func:`reports.aggregate.probability_higher`; None where that cannot be said.
        reason: why it was not run, or what is known of the noise.
    """

    test: ClaimTest
    left: Reading
    right: Reading
    outcome: str
    probability: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Judgement:
    """A claim judged.

    Attributes:
        results: by data set, in printed order; empty where the preset has no data to test it on.
        beside: readings that are not tested, by data set.
    """

    claim: Claim
    results: Mapping[str, Sequence[Result]]
    beside: Mapping[str, Sequence[Reading]]

    @property
    def outcomes(self) -> list[str]:
        """Return the outcome of every test on every data set."""
        return [result.outcome for results in self.results.values() for result in results]

    @property
    def verdict(self) -> str:
        """Return the verdict over all data sets."""
        return verdict(self.outcomes)


def verdict(outcomes: Iterable[str]) -> str:
    """Return what the outcomes of tests say of a claim.

    ``replicated``: every test holds, beyond the noise where that is asked for. ``not replicated``:
    none of those that were run holds at all. ``not run``: none was run. Else ``partly``, so also if
    all that were run hold and others were not run.
    """
    found = set(outcomes)
    if found <= {NOT_RUN}:
        return NOT_RUN
    if found == {HOLDS}:
        return REPLICATED
    return PARTLY if found & {HOLDS, WITHIN} else NOT_REPLICATED


def judge(rules: Rules, rows: pd.DataFrame, preset: Preset) -> list[Judgement]:
    """Judge every claim on every data set that it is about.

    Args:
        rows: score rows; those that no rule names are ignored.

    Raises:
        UserError: a score that is there twice.
    """
    keys = ["dataset", "model", "metric", "seed"]
    twice = rows[rows.duplicated(keys)]
    if not twice.empty:
        names = ", ".join(str(twice.iloc[0][key]) for key in keys)
        raise UserError(f"expected every score once, found two of {names}; name each file once")
    return [_judged(rules, claim, rows, preset) for claim in rules.claims]


def _judged(rules: Rules, claim: Claim, rows: pd.DataFrame, preset: Preset) -> Judgement:
    results, beside = {}, {}
    for dataset in rules.tested_on(claim, preset.datasets):
        tests = rules.tests_on(claim, dataset, preset.datasets, preset.ablated)
        found = [_tested(claim, test, rows, dataset, preset) for test in tests]
        if found:
            results[dataset] = found
            beside[dataset] = [_reading(side, rows, dataset, preset) for side in claim.beside]
    return Judgement(claim, results, beside)


def _tested(
    claim: Claim, test: ClaimTest, rows: pd.DataFrame, dataset: str, preset: Preset
) -> Result:
    if claim.synthetic_only and dataset not in RENDERED:
        nothing = (Reading(side, reason=NO_FACTORS) for side in (test.left, test.right))
        return Result(test, *nothing, NOT_RUN, reason=NO_FACTORS)
    left, right = (_reading(side, rows, dataset, preset) for side in (test.left, test.right))
    reason = _not_comparable(left, right)
    if reason:
        return Result(test, left, right, NOT_RUN, reason=reason)
    left, right = _constant_like(left, right), _constant_like(right, left)
    probability = _probability(claim, test, left, right, dataset, preset.groups)
    outcome, reason = FAILS, ""
    if _true(test, left.value.mean, right.value.mean):
        outcome = HOLDS
        if test.beyond_noise:
            outcome, reason = _beyond_noise(probability, left, right)
    return Result(test, left, right, outcome, probability, reason)


def _true(test: ClaimTest, left: float, right: float) -> bool:
    return abs(left - right) <= test.margin if test.margin else COMPARE[test.op](left, right)


def _beyond_noise(probability: float | None, left: Reading, right: Reading) -> tuple[str, str]:
    """Return the outcome of a test that asks for more than noise, and its reason.

    Errors over images or classes leave the variation between trainings out, so that they cannot
    tell whether a gap exceeds it, however small they are.
    """
    seeds = [len(reading.seeds) for reading in (left, right) if reading.seeds]
    if seeds and min(seeds) < MIN_VALUES:
        number = {1: "one seed", 2: "two seeds"}[min(seeds)]
        return WITHIN, f"{number} cannot tell how far trainings differ"
    if probability is None:
        return WITHIN, "no interval tells"
    return (HOLDS if probability >= SURE else WITHIN), ""


def _reading(side: Side | float, rows: pd.DataFrame, dataset: str, preset: Preset) -> Reading:
    if not isinstance(side, Side):
        return Reading(side)
    found = cell(rows, dataset, side.model, side.metric)
    name = f"{side.metric} of {model_title(side.model)}"
    if found is None:
        why = preset.left_out.get((dataset, side.model, FAMILY[side.metric]), "")
        text = f"no score {name} on {dataset_title(dataset)}"
        return Reading(side, reason=f"{text}: {why}" if why else text)
    chosen = rows_of(rows, dataset, side.model, side.metric)
    n = tuple(sorted({int(n) for n in chosen["n"]}))
    if found.reason:
        return Reading(side, n=n, reason=f"{name} on {dataset_title(dataset)} is {found.reason}")
    seeds = () if side.model == REAL else tuple(int(seed) for seed in chosen["seed"])
    classes = int(chosen.iloc[0]["classes"])
    return Reading(side, found, transformed(side, found), n, seeds, classes)


def transformed(side: Side, found: Cell) -> Cell:
    """Return times * |value - away_from| + plus of every seed, with the interval that it has.

    The interval of one seed is carried over linearly, so that it stays as wide: that of a distance
    may reach below 0.
    """
    centre = side.away_from
    values = tuple(
        side.times * (v if centre is None else abs(v - centre)) + side.plus for v in found.values
    )
    if len(values) > 1:
        return Cell(values, over_seeds(values))
    if found.interval is None:
        return Cell(values, None)
    below, above = found.interval.low - found.mean, found.interval.high - found.mean
    if centre is not None and found.mean < centre:
        below, above = -above, -below
    ends = (values[0] + side.times * below, values[0] + side.times * above)
    return Cell(values, Interval(*ends, found.interval.kind))


def _not_comparable(left: Reading, right: Reading) -> str:
    """Say why two readings cannot be compared; an empty string if they can."""
    reasons = list(dict.fromkeys(r.reason for r in (left, right) if r.reason))
    if reasons:
        return "; ".join(reasons)
    if left.seeds and right.seeds and left.seeds != right.seeds:
        names = [f"{model_title(r.side.model)} {_listed(r.seeds)}" for r in (left, right)]
        return f"the seeds differ: {', '.join(names)}"
    return ""


def _constant_like(reading: Reading, other: Reading) -> Reading:
    """Give a constant the form of what it is compared with: no noise, as many seeds."""
    if isinstance(reading.side, Side):
        return reading
    value = reading.side
    return Reading(
        value, value=Cell((value,) * len(other.value.values), Interval(value, value, NONE))
    )


def _probability(
    claim: Claim, test: ClaimTest, left: Reading, right: Reading, dataset: str, groups: int
) -> float | None:
    n = min([*left.n, *right.n])
    units = {
        JACKKNIFE_IMAGES: groups,
        BOOTSTRAP_CLASSES: max(left.classes, right.classes),
        T_IMAGES: n,
        WILSON: n,
        T_PATHS: min(_paths(left, n), _paths(right, n)),
    }
    draws = numpy_generator("claims", claim.id, dataset, test.name)
    if test.margin:  # higher than the lower limit, and not higher than the upper one
        limits = (_moved(right.value, -test.margin), _moved(right.value, test.margin))
        parts = [probability_higher(left.value, limit, units, draws) for limit in limits]
        return None if None in parts else parts[0] - parts[1]
    higher, lower = (left, right) if test.op in (">", ">=") else (right, left)
    return probability_higher(higher.value, lower.value, units, draws)


def _moved(found: Cell, by: float) -> Cell:
    """Return a number moved by a constant, as sure as it was."""
    interval = found.interval
    if interval is not None:
        interval = Interval(interval.low + by, interval.high + by, interval.kind)
    return Cell(tuple(value + by for value in found.values), interval)


def _paths(reading: Reading, n: int) -> int:
    """Return how many paths or traversals a reading is of; n where it is of images."""
    family = FAMILY[reading.side.metric] if isinstance(reading.side, Side) else ""
    if family == "walks":
        return paths_of(min(reading.n), reading.classes)
    return min(reading.n) // COLUMNS if family == "coordinates" else n


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))

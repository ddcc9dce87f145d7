"""The first line of a comparison: its rule, and what it says."""

import itertools
from types import SimpleNamespace

import pandas as pd
import pytest

from eval.metrics.intervals import Interval
from reports.compare.answer import BETTER, DECIDING, UNDECIDED, WORSE, answer, outcome
from reports.compare.difference import Difference

UP, DOWN, ZERO, NONE = (0.1, 0.3), (-0.3, -0.1), (-0.1, 0.3), None
SAID = {UP: 1, DOWN: -1, ZERO: 0, NONE: 0}


def change(ends):
    return ends and Difference(sum(ends) / 2, Interval(*ends, "welch95_seeds"), 0.9)


def comparison(models, agreement=(), judges=None, runs=3):
    """A candidate on the digits: the intervals of its differences in IS, top-1 and FID by model."""
    columns = ["dataset", "model", "metric", "seed", "value", "classes", "ci_low", "ci_kind"]
    shares = [
        ("digits", model, "judge_agreement", 0, share, 10, float("nan"), "none")
        for model, share in dict(agreement).items()
    ]
    return SimpleNamespace(
        rows=pd.DataFrame(shares, columns=columns),
        title="mine (candidate)",
        candidate=SimpleNamespace(name="mine"),
        stored=SimpleNamespace(protocol=SimpleNamespace(judges=SimpleNamespace(agreement=0.75))),
        differences={
            ("digits", model, metric): change(ends)
            for model, intervals in models.items()
            for metric, ends in zip(DECIDING, intervals, strict=True)
        },
        judges=judges or {},
        models=lambda dataset: list(models),
        of=lambda dataset: [None] * runs,
    )


@pytest.mark.parametrize("intervals", [*itertools.product(SAID, repeat=3)])
def test_one_for_it_and_none_against_it_is_better(intervals):
    # Of FID less is better.
    signs = {SAID[intervals[0]], SAID[intervals[1]], -SAID[intervals[2]]} - {0}
    expected = {frozenset({1}): BETTER, frozenset({-1}): WORSE}.get(frozenset(signs), UNDECIDED)
    assert outcome(comparison({"ours": intervals}), "digits", "ours") == expected


@pytest.mark.parametrize("whose", ["ours", "mine (candidate)"])
def test_where_judges_disagree_the_fid_decides_alone(whose):
    found = comparison({"ours": (UP, UP, ZERO)}, {whose: 0.7})
    assert outcome(found, "digits", "ours") == UNDECIDED
    assert "ours (FID +0.100 [-0.100, +0.300], IS and top-1 not counted)" in answer(found, "digits")
    assert outcome(comparison({"ours": (UP, UP, ZERO)}, {whose: 0.8}), "digits", "ours") == BETTER


def test_the_answer_names_every_stored_model_and_the_numbers_beside_ours():
    models = {"cvae": (UP, UP, UP), "cgan": (DOWN, ZERO, ZERO), "ours": (DOWN, ZERO, UP)}
    assert answer(comparison(models | {"ours_fitted": (NONE, ZERO, DOWN)}), "digits") == (
        "Handwritten digits: mine is **worse than** ours (IS -0.20 [-0.30, -0.10], top-1 +10.0 "
        "points [-10.0, +30.0], FID +0.200 [+0.100, +0.300]); cGAN, **better than** ours, fitted, "
        "**undecided against** cVAE."
    )


def test_without_ours_the_first_model_has_the_numbers():
    said = answer(comparison({"cvae": (UP, UP, DOWN)}), "digits")
    assert "**better than** cVAE (IS +0.20 [+0.10, +0.30]" in said
    assert said.endswith("**worse than** none, **undecided against** none.")


def test_it_says_what_it_does_not_know():
    few = answer(comparison({"ours": (UP, UP, DOWN)}, runs=1), "digits")
    assert few.endswith(" Of another training of it this says nothing.")
    foreign = comparison({"ours": (NONE, NONE, NONE)}, judges={"digits": ("a", "b")})
    assert outcome(foreign, "digits", "ours") == UNDECIDED
    assert answer(foreign, "digits").endswith(
        "Another evaluator judged it, so that nothing decides."
    )

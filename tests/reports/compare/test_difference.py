"""Differences and probabilities against computations of their own."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from eval.metrics.intervals import BOOTSTRAP_CLASSES, JACKKNIFE_IMAGES, WILSON
from eval.protocol import IntervalsRule
from eval.rows import COLUMNS
from reports.compare.difference import COMBINED, PAIRED, WELCH, difference

RULE = IntervalsRule(groups=20, draws=2000)
NAN = float("nan")


def side(model, metric, values, low=NAN, high=NAN, kind="none", classes=None):
    """Rows of a model: one per seed, and those of classes, float (S, C)."""
    records = []

    def add(name, seed, value, ends=(NAN, NAN, "none")):
        record = dict.fromkeys(COLUMNS, "") | {"dataset": "digits", "model": model, "seed": seed}
        record |= {"metric": name, "value": value, "n": 1000, "classes": 10}
        records.append(record | dict(zip(("ci_low", "ci_high", "ci_kind"), ends, strict=True)))

    for seed, value in enumerate(values):
        add(metric, seed, value, (low, high, kind))
        for label, score in enumerate([] if classes is None else classes[seed]):
            add(f"{metric}:class:{label}", seed, score)
    return pd.DataFrame(records)


def found(one, two, metric="inception_score"):
    models = one["model"].iloc[0], two["model"].iloc[0]
    return difference(pd.concat([one, two]), "digits", models, metric, RULE)


def test_three_seeds_on_both_sides_are_compared_by_welch():
    a, b = [7.0, 7.4, 7.9, 7.2], [6.8, 7.3, 7.1]
    change = found(side("new", "inception_score", a), side("old", "inception_score", b))
    va, vb = np.var(a, ddof=1) / 4, np.var(b, ddof=1) / 3
    freedom = (va + vb) ** 2 / (va**2 / 3 + vb**2 / 2)
    half = stats.t.ppf(0.975, freedom) * math.sqrt(va + vb)
    value = np.mean(a) - np.mean(b)
    assert change.value == pytest.approx(value)
    assert change.interval.kind == WELCH
    assert change.interval.low == pytest.approx(value - half)
    assert change.interval.high == pytest.approx(value + half)
    welch = stats.ttest_ind(a, b, equal_var=False, alternative="greater")
    assert change.better == pytest.approx(1 - welch.pvalue)


def test_of_fid_less_is_better():
    a, b = [3.0, 3.5, 4.0], [5.0, 3.7, 6.0]
    change = found(side("new", "fid", a), side("old", "fid", b), "fid")
    welch = stats.ttest_ind(a, b, equal_var=False, alternative="less")
    assert change.value < 0 and change.better == pytest.approx(1 - welch.pvalue)


def test_runs_without_any_spread_have_an_interval_of_no_width():
    change = found(
        side("new", "recall", [0.5] * 3), side("old", "recall", [0.25] * 3), metric="recall"
    )
    assert (change.interval.low, change.interval.high, change.better) == (0.25, 0.25, 1.0)


def test_one_seed_each_adds_the_errors_of_the_images():
    one = side("new", "inception_score", [7.5], 7.2, 7.8, JACKKNIFE_IMAGES)
    two = side("old", "inception_score", [7.1], 6.7, 7.5, JACKKNIFE_IMAGES)
    change = found(one, two)
    half = math.sqrt(0.3**2 + 0.4**2)
    assert change.value == pytest.approx(0.4) and change.interval.kind == COMBINED
    assert (change.interval.low, change.interval.high) == pytest.approx((0.4 - half, 0.4 + half))
    assert change.better is None  # nothing says how far trainings differ


def test_uneven_intervals_stay_uneven():
    """Newcombe's interval of two shares, from his paper's example: 56/70 and 48/80."""
    ends = {}
    for name, share, n in (("new", 56 / 70, 70), ("old", 48 / 80, 80)):
        interval = stats.binomtest(round(share * n), n).proportion_ci(method="wilson")
        ends[name] = side(name, "precision", [share], interval.low, interval.high, WILSON)
    change = found(ends["new"], ends["old"], "precision")
    assert (change.interval.low, change.interval.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_a_single_run_beside_stored_seeds_takes_both_intervals():
    b = [6.9, 7.0, 7.3]
    one = side("new", "inception_score", [7.5], 7.4, 7.6, JACKKNIFE_IMAGES)
    change = found(one, side("old", "inception_score", b, 1, 2, JACKKNIFE_IMAGES))
    half = stats.t.ppf(0.975, 2) * np.std(b, ddof=1) / math.sqrt(3)
    mean, units = np.mean(b), (np.mean(b) - 1) / 9  # ten classes, by which their interval is uneven
    half /= 9 * units * (1 - units)
    low, high = (1 + 9 * special.expit(special.logit(units) + sign * half) for sign in (-1, 1))
    ends = 7.5 - mean - math.hypot(0.1, high - mean), 7.5 - mean + math.hypot(0.1, mean - low)
    assert change.interval.kind == COMBINED
    assert (change.interval.low, change.interval.high) == pytest.approx(ends)
    assert change.better is None


def test_two_seeds_give_a_difference_and_nothing_more():
    one = side("new", "inception_score", [7.5, 7.6], 7.4, 7.6, JACKKNIFE_IMAGES)
    two = side("old", "inception_score", [7.1], 6.7, 7.5, JACKKNIFE_IMAGES)
    change = found(one, two)
    assert change.value == pytest.approx(0.45)
    assert change.interval is None and change.better is None


def test_classes_are_paired_where_their_rows_are_there():
    draws = np.random.default_rng(3)
    shared = np.linspace(0.1, 0.6, 10)
    ours, theirs = shared + draws.normal(0.02, 0.01, 10), shared + draws.normal(0, 0.01, 10)
    metric = "d_intra_standard"
    ends = (0.2, 0.5, BOOTSTRAP_CLASSES)
    one = side("new", metric, [ours.mean()], *ends, [ours])
    two = side("old", metric, [theirs.mean()], *ends, [theirs])
    change = found(one, two, metric)
    apart = ours - theirs
    half = stats.t.ppf(0.975, 9) * apart.std(ddof=1) / math.sqrt(10)
    assert change.value == pytest.approx(apart.mean()) and change.interval.kind == PAIRED
    width = change.interval.high - change.interval.low
    assert width == pytest.approx(2 * half, rel=0.35)  # a bootstrap, beside the t interval
    assert change.better is None
    # As if the classes were not shared the gap would drown.
    assert change.interval.low > 0 and width < 0.1 * (0.5 - 0.2)


@pytest.mark.parametrize(("ours", "theirs"), [(10, 9), (4, 4)])
def test_classes_that_differ_or_are_few_are_no_pairs(ours, theirs):
    metric, ends = "d_intra_standard", (0.2, 0.5, BOOTSTRAP_CLASSES)
    scores = [np.linspace(0.2, 0.5, count) for count in (ours, theirs)]
    one, two = (
        side(m, metric, [0.3], *ends, [s]) for m, s in zip(("new", "old"), scores, strict=True)
    )
    assert found(one, two, metric).interval.kind == COMBINED


def test_a_known_spread_over_seeds_is_not_left_out():
    metric = "d_intra_standard"
    shared = np.linspace(0.1, 0.6, 10)
    seeds = [shared + 0.01, shared + 0.03, shared - 0.01]
    means = [values.mean() for values in seeds]
    stored = side("old", metric, means, 0.2, 0.5, BOOTSTRAP_CLASSES, seeds)
    # One of the stored seeds as a candidate: its classes are the same, and it is no other model.
    new = side("new", metric, [seeds[2].mean()], 0.2, 0.5, BOOTSTRAP_CLASSES, [seeds[2]])
    change = found(new, stored, metric)
    assert change.value == pytest.approx(-0.02) and change.interval.kind == COMBINED
    assert change.interval.low < 0 < change.interval.high
    assert change.better is None


def test_what_has_no_value_has_no_difference():
    one = side("new", "fid", [NAN], kind="n/a: needs n > 64")
    two = side("old", "fid", [3.0], 2.9, 3.1, JACKKNIFE_IMAGES)
    assert found(one, two, "fid") is None and found(two, one, "fid") is None
    assert difference(two, "digits", ("old", "nobody"), "fid", RULE) is None

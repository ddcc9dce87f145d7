"""Intervals that stay within what a score can be: ends, agreement with t, coverage."""

import math

import numpy as np
import pytest
from scipy import special, stats

from eval.families import FAMILIES
from eval.metrics.intervals import T_SEEDS, Interval, t_interval
from eval.metrics.ranges import T_SEEDS_LOG, T_SEEDS_LOGIT, Range, range_of
from eval.rows import read_rows
from reports.freeze.stored import STORED

SHARE, INCEPTION, DISTANCE, DETERMINED = Range(0, 1), Range(1, 10), Range(low=0), Range(high=1)
RANGES = [SHARE, INCEPTION, DISTANCE, DETERMINED]
SEEDS = {
    "in the middle": (0.42, 0.5, 0.61),
    "far apart": (0.05, 0.5, 0.92),
    "at the ends": (0.0, 1.0, 1.0),
    "near the upper end": (0.98, 0.999, 1.0),
    "one off the lower end": (0.0, 0.0, 1e-12),
    "many": tuple(np.linspace(0, 1, 11) ** 3),
}


def reference(values, within):
    """The t interval of f(mean) by f of scipy and a numeric derivative, carried back."""
    low, high = within.low, within.high
    if math.isfinite(high - low):
        f, back = special.logit, special.expit
        units, ends = (np.array(values) - low) / (high - low), (low, high)
    else:
        f, back, ends = np.log, np.exp, (low, low + 1) if math.isfinite(low) else (high, high - 1)
        units = (np.array(values) - ends[0]) / (ends[1] - ends[0])
    mean, step = (
        units.mean(),
        1e-6 * min(units.mean(), 1 - units.mean() if f is special.logit else 1),
    )
    slope = (f(mean + step) - f(mean - step)) / (2 * step)
    half = stats.t.ppf(0.975, len(units) - 1) * stats.sem(units) * slope
    return sorted(ends[0] + (ends[1] - ends[0]) * back(f(mean) + sign * half) for sign in (-1, 1))


def within_ends(found, within):
    return within.low <= found.low <= found.high <= within.high


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("within", RANGES, ids=str)
def test_ends_are_kept_and_the_mean_is_inside(within, seeds):
    width = within.high - within.low if math.isfinite(within.high - within.low) else 1
    first = within.low if math.isfinite(within.low) else within.high - width
    values = first + width * np.array(SEEDS[seeds])
    found = within.over_seeds(values)
    assert within_ends(found, within) and found.low <= values.mean() <= found.high
    expected = reference(values, within)
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(
    ("within", "values"),
    [
        (SHARE, (0.5, 0.502, 0.499)),
        (INCEPTION, (5.5, 5.52, 5.49)),
        (DISTANCE, (43.0, 43.1, 42.95)),
        (DETERMINED, (-5.0, -5.01, -4.99)),
    ],
    ids=str,
)
def test_far_from_the_ends_it_is_the_t_interval(within, values):
    found, plain = within.over_seeds(values), t_interval(values, T_SEEDS)
    ends = (plain.low, plain.high)
    assert (found.low, found.high) == pytest.approx(ends, abs=0.02 * (plain.high - plain.low))


def test_what_was_printed_beyond_the_ends():
    values = (0.9418, 0.5, 0.0205)  # as precision of three trainings
    assert t_interval(values, T_SEEDS).low < 0 and t_interval(values, T_SEEDS).high > 1
    found = SHARE.over_seeds(values)
    assert found.kind == T_SEEDS_LOGIT and 0 < found.low < 0.05 and 0.95 < found.high < 1


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_equal_values_have_no_width(value):
    assert SHARE.over_seeds([value] * 3) == Interval(value, value, T_SEEDS_LOGIT)


def test_two_seeds_have_no_interval_and_scores_without_ends_the_t_interval():
    assert SHARE.over_seeds([0.5, 0.6]) is None
    assert Range().over_seeds([-1, 2, 3]) == t_interval([-1, 2, 3], T_SEEDS)
    beyond = [0.5, 0.6, 1.2]  # no share after all
    assert SHARE.over_seeds(beyond) == t_interval(beyond, T_SEEDS)
    rounded = SHARE.over_seeds([1.0, 1.0, 1 + 2**-52])
    assert within_ends(rounded, SHARE)


def test_an_interval_is_cut_at_the_ends():
    assert SHARE.cut(Interval(-0.1, 1.2, "wilson95")) == Interval(0, 1, "wilson95")
    assert SHARE.of_differences() == Range(-1, 1) and INCEPTION.of_differences() == Range(-9, 9)
    assert DISTANCE.of_differences() == Range() == Range().of_differences()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [((2, None, -0.5), (-0.5, 1.5)), ((1, 0.75, 0), (0, 0.75)), ((3, 2.0, 1), (4, 7))],
)
def test_the_range_of_a_side_of_a_claim(changes, expected):
    found = SHARE.changed(*changes)
    assert (found.low, found.high) == pytest.approx(expected)
    assert DISTANCE.changed(1, 1.25, 0) == Range(low=0)


@pytest.mark.parametrize(
    ("within", "draw"),
    [
        (SHARE, lambda generator, shape: generator.beta(19, 1, shape)),
        (SHARE, lambda generator, shape: generator.beta(4.5, 0.5, shape)),
        (DISTANCE, lambda generator, shape: generator.gamma(2.0, 1.0, shape)),
    ],
    ids=["shares about 0.95", "shares about 0.9, far apart", "distances"],
)
def test_it_covers_the_mean_about_as_often_as_it_says_and_oftener_than_t(within, draw):
    generator = np.random.default_rng(0)
    truth = draw(generator, 1_000_000).mean()
    trials = [values for values in draw(generator, (3000, 3))]

    def coverage(intervals):
        return np.mean([one.low <= truth <= one.high for one in intervals])

    found = coverage(within.over_seeds(values) for values in trials)
    plain = coverage(t_interval(values, T_SEEDS) for values in trials)
    assert 0.92 < found < 0.97 and found > plain + 0.02


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("precision", T_SEEDS_LOGIT),
        ("label_fidelity:plain:judge0", T_SEEDS_LOGIT),
        ("inception_score:half", T_SEEDS_LOGIT),
        ("fid", T_SEEDS_LOG),
        ("factor_r2:azimuth", T_SEEDS_LOG),
        ("kid", T_SEEDS),
        ("mine", T_SEEDS),
    ],
)
def test_metrics_have_their_ranges(metric, kind):
    value = 1.0 if metric.startswith("inception") else 0.9
    assert range_of(metric, 10).over_seeds([value, 1.0, value]).kind == kind


def test_every_metric_that_pages_name_has_a_range_or_is_known_to_have_none():
    without = {"kid", "inpaint_psnr", "information_bound", "information_ceiling"}
    without |= {"coordinate_index", "effect_coordinate"}  # numbers of coordinates
    names = {metric.partition(":")[0] for family in FAMILIES.values() for metric in family.metrics}
    assert {name for name in names if range_of(name, 10) == Range()} == without


def test_stored_scores_are_within_their_ranges():
    rows = read_rows([STORED / "quick" / "scores.csv"])
    rows = rows[rows["value"].notna()]
    beyond = [
        (metric, value)
        for metric, value, classes in rows[["metric", "value", "classes"]].itertuples(index=False)
        if value not in range_of(metric, classes)
    ]
    assert beyond == [] and len(rows) > 10_000

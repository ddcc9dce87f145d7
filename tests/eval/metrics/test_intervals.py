"""Intervals of scores: formulas against SciPy and torch-fidelity, coverage by simulation."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric

from dlvae.stage.errors import UserError
from eval.metrics.inception_score import measured_inception_score
from eval.metrics.intervals import (
    T_IMAGES,
    T_PATHS,
    T_SEEDS,
    T_SUBSETS,
    Interval,
    delete_a_group,
    jackknife,
    jackknife_groups,
    over_classes,
    over_judges,
    probability_of_higher_mean,
    proportion,
    t_interval,
)
from eval.protocol import load_protocol

CONFIG = Path(__file__).resolve().parents[3] / "config"
RULES = load_protocol(CONFIG / "protocol" / "v2.yaml")


def draws(seed=0):
    return np.random.default_rng(seed)


def coverage(make, truth, repetitions):
    """Share of intervals ``make(generator)`` that hold the truth."""
    found = [make(draws(seed)) for seed in range(repetitions)]
    return np.mean([interval.low <= truth <= interval.high for interval in found])


def ends(interval):
    return interval.low, interval.high


def inception_score_interval(logits, labels, groups, generator):
    intervals = RULES.intervals.model_copy(update={"groups": groups})
    rules = RULES.model_copy(update={"intervals": intervals})
    return measured_inception_score(logits, labels, rules, generator)[0]


def population(generator, classes, per_class, confidence, scale):
    """Logits of a classifier that sees the class asked for, more or less, and their labels."""
    labels = np.repeat(np.arange(classes), per_class)
    logits = generator.normal(0, scale, (len(labels), classes))
    logits[np.arange(len(labels)), labels] += confidence
    return logits.astype(np.float32), labels


def torch_fidelity_score(logits):
    return isc_features_to_metric(torch.from_numpy(logits), splits=1)[KEY_METRIC_ISC_MEAN]


# Seeds and subsets


def test_intervals_over_seeds_subsets_images_and_paths_are_those_of_a_t_test():
    values = draws().normal(3, 2, 7)
    expected = tuple(stats.ttest_1samp(values, 0).confidence_interval(0.95))
    for kind in (T_SEEDS, T_SUBSETS, T_IMAGES, T_PATHS):
        found = t_interval(values, kind)
        assert ends(found) == pytest.approx(expected, rel=1e-12)
        assert found.kind == kind


def test_two_values_give_no_interval():
    assert t_interval([1.0, 2.0], T_SEEDS) is None and t_interval([], T_SUBSETS) is None
    assert t_interval([1.0, 2.0, 3.0], T_SEEDS) is not None


@pytest.mark.parametrize("values", [3, 10])
def test_coverage_over_seeds(values):
    found = coverage(lambda g: t_interval(g.normal(5, 2, values), T_SEEDS), 5, 700)
    assert 0.925 <= found <= 0.975  # 3 standard errors of a share of 700


def test_coverage_over_subsets_of_an_unbiased_score():
    """The squared distance of two means, without its bias, as KID is: skewed, on 10 subsets."""

    def make(generator):
        x = generator.normal(0.5, 1, (10, 40))
        return t_interval(x.mean(axis=1) ** 2 - x.var(axis=1, ddof=1) / 40, T_SUBSETS)

    assert 0.9 <= coverage(make, 0.25, 700) <= 0.985


# Classes


SCORES = {
    "normal": (lambda g, n: g.normal(0.5, 0.1, n), 0.5),
    "bounded": (lambda g, n: g.beta(5, 3, n), 5 / 8),
    "skewed": (lambda g, n: g.exponential(0.2, n), 0.2),
}


@pytest.mark.parametrize("classes", [10, 30, 100])
@pytest.mark.parametrize("kind", SCORES)
def test_coverage_over_classes(kind, classes):
    draw, truth = SCORES[kind]
    repetitions = 300 if classes < 100 else 100  # a standard error of 1.3 and 2.2 %
    found = coverage(lambda g: over_classes(draw(g, classes), g, 500), truth, repetitions)
    assert 0.9 <= found <= 0.985


def test_the_percentile_interval_of_ten_skewed_classes_covers_too_little():
    """What the studentised bootstrap is there for."""

    def percentile(generator):
        values = generator.exponential(0.2, 10)
        return Interval(
            *np.quantile(generator.choice(values, (300, 10)).mean(axis=1), (0.025, 0.975)), ""
        )

    assert coverage(percentile, 0.2, 500) < 0.9


def test_one_outlying_class_leaves_the_interval_near_the_scores():
    """Plain bootstrap-t divides by the spread of nine near-equal scores: ends of +-50."""
    values = np.append(0.001 + 1e-5 * draws().normal(size=9), 0.1)
    found = over_classes(values, draws())
    assert -0.2 < found.low < 0.001 and 0.03 < found.high < 0.2


def test_the_longer_side_over_classes_is_that_of_the_long_tail():
    values = draws(1).exponential(1, 20)
    found = over_classes(values, draws())
    assert found.kind == "bootstrap95_classes"
    assert found.high - values.mean() > 1.2 * (values.mean() - found.low)
    mirrored = over_classes(-values, draws())
    assert -mirrored.low - values.mean() > 1.2 * (values.mean() + mirrored.high)


def test_over_classes_follows_units_and_seed():
    values = draws().beta(5, 3, 12)
    found = over_classes(values, draws())
    assert over_classes(tuple(values), draws()) == found != over_classes(values, draws(1))
    scaled = over_classes(100 * values - 7, draws())
    assert ends(scaled) == pytest.approx([100 * end - 7 for end in ends(found)], rel=1e-9)


def test_equal_and_few_classes():
    assert ends(over_classes([0.1] * 9, draws())) == (0.1, 0.1)
    assert over_classes([0.1, 0.2, 0.3, 0.4], draws()) is None


# Images


@pytest.mark.parametrize("sizes", [(40, 40, 40), (7, 1, 23, 12), (3, 3, 3, 3, 3, 3, 3)])
def test_groups_split_every_class_evenly(sizes):
    labels = draws().permutation(np.repeat(np.arange(len(sizes)) * 5, sizes))
    assignment = jackknife_groups(labels, 8, draws())
    assert assignment.dtype == np.int64 and assignment.shape == labels.shape
    for part in (assignment, *(assignment[labels == label] for label in np.unique(labels))):
        assert np.ptp(np.bincount(part, minlength=8)) <= 1


def test_groups_are_drawn_by_the_generator():
    labels = np.repeat([0, 1], 50)
    first = jackknife_groups(labels, 5, draws())
    assert np.array_equal(first, jackknife_groups(labels, 5, draws()))
    assert 60 < np.sum(first != jackknife_groups(labels, 5, draws(1))) < 100


def test_the_jackknife_of_a_mean_is_its_t_interval():
    """With one image per group the formula is s / sqrt(n)."""
    values = draws().normal(3, 2, 15)
    found = delete_a_group(lambda kept: values[kept].mean(), draws().permutation(15))
    expected = tuple(stats.ttest_1samp(values, 0).confidence_interval(0.95))
    assert ends(found) == pytest.approx(expected, rel=1e-12)
    assert found.kind == "jackknife95_images"


def test_the_jackknife_by_hand():
    values, assignment = np.array([1.0, 2.0, 4.0, 8.0, 3.0, 3.0]), np.array([0, 1, 2, 0, 1, 2])
    found = delete_a_group(lambda kept: np.log(values[kept].sum()), assignment)
    left_out = np.log([12, 16, 14])
    error = math.sqrt(2 / 3 * np.sum((left_out - left_out.mean()) ** 2))
    half = stats.t.ppf(0.975, 2) * error
    assert ends(found) == pytest.approx((np.log(21) - half, np.log(21) + half), rel=1e-12)


def test_differences_between_classes_stay_out_of_the_interval():
    """A set with a fixed number per class varies by the spread within classes alone."""
    labels = np.repeat(np.arange(10), 40)
    values = 100.0 * labels + draws().normal(0, 1, 400)
    assignment = jackknife_groups(labels, 20, draws())
    low, high = ends(delete_a_group(lambda kept: values[kept].mean(), assignment))
    error = (high - low) / 2 / stats.t.ppf(0.975, 20 - 1)
    assert error == pytest.approx(1 / math.sqrt(400), rel=0.5)
    assert error < values.std() / math.sqrt(400) / 100


def test_the_interval_of_extreme_logits_is_a_point():
    """Every group holds every class equally often, so that leaving one out changes nothing."""
    labels = np.repeat(np.arange(7), 4)
    certain = 5000 * np.eye(7, dtype=np.float32)[labels]
    for logits, score in ((certain, 7), (np.zeros_like(certain), 1), (certain[[2] * 28], 1)):
        found = inception_score_interval(logits, labels, 4, draws())
        assert ends(found) == pytest.approx((score, score))


@pytest.mark.parametrize(
    ("per_class", "groups", "confidence", "scale"),
    # The last has groups of more than two blocks.
    [(30, 6, 3, 2), (3, 6, 60, 25), (2000, 2, 8, 3)],
)
def test_the_interval_of_the_inception_score_is_the_jackknife_of_it(
    per_class, groups, confidence, scale
):
    """Also of logits so sharp that one group alone holds a class."""
    logits, labels = population(draws(), 9, per_class, confidence, scale)
    found = inception_score_interval(logits, labels, groups, draws(3))
    expected = delete_a_group(
        lambda kept: torch_fidelity_score(logits[kept]), jackknife_groups(labels, groups, draws(3))
    )
    assert ends(found) == pytest.approx(ends(expected), abs=1e-6)
    assert found.kind == expected.kind == "jackknife95_images"


def test_coverage_of_the_inception_score():
    setting = {"classes": 10, "confidence": 3, "scale": 2}
    truth = torch_fidelity_score(population(draws(10**6), per_class=10_000, **setting)[0])

    def make(generator):
        logits, labels = population(generator, per_class=40, **setting)
        return inception_score_interval(logits, labels, 20, generator)

    assert 0.91 <= coverage(make, truth, 300) <= 0.985


def test_the_bootstrap_of_images_is_off_where_the_jackknife_is_not():
    """Few images per class: duplicates lower the score by more than its standard error."""
    classes, per_class = 30, 5

    def images(generator):
        return population(generator, classes, per_class, 0, 6)

    def jackknife(generator):
        return inception_score_interval(*images(generator), 20, generator)

    def bootstrap(generator):
        logits, _ = images(generator)
        first = np.arange(classes)[:, None] * per_class
        resamples = first + generator.integers(0, per_class, (30, classes, per_class))
        scores = [torch_fidelity_score(logits[kept.ravel()]) for kept in resamples]
        return Interval(*np.quantile(scores, (0.025, 0.975)), "")

    scores = [torch_fidelity_score(images(draws(10**6 + seed))[0]) for seed in range(300)]
    expected = np.mean(scores)  # of a set of this size
    assert 0.9 <= coverage(jackknife, expected, 150) <= 0.985
    assert coverage(bootstrap, expected, 50) < 0.75
    centres = [sum(ends(bootstrap(draws(seed)))) / 2 for seed in range(20)]
    assert np.mean(centres) < expected - np.std(scores)


@pytest.mark.parametrize("assignment", [[0, 0, 0], [0, 2, 2], [1, 2, 1], [-1, 0, 1]])
def test_groups_that_are_none_are_refused(assignment):
    with pytest.raises(UserError, match="at least 2 groups numbered from 0"):
        delete_a_group(np.mean, np.array(assignment))


def test_judges_that_differ_widen_an_interval_in_quadrature():
    by_judge = [8.0, 9.0, 10.0]
    found = over_judges(Interval(8.7, 9.4, "jackknife95_images"), by_judge)
    half = stats.t.ppf(0.975, 2) * 1.0 / np.sqrt(3)
    assert found.low == pytest.approx(9 - np.hypot(0.3, half))
    assert found.high == pytest.approx(9 + np.hypot(0.4, half))
    assert found.kind == "jackknife95_images_judges"
    alone = Interval(8.7, 9.4, "jackknife95_images")
    assert over_judges(alone, [9.0]) is alone
    same = over_judges(Interval(0.5, 0.7, "wilson95"), [0.6, 0.6, 0.6])
    assert (same.low, same.high, same.kind) == (pytest.approx(0.5), 0.7, "wilson95_judges")


def test_intervals_with_judges_cover_the_mean_over_all_judges():
    """Judges and images drawn anew: about 95 % of the intervals hold the truth."""
    generator, covered = draws(5), 0
    for _ in range(400):
        images = generator.normal(0, 0.2)
        by_judge = images + generator.normal(0, 0.3, 3)
        mean, half = by_judge.mean(), stats.norm.ppf(0.975) * 0.2
        found = over_judges(Interval(mean - half, mean + half, "wilson95"), by_judge)
        covered += found.low <= 0 <= found.high
    assert 0.92 <= covered / 400 <= 1.0


def test_one_score_left_out_is_no_jackknife():
    with pytest.raises(UserError, match="at least 2 groups, found 1"):
        jackknife(0.5, [0.5])


def test_images_that_do_not_fit_are_refused():
    logits, labels = population(draws(), 3, 4, 1, 1)
    assert inception_score_interval(logits, labels, 13, draws()).kind == "none"
    with pytest.raises(UserError, match=r"expected 12 integer labels.*\(11,\)"):
        inception_score_interval(logits, labels[1:], 4, draws())
    logits[5, 1] = np.nan
    with pytest.raises(UserError, match="logits: expected finite"):
        inception_score_interval(logits, labels, 4, draws())
    with pytest.raises(UserError, match="scores of the images kept: expected finite"):
        delete_a_group(lambda kept: np.nan if 0 in kept else 1.0, np.array([0, 1, 2]))


# Shares


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (7, 20), (4960, 5000), (5000, 5000)])
def test_wilson_holds_the_shares_that_a_score_test_accepts(successes, n):
    found = proportion(successes, n)
    assert found.kind == "wilson95"
    assert 0 <= found.low <= successes / n <= found.high <= 1
    for end in ends(found):
        if 0 < end < 1 and end != successes / n:
            z = (successes / n - end) / math.sqrt(end * (1 - end) / n)
            assert abs(z) == pytest.approx(stats.norm.ppf(0.975), rel=1e-6)


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (7, 20), (4960, 5000), (5000, 5000)])
def test_wilson_is_that_of_scipy(successes, n):
    theirs = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert ends(proportion(successes, n)) == pytest.approx(tuple(theirs), rel=1e-13)


@pytest.mark.parametrize(("n", "share"), [(50, 0.5), (200, 0.9), (300, 0.97)])
def test_exact_coverage_of_wilson(n, share):
    found = [proportion(successes, n) for successes in range(n + 1)]
    held = [interval.low <= share <= interval.high for interval in found]
    assert 0.93 <= np.sum(stats.binom.pmf(np.arange(n + 1), n, share) * held) <= 0.97


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(UserError, match=f"found {successes} of {n}"):
        proportion(successes, n)


# One model against another


@pytest.mark.parametrize(("n", "m"), [(3, 3), (4, 7), (20, 3)])
def test_the_probability_of_a_higher_mean_is_that_of_welchs_test(n, m):
    one, other = draws().normal(7.4, 0.2, n), draws(1).normal(7.1, 0.6, m)
    welch = stats.ttest_ind(one, other, equal_var=False, alternative="greater")
    found = probability_of_higher_mean(one, other)
    assert found == pytest.approx(1 - welch.pvalue, rel=1e-10)
    assert probability_of_higher_mean(other, one) == pytest.approx(1 - found, rel=1e-10)
    assert probability_of_higher_mean(one + 100, other + 100) == pytest.approx(found)


def test_a_side_without_spread_leaves_the_t_test_of_the_other():
    values = [0.4, 0.6, 0.7]
    one = stats.ttest_1samp(values, 0.5, alternative="greater")
    found = probability_of_higher_mean(values, [0.5] * 3)
    assert found == pytest.approx(1 - one.pvalue, rel=1e-10)
    cases = (([2] * 3, [1] * 3, 1.0), ([1] * 3, [2] * 3, 0.0), ([0.1] * 3, [0.1] * 4, 0.5))
    for left, right, expected in cases:
        assert probability_of_higher_mean(left, right) == expected


def test_the_probability_of_a_higher_mean_needs_three_seeds_of_both():
    assert probability_of_higher_mean([1.0, 2.0, 3.0], [1.0, 2.0]) is None
    assert probability_of_higher_mean([7.0], [1.0]) is None
    with pytest.raises(UserError, match="scores of the other: expected finite"):
        probability_of_higher_mean([1, 2, 3], [1, math.nan, 2])


def test_equal_models_are_called_better_as_often_as_the_level_says():
    """Over repeated runs P is uniform, as a p value is: 0.975 is passed in 2.5 % of them."""
    scores = draws().normal(0, 1, (4000, 2, 3))
    found = np.array([probability_of_higher_mean(*pair) for pair in scores])
    assert (found > 0.975).mean() < 0.035 and (found < 0.025).mean() < 0.035


@pytest.mark.parametrize(
    "over", [lambda v: t_interval(v, T_SEEDS), lambda v: over_classes(v, draws())]
)
def test_scores_that_are_not_finite_are_refused(over):
    with pytest.raises(UserError, match="expected finite numbers"):
        over([1.0, 2.0, math.nan, 3.0, 4.0, 5.0])

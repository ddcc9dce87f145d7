"""Precision, recall, density and coverage against a literal reading of their definitions."""

import numpy as np
import pytest

from eval.metrics.intervals import jackknife_groups, proportion
from eval.metrics.sets import distances, manifolds
from eval.metrics.sets.manifolds import density_coverage, precision_recall


def points(n, seed=0, shift=0.0, width=4):
    return np.random.default_rng(seed).normal(size=(n, width)) + shift


def distance(x, y):
    return np.sqrt(((x - y) ** 2).sum())


def radius(features, index, k):
    """Distance of one point to its k-th nearest other one."""
    others = [distance(features[index], y) for j, y in enumerate(features) if j != index]
    return sorted(others)[k - 1]


def inside(points, manifold, k):
    """Share of points within the ball of any point of the manifold (Kynkäänniemi, Eq. 1)."""
    radii = [radius(manifold, i, k) for i in range(len(manifold))]
    hits = [any(distance(x, y) <= r for y, r in zip(manifold, radii, strict=True)) for x in points]
    return sum(hits) / len(hits)


def literal_density_coverage(generated, real, k):
    radii = [radius(real, i, k) for i in range(len(real))]
    balls = [[distance(x, y) < r for x in generated] for y, r in zip(real, radii, strict=True)]
    density = sum(map(sum, balls)) / (k * len(generated))
    return density, sum(map(any, balls)) / len(real)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_precision_and_recall_are_the_definitions(k, kind):
    generated, real = points(50).astype(kind), 1.3 * points(70, 1, 0.4).astype(kind)
    found = precision_recall(generated, real, k)
    assert found["precision"].value == pytest.approx(inside(generated, real, k))
    assert found["recall"].value == pytest.approx(inside(real, generated, k))
    assert 0 < found["precision"].value < 1 and 0 < found["recall"].value < 1
    assert found["precision"].value != found["recall"].value
    assert found["precision"].n == found["recall"].n == 50


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_density_and_coverage_are_the_definitions(k, kind):
    generated, real = points(50).astype(kind), 1.3 * points(70, 1, 0.4).astype(kind)
    found = density_coverage(generated, real, k)
    density, coverage = literal_density_coverage(generated, real, k)
    assert found["density"].value == pytest.approx(density)
    assert found["coverage"].value == pytest.approx(coverage)
    assert 0 < coverage < 1 and 0 < density != coverage
    assert found["density"].n == found["coverage"].n == 50


@pytest.mark.parametrize("elements", [1, 3000, 1 << 20])
@pytest.mark.parametrize(
    ("metrics", "name"), [(precision_recall, "recall"), (density_coverage, "coverage")]
)
def test_what_is_left_without_a_group_is_the_metric_of_the_rest(
    metrics, name, elements, monkeypatch
):
    """Groups of 1, 2, 3, ... images, fewer and more than k."""
    generated, real = points(45), 1.3 * points(70, 1, 0.4)
    groups = np.random.default_rng(2).permutation(np.repeat(np.arange(9), np.arange(1, 10)))
    monkeypatch.setattr(distances, "ELEMENTS", elements)
    found = metrics(generated, real, groups=groups)
    expected = [metrics(generated[groups != g], real)[name].value for g in range(9)]
    assert found[name].parts == pytest.approx(expected, abs=1e-6)
    assert len(set(expected)) > 3
    assert {m: v.value for m, v in found.items()} == {
        m: v.value for m, v in metrics(generated, real).items()
    }
    assert metrics(generated, real)[name].parts is None


def test_a_group_that_leaves_too_few_images_for_the_neighbours():
    groups = np.array([0, 0, 1, 1, 1])
    found = precision_recall(points(5), points(9, 1), groups=groups)["recall"]
    assert found.value is not None and found.parts is None
    assert density_coverage(points(5), points(9, 1), groups=groups)["coverage"].parts is not None


@pytest.mark.parametrize(
    ("metrics", "name"), [(precision_recall, "recall"), (density_coverage, "coverage")]
)
def test_coverage_of_the_intervals_over_generated_images(metrics, name):
    """Of the expected value of as many images to the same real ones.

    The real images are no independent trials: one generated set decides about all of them, and a
    binomial interval over them covers too little.
    """
    real = np.random.default_rng(1).normal(size=(150, 4))
    jackknives, binomials = [], []

    def ours(seed):
        return np.random.default_rng(seed).normal(0, 0.6, (60, 4))

    truth = np.mean([metrics(ours(10**6 + seed), real)[name].value for seed in range(250)])
    for seed in range(120):
        groups = jackknife_groups(np.zeros(60, int), 20, np.random.default_rng(seed))
        found = metrics(ours(seed), real, groups=groups)[name]
        jackknives.append(found)
        binomials.append(proportion(round(found.value * 150), 150))
    covered, too_little = (
        np.mean([interval.low <= truth <= interval.high for interval in intervals])
        for intervals in (jackknives, binomials)
    )
    assert covered >= 0.9 > too_little


@pytest.mark.parametrize("metrics", [precision_recall, density_coverage])
def test_far_sets_share_nothing_and_a_set_shares_all_with_itself(metrics):
    real = points(60, width=30).astype(np.float32)
    assert [m.value for m in metrics(points(60, 1, 50.0, 30), real).values()] == [0.0, 0.0]
    assert [m.value for m in metrics(real, real).values()] == [1.0, 1.0]


@pytest.mark.parametrize("metrics", [precision_recall, density_coverage])
def test_two_far_clusters_of_which_one_is_generated(metrics):
    """Half of what is real is missed, nothing unreal is made."""
    near = points(60)
    real = np.concatenate([near, points(60, 1, 50.0)])
    fidelity, diversity = metrics(near, real).values()
    assert (fidelity.value, diversity.value) == (1.0, 0.5)
    if metrics is precision_recall:
        fidelity, diversity = metrics(real, near).values()
        assert (fidelity.value, diversity.value) == (0.5, 1.0)


@pytest.mark.parametrize("elements", [1, 500, 3000])
@pytest.mark.parametrize("metrics", [precision_recall, density_coverage])
def test_blocks_do_not_change_values(metrics, elements, monkeypatch):
    generated, real = points(90), points(110, 1, 0.4)
    whole = metrics(generated, real)
    monkeypatch.setattr(distances, "ELEMENTS", elements)
    assert repr(metrics(generated, real)) == repr(whole)


@pytest.mark.parametrize(("elements", "rows"), [(550, 5), (1, 1)])
def test_precision_and_recall_hold_no_more_than_the_limit(monkeypatch, elements, rows):
    """Rows of at most max(N, M) = 110 distances."""
    seen = []

    def recorded(generated, real, **options):
        seen.append((options["prc_batch_size"], options["save_cpu_ram"]))
        return {"precision": 0.25, "recall": 0.75}

    monkeypatch.setattr(manifolds, "prc_features_to_metric", recorded)
    monkeypatch.setattr(distances, "ELEMENTS", elements)
    found = precision_recall(points(90), points(110, 1))
    assert seen == [(rows, True)]
    assert (found["precision"].value, found["recall"].value) == (0.25, 0.75)


@pytest.mark.parametrize(
    ("metrics", "generated", "real", "note"),
    [
        (precision_recall, 3, 9, "n/a (n = 3, needs 4 generated images)"),
        (precision_recall, 9, 3, "n/a (n = 3, needs 4 real images)"),
        (density_coverage, 3, 5, "n/a (n = 5, needs 6 real images)"),
    ],
)
def test_too_few_images_for_the_neighbours(metrics, generated, real, note):
    found = metrics(points(generated), points(real, 1))
    assert [(m.value, m.n, m.note) for m in found.values()] == [(None, generated, note)] * 2
    enough = metrics(points(4), points(6, 1))
    assert all(m.value is not None for m in enough.values())

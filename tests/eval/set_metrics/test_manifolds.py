"""Precision, recall, density and coverage against a literal reading of their definitions."""

import numpy as np
import pytest

from eval.set_metrics import manifolds
from eval.set_metrics.manifolds import density_coverage, precision_recall


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
def test_blocks_do_not_change_values(metrics, elements):
    generated, real = points(90), points(110, 1, 0.4)
    assert metrics(generated, real, elements=elements) == metrics(generated, real)


@pytest.mark.parametrize(("elements", "rows"), [(550, 5), (1, 1)])
def test_precision_and_recall_hold_no_more_than_the_limit(monkeypatch, elements, rows):
    """Rows of at most max(N, M) = 110 distances."""
    seen = []

    def recorded(generated, real, **options):
        seen.append((options["prc_batch_size"], options["save_cpu_ram"]))
        return {"precision": 0.25, "recall": 0.75}

    monkeypatch.setattr(manifolds, "prc_features_to_metric", recorded)
    found = precision_recall(points(90), points(110, 1), elements=elements)
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

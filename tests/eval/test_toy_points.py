"""Distances of the toy experiment against SciPy and against what can be worked out."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from dlvae.data.three_moons import OFFSETS, Options, prepare
from dlvae.errors import UserError
from eval.toy_points import arc_residual, sliced_wasserstein


def cloud(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2)) * (2.0, 0.5)


@pytest.mark.parametrize("projections", [1, 2, 7])
def test_each_projection_is_the_exact_distance(projections):
    first, second = cloud(40), cloud(40, 1) + 0.3
    angles = [np.pi * (k + 0.5) / projections for k in range(projections)]
    lines = [np.array([np.cos(angle), np.sin(angle)]) for angle in angles]
    expected = np.mean([wasserstein_distance(first @ line, second @ line) for line in lines])
    assert sliced_wasserstein(first, second, projections) == pytest.approx(expected, rel=1e-12)


def test_a_translation_costs_two_over_pi_of_its_length():
    for shift in ((3.0, 0.0), (0.0, -0.2), (1.0, 2.0)):
        found = sliced_wasserstein(cloud(50), cloud(50) + shift)
        assert found == pytest.approx(2 / np.pi * np.hypot(*shift), rel=1e-3)


def test_the_order_of_points_does_not_matter_and_directions_are_enough():
    first, second = cloud(300).astype(np.float32), cloud(300, 1).astype(np.float32) + 0.1
    assert sliced_wasserstein(first, first[::-1]) == 0
    found = sliced_wasserstein(first, second)
    assert found == pytest.approx(sliced_wasserstein(second, first))
    assert found == pytest.approx(sliced_wasserstein(first, second, 1000), rel=5e-3)


def test_sets_of_other_sizes_are_refused():
    with pytest.raises(UserError, match="as many points"):
        sliced_wasserstein(cloud(4), cloud(5))


def nearest_on_arc(point, label):
    t = np.linspace(0, np.pi, 200001)
    arc = np.stack([np.cos(t) + OFFSETS[label], np.sin(t) - 0.5], axis=1)
    return np.sqrt(((arc - point) ** 2).sum(axis=1).min())


@pytest.mark.parametrize("label", range(3))
def test_the_residual_is_the_distance_to_the_nearest_point_of_the_arc(label):
    points = cloud(30, label) * 1.2 + (OFFSETS[label], -0.5)
    found = arc_residual(points, label)
    assert np.abs(found) == pytest.approx([nearest_on_arc(p, label) for p in points], abs=1e-8)
    inside = np.hypot(points[:, 0] - OFFSETS[label], points[:, 1] + 0.5) < 1
    assert 0 < inside.sum() < 30
    np.testing.assert_array_equal(found < 0, inside)


def test_the_missing_half_of_the_circle_is_far_away():
    bottom = np.array([[OFFSETS[1], -1.5]])
    assert abs(arc_residual(bottom, 1)[0]) == pytest.approx(np.sqrt(2))


def test_the_data_lie_on_the_arcs_as_far_as_their_noise():
    without = prepare(Options(points=300, test_points=300, noise=0.0)).splits["test"]
    noisy = prepare(Options(points=300, test_points=30000, noise=0.05)).splits["test"]
    for label in range(3):
        on_arc = arc_residual(without.points[without.labels == label], label)
        assert np.abs(on_arc).max() < 1e-6
        residual = arc_residual(noisy.points[noisy.labels == label], label)
        assert residual.std() == pytest.approx(0.05, rel=0.05)

"""Distances of the toy experiment against SciPy and against what can be worked out."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from dlvae.data.three_moons import OFFSETS, ThreeMoonsData, prepare
from dlvae.stage.errors import UserError
from eval.metrics.toy_points import arc_residual, bayes_accuracy, sliced_wasserstein


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
    without = prepare(ThreeMoonsData(points=300, test_points=300, noise=0.0)).splits["test"]
    noisy = prepare(ThreeMoonsData(points=300, test_points=30000, noise=0.05)).splits["test"]
    for label in range(3):
        on_arc = arc_residual(without.points[without.labels == label], label)
        assert np.abs(on_arc).max() < 1e-6
        residual = arc_residual(noisy.points[noisy.labels == label], label)
        assert residual.std() == pytest.approx(0.05, rel=0.05)


def test_the_bayes_accuracy_is_that_of_the_best_classifier_of_drawn_points():
    """Points drawn anew, each class judged by its density, which is summed over its arc."""
    random, noise, n = np.random.default_rng(0), 0.15, 20_000
    labels, angles = np.arange(n) % 3, random.uniform(0, np.pi, n)
    offsets = np.array(OFFSETS)
    points = np.stack([np.cos(angles) + offsets[labels], np.sin(angles) - 0.5], 1)
    points += random.normal(0, noise, (n, 2))
    t = np.linspace(0, np.pi, 300)
    densities = [
        np.exp(
            -((points[:, :1] - np.cos(t) - offset) ** 2 + (points[:, 1:] - np.sin(t) + 0.5) ** 2)
            / (2 * noise**2)
        ).sum(1)
        for offset in OFFSETS
    ]
    right = (np.argmax(densities, axis=0) == labels).mean()
    error = np.sqrt(right * (1 - right) / n)
    assert bayes_accuracy(noise) == pytest.approx(right, abs=3 * error)
    assert 0.95 < bayes_accuracy(noise) < 0.96


def test_the_bayes_accuracy_is_an_integral_that_has_converged():
    assert bayes_accuracy(0.15, step=0.2) == pytest.approx(bayes_accuracy(0.15, 0.05), abs=2e-4)
    assert bayes_accuracy(0.02) == pytest.approx(1, abs=1e-4)  # the gap is ten times the noise
    assert bayes_accuracy(0.3) < bayes_accuracy(0.15) < bayes_accuracy(0.1)
    assert bayes_accuracy(20.0) == pytest.approx(1 / 3, abs=0.05)
    with pytest.raises(UserError, match="expected noise above 0, found 0"):
        bayes_accuracy(0)

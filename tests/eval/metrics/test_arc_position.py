"""Positions on the arcs of three_moons, against the arcs they are drawn from."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from dlvae.data.three_moons import OFFSETS, ThreeMoonsData, prepare
from eval.metrics.toy_points import arc_position


def on_arc(t, label):
    return np.stack([np.cos(t) + OFFSETS[label], np.sin(t) - 0.5], axis=-1)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_points_of_an_arc_are_where_they_were_put(label):
    t = np.linspace(0, np.pi, 31)
    labels = np.full(len(t), label)
    centre = np.array([OFFSETS[label], -0.5])
    for radius in (0.4, 1.0, 1.7):  # noise across the arc does not move a point along it
        points = centre + radius * (on_arc(t, label) - centre)
        assert arc_position(points, labels) == pytest.approx(t, abs=1e-9)


def test_the_position_is_that_of_the_nearest_point_of_the_arc():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 60)
    points = random.uniform(-3, 3, (60, 2))
    found = arc_position(points, labels)
    for point, label, t in zip(points, labels, found, strict=True):

        def distance(u, point=point, label=label):
            return np.linalg.norm(on_arc(u, label) - point)

        near = np.clip(minimize_scalar(distance, bounds=(0, np.pi), method="bounded").fun, 0, None)
        assert distance(t) == pytest.approx(min(near, distance(0.0), distance(np.pi)), abs=1e-5)
        assert 0 <= t <= np.pi


def test_prepared_points_are_in_the_order_of_the_arc_without_noise():
    split = prepare(ThreeMoonsData(points=300, test_points=3, noise=0.0)).splits["train"]
    for label in range(3):
        own = split.labels == label
        found = arc_position(split.points[own], split.labels[own])
        assert found == pytest.approx(np.linspace(0, np.pi, 100), abs=1e-3)

import numpy as np
import pytest

from dlvae.data.three_moons import OFFSETS, ThreeMoonsData, prepare
from dlvae.stage.errors import UserError


def test_points_lie_on_the_arcs_with_the_noise_asked_for():
    train = prepare(ThreeMoonsData(points=30000)).splits["train"]
    assert train.points.shape == (30000, 2) and train.points.dtype == np.float32
    for label, offset in enumerate(OFFSETS):
        points = train.points[train.labels == label]
        assert len(points) == 10000
        t = np.linspace(0, np.pi, 10000)
        residual = points - np.stack([np.cos(t) + offset, np.sin(t) - 0.5], axis=1)
        assert np.abs(residual.mean(axis=0)).max() < 0.01
        np.testing.assert_allclose(residual.std(axis=0), 0.15, rtol=0.03)


def test_classes_are_middle_right_left():
    train = prepare(ThreeMoonsData(points=300, noise=0.0)).splits["train"]
    means = [train.points[train.labels == label, 0].mean() for label in range(3)]
    assert list(train.classes) == ["middle", "right", "left"]
    np.testing.assert_allclose(means, [0, 2.2, -2.2], atol=1e-6)


def test_counts_differ_by_at_most_one():
    splits = prepare(ThreeMoonsData(points=100, test_points=11)).splits
    assert np.bincount(splits["train"].labels).tolist() == [34, 33, 33]
    assert np.bincount(splits["test"].labels).tolist() == [4, 4, 3]


def test_draws_depend_on_the_seed_and_the_split_alone():
    one, again = (
        prepare(ThreeMoonsData(points=90, test_points=90)),
        prepare(ThreeMoonsData(points=90, test_points=90)),
    )
    other = prepare(ThreeMoonsData(points=90, test_points=90, seed=1))
    np.testing.assert_array_equal(one.splits["train"].points, again.splits["train"].points)
    assert not np.array_equal(one.splits["train"].points, one.splits["test"].points)
    assert not np.array_equal(one.splits["train"].points, other.splits["train"].points)


def test_too_few_points_are_refused():
    with pytest.raises(UserError, match="data.test_points: expected an integer of at least 3"):
        ThreeMoonsData.read({"points": 30, "test_points": 2}, "three_moons.data")

"""Diversity of a labelled sample set, and its re-check."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dlvae.stage.errors import UserError
from eval.metrics import diversity
from eval.metrics.diversity import d_intra
from eval.metrics.ms_ssim.all_pairs import all_pairs
from eval.metrics.ms_ssim.reference import reference_pairs
from eval.protocol import load_protocol

CONFIG = Path(__file__).resolve().parents[2] / "config" / "protocol"
STANDARD = load_protocol(CONFIG / "v2.yaml").ms_ssim["standard"].at(32)


def draws():
    return np.random.default_rng(0)


def near_copies(n, seed):
    """One image with weak noise: pairs far from 0."""
    random = np.random.default_rng(seed)
    image = random.integers(60, 200, (32, 32, 3))
    return (image + random.normal(0, 20, (n, 32, 32, 3))).round().clip(0, 255).astype(np.uint8)


def test_mean_over_classes_of_what_each_class_gives():
    """Classes count the same whatever their size, and the order of images does not matter."""
    parts = [near_copies(n, seed) for seed, n in enumerate((4, 9, 5))]
    images, labels = np.concatenate(parts), np.repeat([0, 1, 2], [4, 9, 5])
    order = draws().permutation(len(labels))
    found = d_intra(images[order], labels[order], STANDARD, 0, draws())
    scores = [all_pairs(part, STANDARD) for part in parts]
    assert found.per_class == pytest.approx([1 - s.mean for s in scores], abs=1e-6)
    assert found.value == pytest.approx(np.mean(found.per_class))
    assert found.off_diagonal == pytest.approx(np.mean([1 - s.off_diagonal for s in scores]))
    assert found.value < found.off_diagonal


def test_pairs_are_checked_against_the_reference():
    images, labels = (
        np.concatenate([near_copies(5, 0), near_copies(6, 1)]),
        np.repeat([0, 1], [5, 6]),
    )
    check = d_intra(images, labels, STANDARD, 31, draws()).recheck
    assert (check.reference, check.pairs, check.near_zero) == ("pytorch_msssim", 31, 0)
    assert 0 < check.largest_difference < 1e-6
    assert abs(check.mean_difference) < 1e-6


def test_pairs_with_a_factor_near_zero_are_counted_apart(monkeypatch):
    def wrong_where_it_is_steep(first, second, variant):
        values, smallest = reference_pairs(first, second, variant)
        steep = np.arange(len(values)) % 2 == 0
        return np.where(steep, values + 0.5, values), np.where(steep, 1e-5, smallest)

    monkeypatch.setattr(diversity, "reference_pairs", wrong_where_it_is_steep)
    check = d_intra(near_copies(4, 0), np.zeros(4, int), STANDARD, 20, draws()).recheck
    assert check.pairs == check.near_zero == 10
    assert check.largest_difference < 1e-6


def test_a_disagreement_stops_the_scoring(monkeypatch):
    def wrong(first, second, variant):
        return np.full(len(first), 0.5), np.ones(len(first))

    monkeypatch.setattr(diversity, "reference_pairs", wrong)
    with pytest.raises(RuntimeError, match="pytorch_msssim differ"):
        d_intra(near_copies(4, 0), np.zeros(4, int), STANDARD, 5, draws())


def test_random_pairs_never_pair_an_image_with_itself():
    pairs = diversity.random_pairs(3, 300, draws())
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert len(np.unique(pairs, axis=0)) == 6


def test_drawn_pairs_are_near_all_pairs_and_say_how_near():
    images = np.concatenate([near_copies(12, 0), near_copies(9, 1)])
    labels = np.repeat([0, 1], [12, 9])
    whole = d_intra(images, labels, STANDARD, 6, draws())
    found = d_intra(images, labels, STANDARD, 6, draws(), pairs=30)
    assert whole.errors == whole.off_diagonal_errors == (0, 0)
    assert found.recheck.pairs == 6 and found.recheck.largest_difference < 1e-6
    for n, exact, value, error, off in zip(
        (12, 9),
        whole.per_class,
        found.per_class,
        found.errors,
        found.off_diagonal_errors,
        strict=True,
    ):
        assert 0 < abs(value - exact) < 4 * error
        assert error == pytest.approx((1 - 1 / n) * off)
    enough = d_intra(images, labels, STANDARD, 6, draws(), pairs=66)
    assert enough.per_class == whole.per_class


def test_a_class_of_one_image_has_no_diversity():
    with pytest.raises(UserError, match="class 1: expected at least 2 images"):
        d_intra(near_copies(3, 0), np.array([0, 0, 1]), STANDARD, 0, draws())


def test_undefined_powers_are_an_error_not_a_nan():
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    loose = dataclasses.replace(STANDARD, clamp=False)
    with pytest.raises(UserError, match="100.0 % of its pairs.*clamp: true"):
        d_intra(np.concatenate([image, 255 - image]), np.zeros(2, int), loose, 0, draws())


def test_drawn_pairs_do_not_depend_on_how_many_are_scored_again():
    images, labels = near_copies(24, 0), np.arange(24) % 2
    values = {
        d_intra(images, labels, STANDARD, again, draws(), pairs=20).value for again in (0, 1, 7)
    }
    assert len(values) == 1

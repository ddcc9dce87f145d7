"""Pairs drawn at random: their values, their mean and how sure it is, against all pairs."""

import numpy as np
import pytest

from dlvae.stage.errors import UserError
from eval.metrics.ms_ssim.all_pairs import all_pairs
from eval.metrics.ms_ssim.pairs import draw_pairs, sample_mean, sampled_pairs, score_pairs
from eval.metrics.ms_ssim.reference import reference_pairs
from soft_images import blobs, upper, variant

VARIANTS = ("standard", "range_mismatched")


def draws(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("name", VARIANTS)
def test_values_are_those_of_the_reference(name, size):
    images, pairs = blobs(8, size, common=0.5), upper(8)
    values, negative = score_pairs(images, pairs, variant(name, size))
    expected, smallest = reference_pairs(
        images[pairs[:, 0]], images[pairs[:, 1]], variant(name, size)
    )
    far = smallest > 1e-2
    assert far.sum() > 10 and np.abs(values - expected)[far].max() < 1e-11
    assert negative.mean() == all_pairs(images, variant(name, size)).clamped_share


@pytest.mark.parametrize(("n", "count"), [(2, 1), (9, 36), (40, 100), (3_000_000, 1000)])
def test_drawn_pairs_are_distinct_pairs(n, count):
    pairs = draw_pairs(n, count, draws())
    assert pairs.shape == (count, 2)
    assert ((pairs[:, 0] >= 0) & (pairs[:, 0] < pairs[:, 1]) & (pairs[:, 1] < n)).all()
    assert len(np.unique(pairs, axis=0)) == count


def test_every_pair_is_drawn_as_often():
    random, counts = draws(), np.zeros((6, 6))
    for _ in range(3000):
        counts[tuple(draw_pairs(6, 4, random).T)] += 1
    drawn = counts[np.triu_indices(6, 1)]
    expected = 3000 * 4 / 15
    # Pairs of one draw exclude each other, so that the counts spread a little less than chi^2(14).
    assert counts.sum() == drawn.sum() == 12000
    assert ((drawn - expected) ** 2 / expected).sum() < 29.1


def test_the_mean_is_that_of_the_pairs_drawn():
    images, which = blobs(12, 32, common=0.5), variant("standard", 32)
    found = sampled_pairs(images, which, 20, draws(3), np.array([[0, 5]]))
    pairs = draw_pairs(12, 20, draws(3))
    values, negative = score_pairs(images, pairs, which)
    assert found.off_diagonal == pytest.approx(values.mean(), abs=1e-15)
    assert found.mean == pytest.approx((11 * values.mean() + 1) / 12, abs=1e-15)
    assert found.clamped_share == negative.mean()
    assert found.error == pytest.approx(np.sqrt((1 - 20 / 66) * values.var(ddof=1) / 20))
    assert found.probed == score_pairs(images, np.array([[0, 5]]), which)[0]
    assert sampled_pairs(images, which, 20, draws(3)).mean == found.mean


def test_a_set_without_more_pairs_is_scored_whole():
    images, which = blobs(6, 32, common=0.5), variant("standard", 32)
    whole, found = all_pairs(images, which), sampled_pairs(images, which, 15, draws())
    assert (found.off_diagonal, found.error) == (whole.off_diagonal, 0)


@pytest.mark.parametrize("count", [60, 400])
@pytest.mark.parametrize("clusters", [False, True])
def test_intervals_cover_the_value_of_all_pairs(count, clusters):
    """95 % of them, even of images in clusters, whose pairs that share an image are alike."""
    images, which = blobs(40, 32, common=0.5), variant("standard", 32)
    if clusters:
        images = np.concatenate([np.repeat(images[:2], 10, axis=0), images[2:22]])
    pairs = upper(40)
    values, full = np.zeros((40, 40)), all_pairs(images, which, pairs)
    values[tuple(pairs.T)] = full.probed
    random, inside, means = draws(1), [], []
    for _ in range(1500):
        mean, error = sample_mean(values[tuple(draw_pairs(40, count, random).T)], len(pairs))
        inside.append(abs(mean - full.off_diagonal) < 1.96 * error)
        means.append(mean)
    assert 0.93 < np.mean(inside) < 0.97
    assert np.mean(means) == pytest.approx(full.off_diagonal, abs=4 * np.std(means) / 1500**0.5)


def test_other_images_are_refused():
    with pytest.raises(UserError, match="uint8.*float32"):
        sampled_pairs(np.zeros((9, 32, 32, 3), np.float32), variant("standard", 32), 5, draws())

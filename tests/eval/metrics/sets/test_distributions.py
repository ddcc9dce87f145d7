"""FID and KID against closed forms, matrix square roots and literal sums in float64."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch_fidelity.metric_fid import fid_features_to_statistics
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

from dlvae.stage.errors import UserError
from eval.metrics.sets import distributions
from eval.metrics.sets.distributions import fid, intra_fid, kid


def draws(seed=0):
    return np.random.default_rng(seed)


def gaussian(n, width=6, seed=0, shift=0.0):
    """Correlated features, float64 (n, width)."""
    mix = draws(99).normal(size=(width, width))
    return draws(seed).normal(size=(n, width)) @ mix + shift


def frechet(first, second):
    """The formula, by a matrix square root of scipy."""
    s1, s2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    shift = first.mean(axis=0) - second.mean(axis=0)
    return shift @ shift + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)


def mmd(first, second):
    """Unbiased squared MMD, kernel by kernel."""
    width = first.shape[1]

    def mean(xs, ys, same):
        kernels = [
            (sum(a * b for a, b in zip(x, y, strict=True)) / width + 1) ** 3
            for i, x in enumerate(xs)
            for j, y in enumerate(ys)
            if not (same and i == j)
        ]
        return sum(kernels) / len(kernels)

    return mean(first, first, True) + mean(second, second, True) - 2 * mean(first, second, False)


def test_fid_is_the_formula():
    first, second = gaussian(80), 1.7 * gaussian(50, seed=1, shift=0.4)
    found = fid(first, second)
    assert found.value == pytest.approx(frechet(first, second), rel=1e-9)
    assert (found.n, found.note) == (80, "")
    single = fid(first.astype(np.float32), second.astype(np.float32))
    assert single.value == pytest.approx(found.value, rel=1e-5)


def test_fid_of_moved_and_stretched_sets_has_a_closed_form():
    """Moved by v: ||v||^2. Stretched by c about its mean: (c - 1)^2 tr(S)."""
    features, v = gaussian(100), np.arange(6.0)
    assert fid(features + v, features).value == pytest.approx(v @ v, rel=1e-9)
    centred = features - features.mean(axis=0)
    variance = centred.var(axis=0, ddof=1).sum()
    assert fid(3 * centred, centred).value == pytest.approx(4 * variance, rel=1e-9)


@pytest.mark.parametrize("unused", [0, 20])
def test_fid_of_a_set_with_itself_is_zero(unused):
    """Also with features that are always 0, as those behind a ReLU may be."""
    features = np.maximum(gaussian(300, 50), 0).astype(np.float32)
    features[:, :unused] = 0
    total = features.var(axis=0).sum()
    assert abs(fid(features, features).value) < 1e-6 * total
    assert abs(fid(features, features[::-1]).value) < 1e-6 * total


def test_statistics_are_those_of_torch_fidelity_whatever_the_block(monkeypatch):
    features = gaussian(101, shift=30.0)
    expected = fid_features_to_statistics(torch.from_numpy(features))
    for elements in (1, 60, 1 << 20):
        monkeypatch.setattr(distributions, "BLOCK", elements)
        found = distributions._moments(features)
        assert found["mu"] == pytest.approx(expected["mu"], rel=1e-12)
        assert found["sigma"] == pytest.approx(expected["sigma"], rel=1e-10)


def test_fid_needs_covariances_of_full_rank():
    many = gaussian(50)
    assert fid(gaussian(7, seed=1), many).value > 0
    missing = fid(gaussian(6, seed=1), many)
    assert (missing.value, missing.n) == (None, 6)
    assert missing.note == "n/a (n = 6, needs 7 generated images)"
    assert fid(many, gaussian(6)).note == "n/a (n = 6, needs 7 real images)"


def test_intra_fid_is_the_mean_over_classes():
    first, second = gaussian(60), gaussian(90, seed=1)
    ours, theirs = np.arange(60) % 3, np.arange(90) % 3
    found = intra_fid(first, ours, second, theirs)
    expected = [fid(first[ours == c], second[theirs == c]).value for c in range(3)]
    assert found.parts == pytest.approx(expected)
    assert found.value == pytest.approx(np.mean(expected))


def test_intra_fid_needs_enough_images_of_every_class():
    first, second, labels = gaussian(40), gaussian(40, seed=1), np.arange(40) % 2
    few = np.where(np.arange(40) < 6, 0, 1)
    assert intra_fid(first, few, second, labels).note == (
        "n/a (n = 6, needs 7 generated images of every class)"
    )
    assert "n = 6, needs 7 real" in intra_fid(first, labels, second, few).note
    whole = np.zeros(40, int)
    assert "n = 0, needs 7 real" in intra_fid(first, labels, second, whole).note
    assert "n = 0, needs 7 generated" in intra_fid(first, whole, second, labels).note


def test_kid_is_the_literal_sum():
    first, second = gaussian(30), gaussian(30, seed=1, shift=0.5)
    found = kid(first, second, draws())
    assert found.value == pytest.approx(mmd(first, second), rel=1e-9)
    single = kid(first.astype(np.float32), second.astype(np.float32), draws())
    assert single.value == pytest.approx(found.value, rel=1e-5)


def test_kid_is_the_mean_over_random_subsets(monkeypatch):
    """The kernel sees subsets of both sets, without a repeated image, and the mean is returned."""
    seen = []

    def recorded(first, second, **kernel):
        seen.append((first[:, 0], second[:, 0]))
        assert first.dtype == second.dtype == np.float64
        return float(len(seen))

    monkeypatch.setattr(distributions, "kernel_mmd", recorded)
    first, second = (np.arange(n, dtype=np.float32)[:, None] for n in (50, 70))
    found = kid(first, second, draws(), subset_size=20, subsets=9)
    assert found.value == 5.0  # mean of 1..9
    random, apart = seen[:9], seen[9:]
    assert all(len(np.unique(x)) == len(np.unique(y)) == 20 for x, y in random)
    assert len({tuple(np.sort(x)) for x, _ in random}) == 9
    assert found.parts == tuple(range(10, 20))
    for side in (0, 1):
        images = np.concatenate([part[side] for part in apart])
        assert len(images) == len(np.unique(images)) == 50


def test_kid_agrees_with_torch_fidelity_on_large_sets():
    first, second = gaussian(900), gaussian(900, seed=1, shift=0.3)
    theirs = kid_features_to_metric(
        torch.from_numpy(first),
        torch.from_numpy(second),
        kid_subset_size=900,
        kid_subsets=1,
        verbose=False,
    )
    ours = kid(first, second, draws())
    assert ours.value == pytest.approx(theirs[KEY_METRIC_KID_MEAN], rel=1e-9)
    assert len(ours.parts) == 10
    error = np.std(ours.parts, ddof=1) / np.sqrt(10)
    assert abs(np.mean(ours.parts) - ours.value) < 4 * error


def test_disjoint_subsets_of_large_sets_are_as_large_as_the_random_ones():
    found = kid(gaussian(400), gaussian(390, seed=1), draws(), subset_size=30, subsets=2)
    assert len(found.parts) == 13


def test_kid_of_few_images():
    assert kid(gaussian(19), gaussian(30, seed=1), draws()).parts is None
    missing = kid(gaussian(1), gaussian(9), draws())
    assert missing.value is None and missing.note == "n/a (n = 1, needs 2 images of either set)"


def test_kid_is_reproducible():
    first, second = gaussian(60), gaussian(80, seed=1)
    assert kid(first, second, draws(3), 20, 5) == kid(first, second, draws(3), 20, 5)
    assert kid(first, second, draws(3), 20, 5) != kid(first, second, draws(4), 20, 5)


def test_labels_of_the_wrong_length_are_refused():
    with pytest.raises(UserError, match="real: expected 40 integer labels.*39"):
        intra_fid(gaussian(40), np.zeros(40, int), gaussian(40), np.zeros(39, int))

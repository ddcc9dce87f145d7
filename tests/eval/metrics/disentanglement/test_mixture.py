"""Codes z_s against the mixture of their labels."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from dlvae.stage.errors import UserError
from eval.metrics.disentanglement import mixture
from eval.metrics.disentanglement.mixture import LEVELS, mixture_fit, prior_distance

C, D = 4, 6


def parameters(seed=0, distance=1.0):
    random = np.random.default_rng(seed)
    mu = distance * random.normal(size=(C, D))
    return mu.astype(np.float32), random.uniform(0.5, 1.5, (C, D)).astype(np.float32)


def drawn(mu, sigma, n=4000, seed=1, widen=1.0):
    """Codes and labels from the mixture; ``widen`` multiplies the standard deviations."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(mu), n)
    z = mu[labels] + widen * sigma[labels] * random.normal(size=(n, mu.shape[1]))
    return z.astype(np.float32), labels


def log_densities(mu, sigma, z):
    """log N(z; mu_k, Sigma_k) as (N, C), by SciPy in float64."""
    pairs = zip(mu.astype(float), sigma.astype(float), strict=True)
    return np.stack([multivariate_normal(m, np.diag(s**2)).logpdf(z) for m, s in pairs], axis=1)


def test_accuracy_and_information_agree_with_scipy():
    mu, sigma = parameters()
    z, labels = drawn(mu, sigma)
    found = mixture_fit(mu, sigma, z, labels)
    densities = log_densities(mu, sigma, z)
    assert found.accuracy == np.mean(densities.argmax(1) == labels) < 0.99
    posterior = densities - np.logaddexp.reduce(densities, axis=1, keepdims=True)
    per_class = [-posterior[labels == c, c].mean() for c in range(C)]
    assert found.information == pytest.approx(np.log(C) - np.mean(per_class), abs=1e-9)
    assert found.ceiling == pytest.approx(np.log(C))


@pytest.mark.parametrize("dim", [2, 64])
def test_codes_from_the_mixture_are_calibrated(dim):
    random = np.random.default_rng(0)
    mu, sigma = random.normal(size=(C, dim)), random.uniform(0.1, 3, (C, dim))
    found = mixture_fit(mu, sigma, *drawn(mu, sigma))
    # Six standard errors of the mean of D^2 / d; 1.95 / sqrt(N) is the 0.1 % point of the distance.
    assert found.mahalanobis == pytest.approx(1, abs=6 * np.sqrt(2 / dim / 4000))
    assert found.ks < 1.95 / np.sqrt(4000)
    assert found.calibration == pytest.approx(LEVELS, abs=0.03)


def test_codes_too_far_out_are_seen():
    mu, sigma = parameters()
    found = mixture_fit(mu, sigma, *drawn(mu, sigma, widen=1.5))
    assert found.mahalanobis == pytest.approx(2.25, rel=0.05)
    assert found.ks > 0.4
    assert all(share < level for share, level in zip(found.calibration, LEVELS, strict=True))


def test_separation_by_hand():
    """Centres 3, 4 and 5 apart; codes 1 from their centre in two classes and 2 in the third."""
    mu = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    step = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    z = np.concatenate([mu + step, mu - step, (mu - step)[:1]])
    labels = np.array([0, 1, 2, 0, 1, 2, 0])
    found = mixture_fit(mu, np.ones((3, 2)), z, labels)
    assert found.centre_separation == pytest.approx(4 / (4 / 3))
    # D^2 is 1 five times and 4 twice.
    assert found.mahalanobis == pytest.approx((5 * 1 + 2 * 4) / 7 / 2)


def test_codes_tight_around_a_wrong_place_are_not_separated():
    mu = np.array([[0.0, 0.0], [3.0, 0.0]])
    z = np.full((10, 2), 30.0) + np.random.default_rng(0).normal(0, 0.01, (10, 2))
    assert mixture_fit(mu, np.ones((2, 2)), z, np.arange(10) % 2).centre_separation < 0.1


def test_information_has_its_two_limits():
    mu, sigma = parameters(distance=50)
    found = mixture_fit(mu, sigma, *drawn(mu, sigma))
    assert found.accuracy == 1
    assert found.information == pytest.approx(np.log(C), abs=1e-6)
    same, unit = np.zeros((C, D)), np.ones((C, D))
    assert mixture_fit(same, unit, *drawn(same, unit)).information == pytest.approx(0, abs=1e-9)


def test_information_of_uneven_classes_is_of_a_uniform_class():
    """Repeating the images of one class must not change the bound."""
    mu, sigma = parameters()
    z, labels = drawn(mu, sigma, n=400)
    more = np.concatenate([np.arange(400), np.repeat(np.flatnonzero(labels == 0), 5)])
    plain, uneven = mixture_fit(mu, sigma, z, labels), mixture_fit(mu, sigma, z[more], labels[more])
    assert uneven.information == pytest.approx(plain.information, abs=1e-9)
    assert uneven.accuracy != plain.accuracy


def test_classes_without_codes_lower_the_ceiling():
    mu, sigma = parameters(distance=50)
    z, labels = drawn(mu, sigma)
    kept = labels % 2 == 1
    found = mixture_fit(mu, sigma, z[kept], labels[kept])
    assert found.ceiling == pytest.approx(np.log(2))
    assert found.information == pytest.approx(np.log(2), abs=1e-6)


def test_batches_do_not_show(monkeypatch):
    mu, sigma = parameters()
    codes = drawn(mu, sigma, n=100)
    whole = mixture_fit(mu, sigma, *codes)
    monkeypatch.setattr(mixture, "_BATCH", 7)
    parts = mixture_fit(mu, sigma, *codes)
    assert parts.calibration == whole.calibration
    assert parts.information == pytest.approx(whole.information, abs=1e-12)
    assert parts.mahalanobis == pytest.approx(whole.mahalanobis, abs=1e-12)


def test_no_draw_of_torch_is_used_up():
    mu, sigma = parameters()
    before = torch.get_rng_state()
    first, second = (mixture_fit(mu, sigma, *drawn(mu, sigma, n=50)) for _ in range(2))
    assert first == second
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, s, z, y: (m, s[1:], z, y), "sigma: expected 4 rows, found 3"),
        (
            lambda m, s, z, y: (m, s[:, 1:], z, y),
            r"dimensions, found 6 \(mu\), 5 \(sigma\), 6 \(z_s\)",
        ),
        (
            lambda m, s, z, y: (m, s, z[:, 1:], y),
            r"dimensions, found 6 \(mu\), 6 \(sigma\), 5 \(z_s\)",
        ),
        (lambda m, s, z, y: (m, s, z, y[1:]), "labels: expected 40 integer labels"),
        (lambda m, s, z, y: (m, s, z, y * 0), "expected two classes or more, found class 0"),
        (lambda m, s, z, y: (m, s, z, y + 1), r"expected 0 to 3 \(the mixture's.*found 4"),
        (lambda m, s, z, y: (m, s, z, y - 1), "labels: expected labels >= 0"),
        (lambda m, s, z, y: (m, -s, z, y), "expected standard deviations > 0"),
        (lambda m, s, z, y: (m, s * np.nan, z, y), "sigma: expected finite"),
        (lambda m, s, z, y: (m, s, z * np.inf, y), "z_s: expected finite"),
        (lambda m, s, z, y: (m, s, m[y], y), "expected codes with a spread"),
    ],
)
def test_mixture_fit_refuses(change, message):
    mu, sigma = parameters()
    labels = np.arange(40) % C
    z = mu[labels] + sigma[labels]
    with pytest.raises(UserError, match=message):
        mixture_fit(*change(mu, sigma, z, labels))


def test_codes_of_the_mixture_are_at_no_distance_from_their_prior():
    mu, sigma = parameters()
    n = 20_000
    found = prior_distance(mu, sigma, *drawn(mu, sigma, n))
    # Of N draws the matched Gaussian is about d (d + 3) / 4N nats away.
    assert 0 < found < 3 * (D + 3) / (4 * n)


@pytest.mark.parametrize("widen", [0.5, 2.0])
def test_codes_too_near_or_too_far_are_at_the_distance_of_two_gaussians(widen):
    mu, sigma = parameters()
    found = prior_distance(mu, sigma, *drawn(mu, sigma, 20_000, widen=widen))
    assert found == pytest.approx(0.5 * (widen**2 - 1) - np.log(widen), rel=0.05)


def test_codes_about_another_centre_are_far():
    mu, sigma = parameters()
    z, labels = drawn(mu, sigma, 20_000)
    # One standard deviation along every dimension, towards the same side for every class.
    found = prior_distance(mu, sigma, z + sigma[labels], labels)
    assert found == pytest.approx(0.5, rel=0.05)


def test_prior_distance_refuses_what_mixture_fit_refuses():
    mu, sigma = parameters()
    z, labels = drawn(mu, sigma, 20)
    with pytest.raises(UserError, match="sigma: expected standard deviations > 0"):
        prior_distance(mu, -sigma, z, labels)

"""Active units, codes of z_u against their prior, and codes z_s against their mixture."""

import warnings

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from dlvae.stage.errors import UserError
from eval.metrics.disentanglement import prior_fit
from eval.metrics.disentanglement.prior_fit import (
    LEVELS,
    active_units,
    aggregate_posterior,
    mixture_fit,
    moments,
)

C, D = 4, 6


def posteriors(n, dim, seed=0, share=0.5, dtype=np.float32):
    """Means and log-variances whose aggregate is N(0, I): the means hold ``share`` of variance."""
    random = np.random.default_rng(seed)
    means = np.sqrt(share) * random.normal(size=(n, dim))
    return means.astype(dtype), np.full((n, dim), np.log(1 - share), dtype)


def whitened(n, dim, seed=0):
    """Means with a sample mean of exactly 0 and a sample covariance of exactly I."""
    x = np.random.default_rng(seed).normal(size=(n, dim))
    x -= x.mean(0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False, bias=True))).T


def test_collapsed_units_are_inactive():
    """Variance 0.04 is active, variance 0.0025 and a constant are not, whatever their mean."""
    means = np.zeros((200, 4), np.float32)
    means[::2] = [0.4, 0.1, 0.0, 2.0]
    means += np.float32([0, 7, 100, 0])
    assert active_units(means).tolist() == [True, False, False, True]


def test_the_variance_is_over_images_and_taken_in_float64():
    """Sums over images in float32 would misplace a mean of 10,000, and find variance there."""
    ramp = np.linspace(-1, 1, 8192)[:, None] * np.sqrt(3 * np.array([0.02, 0.005]))
    assert active_units((ramp + 10_003).astype(np.float32)).sum() == 1


def test_a_standard_normal_aggregate_is_near_its_prior():
    n, dim = 20000, 8
    found = aggregate_posterior(*posteriors(n, dim))
    assert found.covariance == "full"
    assert 0 < found.kl < dim * (dim + 3) / (4 * n) * 2
    assert found.mean_offset < 0.02
    assert found.variance_offset < 0.02
    assert found.n == n


def test_expected_kl_of_a_perfect_model_is_as_documented():
    """Posteriors without a width of their own: the means alone are N(0, I)."""
    n, dim = 400, 10
    kls = []
    for seed in range(40):
        means = np.random.default_rng(seed).normal(size=(n, dim))
        kls.append(aggregate_posterior(means, np.full((n, dim), -30.0)).kl)
    assert np.mean(kls) == pytest.approx(dim * (dim + 3) / (4 * n), rel=0.1)


def test_a_shifted_aggregate_has_its_analytic_kl():
    shift = np.array([1.0, -2.0, 0.5])
    means = np.sqrt(0.5) * whitened(50, 3) + shift
    found = aggregate_posterior(means, np.full((50, 3), np.log(0.5)))
    assert found.kl == pytest.approx(0.5 * shift @ shift, abs=1e-9)
    assert found.mean_offset == pytest.approx(3.5 / 3)
    assert found.variance_offset == pytest.approx(0, abs=1e-9)


def test_kl_of_correlated_codes_agrees_with_torch():
    random = np.random.default_rng(3)
    means = random.normal(size=(500, 4)) @ random.normal(size=(4, 4)) + 0.3
    logvars = random.normal(size=(500, 4)) - 1
    covariance = np.cov(means.T, bias=True) + np.diag(np.exp(logvars).mean(0))
    matched = MultivariateNormal(*map(torch.from_numpy, (means.mean(0), covariance)))
    prior = MultivariateNormal(torch.zeros(4).double(), torch.eye(4).double())
    found = aggregate_posterior(means, logvars)
    assert found.kl == pytest.approx(kl_divergence(matched, prior).item(), rel=1e-9)
    single = kl_divergence(
        Independent(Normal(*map(torch.from_numpy, (means, np.exp(logvars / 2)))), 1),
        Independent(Normal(torch.zeros(500, 4).double(), torch.ones(500, 4).double()), 1),
    )
    assert found.kl_per_image == pytest.approx(single.mean().item(), rel=1e-9)


def test_few_codes_get_a_diagonal_covariance():
    """2 d codes are too few; correlation, which only a full covariance sees, then costs nothing."""
    random = np.random.default_rng(0)
    means = np.repeat(random.normal(size=(9, 1)), 4, axis=1)  # every dimension the same
    logvars = np.full((9, 4), -2.0)
    variance = means[:, 0].var() + np.exp(-2), means[:8, 0].var() + np.exp(-2)
    centre = means[:8, 0].mean()
    few = aggregate_posterior(means[:8], logvars[:8])
    assert few.covariance == "diagonal"
    assert few.kl == pytest.approx(2 * (variance[1] + centre**2 - 1 - np.log(variance[1])))
    enough = aggregate_posterior(means, logvars)
    assert enough.covariance == "full"
    assert enough.kl > 2 * (variance[0] + means[:, 0].mean() ** 2 - 1 - np.log(variance[0])) + 1


def test_a_collapsed_posterior_is_the_prior():
    found = aggregate_posterior(np.zeros((30, 5), np.float32), np.zeros((30, 5), np.float32))
    assert (found.kl, found.kl_per_image) == pytest.approx((0, 0), abs=1e-12)
    assert (found.mean_offset, found.variance_offset) == pytest.approx((0, 0), abs=1e-12)


def test_one_dimension_and_batches(monkeypatch):
    means, logvars = posteriors(100, 1, dtype=np.float64)
    whole = aggregate_posterior(means, logvars)
    monkeypatch.setattr(prior_fit, "_BATCH", 7)
    parts = aggregate_posterior(means, logvars)
    assert parts.kl == pytest.approx(whole.kl, abs=1e-12)
    assert parts.kl_per_image == pytest.approx(whole.kl_per_image, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, v: (m, v[1:]), "log-variances of z_u: expected 10 rows, found 9"),
        (lambda m, v: (m, v[:, 1:]), r"dimensions, found 3 \(means\), 2 \(log-var"),
        (lambda m, v: (m * np.nan, v), "codes: expected finite"),
        (lambda m, v: (m, v * np.inf), "log-variances of z_u: expected finite"),
        (lambda m, v: (m[:1], v[:1]), "codes: expected at least 2, found 1"),
    ],
)
def test_aggregate_posterior_refuses(change, message):
    with pytest.raises(UserError, match=message):
        aggregate_posterior(*change(*posteriors(10, 3)))


@pytest.mark.parametrize("codes", [np.zeros((1, 3)), np.full((4, 3), np.nan), np.zeros(3)])
def test_active_units_refuses(codes):
    with pytest.raises(UserError, match="codes: expected"):
        active_units(codes)


def test_moments_of_deterministic_codes_are_those_of_their_gaussian():
    random = np.random.default_rng(2)
    codes = random.normal(size=(400, 3)) @ random.normal(size=(3, 3)) + 0.5
    matched = MultivariateNormal(
        *map(torch.from_numpy, (codes.mean(0), np.cov(codes, rowvar=False, bias=True)))
    )
    prior = MultivariateNormal(torch.zeros(3).double(), torch.eye(3).double())
    found = moments(codes)
    assert found.covariance == "full"
    assert found.kl == pytest.approx(kl_divergence(matched, prior).item(), rel=1e-9)
    assert found.mean == pytest.approx(codes.mean(0))
    assert found.variance == pytest.approx(codes.var(0))


@pytest.mark.parametrize("n", [4, 100])
def test_codes_without_spread_in_some_direction_are_infinitely_far(n):
    codes = np.random.default_rng(3).normal(size=(n, 3))
    codes[:, 1] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert moments(codes).kl == np.inf


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
    monkeypatch.setattr(prior_fit, "_BATCH", 7)
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
            r"found 6 \(z_s\), 6 \(mu\), 5 \(sigma\)",
        ),
        (
            lambda m, s, z, y: (m, s, z[:, 1:], y),
            r"found 5 \(z_s\), 6 \(mu\), 6 \(sigma\)",
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
    found = mixture_fit(mu, sigma, *drawn(mu, sigma, n)).distance
    # Of N draws the matched Gaussian is about d (d + 3) / 4N nats away.
    assert 0 < found < 3 * (D + 3) / (4 * n)


@pytest.mark.parametrize("widen", [0.5, 2.0])
def test_codes_too_near_or_too_far_are_at_the_distance_of_two_gaussians(widen):
    mu, sigma = parameters()
    found = mixture_fit(mu, sigma, *drawn(mu, sigma, 20_000, widen=widen)).distance
    assert found == pytest.approx(0.5 * (widen**2 - 1) - np.log(widen), rel=0.05)


def test_codes_about_another_centre_are_far():
    mu, sigma = parameters()
    z, labels = drawn(mu, sigma, 20_000)
    # One standard deviation along every dimension, towards the same side for every class.
    found = mixture_fit(mu, sigma, z + sigma[labels], labels).distance
    assert found == pytest.approx(0.5, rel=0.05)

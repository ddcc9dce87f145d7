"""Active units, and the aggregate posterior of z_u against its prior."""

import warnings

import numpy as np
import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from dlvae.stage.errors import UserError
from eval.metrics.disentanglement import latents
from eval.metrics.disentanglement.latents import active_units, aggregate_posterior, moments


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
    monkeypatch.setattr(latents, "_BATCH", 7)
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

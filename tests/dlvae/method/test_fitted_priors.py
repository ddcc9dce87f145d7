"""Priors fitted to codes, and running moments: against NumPy, and what they leave alone."""

import numpy as np
import pytest
import torch

from dlvae.base import Method, Task
from dlvae.method.prior import MOMENTUM, CodePrior, GaussianMixture
from dlvae.stage.registry import build_seeded

IMAGE = Task("image", "net32", 32, 4, 0.1, 5, 6, 6, 120)


@pytest.fixture
def codes():
    draws = np.random.default_rng(0)
    labels = draws.permutation(np.arange(300) % 3)
    centres, spreads = draws.normal(size=(3, 4)), draws.uniform(0.002, 2, size=(3, 4))
    return centres[labels] + spreads[labels] * draws.normal(size=(300, 4)), labels


@pytest.mark.parametrize("param", ("precision", "logvar"))
def test_a_fitted_mixture_has_the_moments_of_each_class(codes, param):
    z, labels = codes
    mixture = GaussianMixture(3, 4, param)
    mixture.fit(torch.from_numpy(z).float(), torch.from_numpy(labels))
    for label in range(3):
        own = z[labels == label]
        np.testing.assert_allclose(mixture.mu[label].detach(), own.mean(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(mixture.sigma()[label].detach(), own.std(0), rtol=1e-5)


def test_the_fit_is_the_minimum_of_l_lkd(codes):
    z, labels = (torch.from_numpy(part) for part in codes)
    mixture = GaussianMixture(3, 4).double()
    mixture.fit(z, labels)
    loss = -mixture.log_likelihood(z, labels).mean()
    for parameter, gradient in zip(
        (mixture.mu, mixture.scale),
        torch.autograd.grad(loss, (mixture.mu, mixture.scale)),
        strict=True,
    ):
        # Relative to the size of a term of the sum behind it.
        assert (gradient.abs() * parameter.detach().abs()).max() < 1e-6


def test_a_class_without_codes_keeps_its_gaussian(codes):
    z, labels = (torch.from_numpy(part) for part in codes)
    mixture = GaussianMixture(4, 4).double()
    before = mixture.mu[3].clone(), mixture.scale[3].clone()
    mixture.fit(z, labels)
    assert torch.equal(mixture.mu[3], before[0]) and torch.equal(mixture.scale[3], before[1])


def test_codes_that_agree_give_a_finite_gaussian():
    mixture = GaussianMixture(1, 2)
    mixture.fit(torch.ones(5, 2), torch.zeros(5, dtype=torch.int64))
    drawn = mixture.sample(torch.zeros(1000, dtype=torch.int64), torch.randn(1000, 2))
    assert torch.isfinite(drawn).all() and (drawn - 1).abs().max() < 1e-4


def test_the_prior_of_z_u_becomes_the_aggregate_posterior():
    draws = np.random.default_rng(1)
    means, logvars = draws.normal(0.5, 0.3, size=(500, 3)), draws.normal(-2, 0.5, size=(500, 3))
    prior = CodePrior(3)
    noise = torch.randn(7, 3)
    assert torch.equal(prior.sample(noise), noise)  # N(0, I) until it is fitted, to the bit
    prior.fit(torch.from_numpy(means), torch.from_numpy(logvars))
    samples = (means + np.exp(logvars / 2) * draws.normal(size=(400, 500, 3))).reshape(-1, 3)
    np.testing.assert_allclose(prior.mean, means.mean(0), rtol=1e-5)
    np.testing.assert_allclose(prior.mean, samples.mean(0), atol=5e-3)
    np.testing.assert_allclose(prior.std, samples.std(0), rtol=5e-3)


def test_running_moments_are_those_of_weighted_codes():
    """Every code counts 1 - MOMENTUM times as much as the next one of its class."""
    draws = np.random.default_rng(2)
    mixture = GaussianMixture(2, 3, running=True).double()
    start = mixture.running_mean.clone().numpy()
    batches = [(draws.normal(3, 0.01, size=(8, 3)), draws.integers(0, 2, 8)) for _ in range(200)]
    for z, labels in batches:
        mixture.track(torch.from_numpy(z), torch.from_numpy(labels))
    for label in range(2):
        mean, variance = start[label], np.ones(3)
        for z, labels in batches:
            own = z[labels == label]
            if len(own) == 0:
                continue
            rate = 1 - (1 - MOMENTUM) ** len(own)
            second = (1 - rate) * (variance + mean**2) + rate * (own**2).mean(0)
            mean = (1 - rate) * mean + rate * own.mean(0)
            variance = second - mean**2
        np.testing.assert_allclose(mixture.running_mean[label], mean, rtol=1e-10)
        np.testing.assert_allclose(mixture.running_var[label], variance, rtol=1e-6)
    assert (mixture.running_mean - 3).abs().max() < 0.01


def test_samples_are_drawn_from_running_moments():
    mixture = GaussianMixture(2, 3, running=True)
    mixture.running_mean.fill_(5.0)
    mixture.running_var.fill_(4.0)
    noise = torch.randn(4, 3)
    assert torch.equal(mixture.sample(torch.tensor([0, 1, 0, 1]), noise), 5 + 2 * noise)


@pytest.mark.parametrize("name", ("ours", "cvae", "cvae_gan"))
def test_fitting_changes_the_priors_of_a_model_alone(name):
    model = build_seeded(name, IMAGE, Method(), {}, "test")
    draws = torch.Generator().manual_seed(0)
    images = torch.rand(300, 3, 32, 32, generator=draws) * 2 - 1
    labels = torch.arange(300) % 4
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.fit_priors(images, labels)
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    priors = {"prior_u.mean", "prior_u.std", "prior.mu", "prior.scale"}
    assert changed == (priors if name == "ours" else {"prior_z.mean", "prior_z.std"})
    assert model.training  # as it was


def test_a_model_without_codes_has_no_fit():
    assert not hasattr(build_seeded("cgan", IMAGE, Method(), {}, "test"), "fit_priors")

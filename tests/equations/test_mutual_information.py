"""log C - L_cls is a lower bound of the mutual information I(z_s; c), tight for the posterior.

Classes are uniform and z_s given c is Gaussian with known parameters, so that I is an integral;
q(c|z_s) is the project's mixture, of the same parameters or of others.
"""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import logsumexp

from eval.metrics.disentanglement.prior_fit import mixture_fit

TRUE = {
    1: ([[-1.2], [0.3], [1.5]], [[0.7], [0.5], [1.2]]),
    2: ([[-1.0, 0.0], [0.6, 0.9], [0.4, -1.1]], [[0.7, 1.0], [0.9, 0.5], [1.0, 0.8]]),
}


class World:
    """The true p(z_s|c) on a grid: points (G, d), densities (C, G), the size of a cell."""

    def __init__(self, dim):
        self.mu, self.sigma = (np.array(v, float) for v in TRUE[dim])
        line = np.linspace(-12, 12, 9001 if dim == 1 else 401)
        axes = np.meshgrid(*[line] * dim, indexing="ij")
        points = np.stack(axes, -1).reshape(-1, dim)
        self.cell, self.codes = (line[1] - line[0]) ** dim, torch.from_numpy(points)
        pairs = zip(self.mu, self.sigma, strict=True)
        self.density = np.array([stats.norm(m, s).pdf(points).prod(1) for m, s in pairs])
        self.marginal = self.density.mean(0)
        self.log_c = np.log(len(self.mu))

    def information(self):
        """I = sum_c 1/C int p(z|c) log p(z|c) / p(z), in nats."""
        ratio = np.log(self.density) - np.log(self.marginal)
        return (self.density * ratio).sum() / len(self.mu) * self.cell

    def l_cls(self, prior):
        """E over z_s and c of -log q(c|z_s), from the project's logits; keeps the graph."""
        log_q = prior.logits(self.codes).log_softmax(1)
        return -(torch.from_numpy(self.density.T) * log_q).sum() / len(self.mu) * self.cell


@pytest.fixture(params=[1, 2], ids=["1-d", "2-d"])
def world(request):
    return World(request.param)


def mismatched(world, seed):
    """Parameters unlike the true ones."""
    random = np.random.default_rng(seed)
    moved = world.mu + 0.5 * random.normal(size=world.mu.shape)
    return moved, world.sigma * random.uniform(0.5, 2, world.mu.shape)


def test_bound_is_tight_for_the_true_posterior(world, make_prior, param):
    prior, information = make_prior(world.mu, world.sigma, param), world.information()
    assert 0.3 < information < world.log_c
    assert world.log_c - world.l_cls(prior).item() == pytest.approx(information, abs=1e-9)
    # The same I as a difference of entropies, h(z_s) - h(z_s|c), the first by Eq. 6.
    log_p = prior.log_mixture(world.codes).detach().numpy()
    entropy = -(world.marginal * log_p).sum() * world.cell
    given_c = 0.5 * np.log(2 * np.pi * np.e * world.sigma**2).sum(1).mean()
    assert entropy - given_c == pytest.approx(information, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_bound_of_another_mixture_is_below_by_the_mean_kl(world, make_prior, param, seed):
    """I - (log C - L_cls) = E over z_s of KL(p(c|z_s) || q(c|z_s)) >= 0."""
    mu, sigma = mismatched(world, seed)
    bound = world.log_c - world.l_cls(make_prior(mu, sigma, param)).item()
    points = world.codes.numpy()
    log_n = [stats.norm(m, s).logpdf(points).sum(1) for m, s in zip(mu, sigma, strict=True)]
    log_q = np.array(log_n) - logsumexp(log_n, axis=0)
    log_p = np.log(world.density) - logsumexp(np.log(world.density), axis=0)
    kl = (np.exp(log_p) * (log_p - log_q)).sum(0)
    gap = (world.marginal * kl).sum() * world.cell
    assert gap > 0.005
    assert bound == pytest.approx(world.information() - gap, abs=1e-9)


def test_bound_is_stationary_at_the_truth_alone(world, make_prior, param):
    for parameters, at_rest in (((world.mu, world.sigma), True), (mismatched(world, 0), False)):
        prior = make_prior(*parameters, param)
        gradients = torch.autograd.grad(world.l_cls(prior), (prior.mu, prior.scale))
        assert all((g.abs().max() < 1e-10) == at_rest for g in gradients)


def test_only_the_posterior_counts(make_prior, param):
    """Of two classes of equal sigma, means half as far apart and twice the precision: the same q.

    L_cls alone cannot tell these parameters from the true ones; that takes L_lkd.
    """
    codes = torch.linspace(-4, 4, 50, dtype=torch.float64)[:, None]
    labels = torch.arange(50) % 2
    true = make_prior([[-1.0], [1.0]], [[0.8], [0.8]], param)
    other = make_prior([[-0.5], [0.5]], np.full((2, 1), 0.8 / np.sqrt(2)), param)
    posteriors = (prior.logits(codes).softmax(1) for prior in (true, other))
    torch.testing.assert_close(*posteriors)
    (cls, lkd), (other_cls, other_lkd) = (
        prior.classification_losses(codes, labels) for prior in (true, other)
    )
    torch.testing.assert_close(cls, other_cls)
    assert abs(lkd - other_lkd) > 0.1


def test_bound_at_its_ends(make_prior, param):
    """Classes far apart give log C, one class under C names gives 0."""
    far, same = (np.array([[0.0], [m], [2 * m]]) for m in (40.0, 0.0))
    for mu, expected in ((far, np.log(3)), (same, 0.0)):
        z = np.concatenate([stats.norm(m, 1).ppf((np.arange(500) + 0.5) / 500) for m in mu])
        labels = torch.arange(3).repeat_interleave(500)
        prior = make_prior(mu, np.ones((3, 1)), param)
        l_cls, _ = prior.classification_losses(torch.from_numpy(z[:, None]), labels)
        assert np.log(3) - l_cls.item() == pytest.approx(expected, abs=1e-9)


def test_estimates_from_codes(world, make_prior):
    """L_cls and the reported `information` of drawn codes, within their standard errors of I."""
    random, n = np.random.default_rng(0), 30000
    labels = np.arange(n) % len(world.mu)
    z = world.mu[labels] + world.sigma[labels] * random.normal(size=(n, world.mu.shape[1]))
    prior, codes = make_prior(world.mu, world.sigma), torch.from_numpy(z)
    log_q = prior.logits(codes).log_softmax(1).detach().numpy()[np.arange(n), labels]
    error = 4 * log_q.std() / np.sqrt(n)
    assert error < 0.02
    l_cls, _ = prior.classification_losses(codes, torch.from_numpy(labels))
    assert world.log_c - l_cls.item() == pytest.approx(world.information(), abs=error)
    found = mixture_fit(world.mu, world.sigma, z, labels).information
    assert found == pytest.approx(world.information(), abs=error)
    assert mixture_fit(*mismatched(world, 0), z, labels).information < found

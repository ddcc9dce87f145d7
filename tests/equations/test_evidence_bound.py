"""What the paper proves of its objective: the bound of Eq. 2, and Eq. 7 as a limit.

q(z_s, c|x) is N(z_s; z_s-hat, s^2 I) with all mass on the label c = y, and p(c) = 1/C.
"""

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from scipy.special import logsumexp
from torch.distributions import Independent, Normal, kl_divergence

from dlvae.method.losses import half_squared_error, kl_standard_normal

WIDTHS = np.array([1.0, 0.3, 0.1, 0.03, 0.01, 0.003])


def normal(mean, deviation):
    """Diagonal Gaussian of torch.distributions."""
    return Independent(Normal(mean, deviation), 1)


@pytest.mark.parametrize(("classes", "dim"), [(3, 2), (10, 512)])
def test_the_kl_of_z_s_and_c_tends_to_l_lkd_and_log_c(make_prior, param, classes, dim):
    """KL + entropy of q - (L_lkd + log C) is s^2 / 2 sum_d tau_yd: to 0, with the square of s."""
    random = np.random.default_rng(0)
    sigma, labels = random.uniform(0.4, 1.5, (classes, dim)), torch.tensor([1, 2, 1, 0])
    prior = make_prior(random.normal(size=(classes, dim)), sigma, param)
    z_hat = torch.from_numpy(random.normal(size=(4, dim)))
    own = normal(prior.mu[labels], torch.from_numpy(sigma)[labels])
    limit = -prior.log_likelihood(z_hat, labels) + np.log(classes)
    gaps = []
    for s in WIDTHS:
        q = normal(z_hat, torch.full_like(z_hat, s))
        # p(z_s, c) = p(z_s|c) / C, and q(c|x) is certain: its own entropy is 0.
        kl = kl_divergence(q, own) + np.log(classes)
        gaps.append((kl + q.entropy() - limit).detach().numpy())
    gaps = np.array(gaps)
    assert (gaps > 0).all() and (np.diff(gaps, axis=0) < 0).all()
    rate = WIDTHS[:, None] ** 2 / 2 * (1 / sigma**2).sum(1)[labels]
    np.testing.assert_allclose(gaps, rate, rtol=1e-4, atol=1e-9)
    slopes = np.diff(np.log(gaps), axis=0) / np.diff(np.log(WIDTHS))[:, None]
    np.testing.assert_allclose(slopes, 2, atol=1e-3)


def test_the_same_by_quadrature_over_z_s_and_the_classes(make_prior, param):
    """The KL of the joint as its definition reads: a sum over c of integrals over z_s, 1-d."""
    sigma = np.array([[0.6], [1.1], [0.8]])
    prior = make_prior([[-1.0], [0.5], [2.0]], sigma, param)
    z_hat, y, gaps = 0.2, 1, []
    l_lkd = -prior.log_likelihood(torch.tensor([[z_hat]]).double(), torch.tensor([y])).item()
    for s in WIDTHS:
        z = np.linspace(z_hat - 12 * s, z_hat + 12 * s, 4001)
        codes, q_of_z, kl = torch.from_numpy(z[:, None]), stats.norm(z_hat, s), 0.0
        for c in range(3):
            q = q_of_z.pdf(z) * (c == y)
            log_p = prior.log_likelihood(codes, torch.full((len(z),), c)).detach() - np.log(3)
            inside = q > 0
            ratio = np.log(q[inside]) - log_p.numpy()[inside]
            kl += integrate.trapezoid(q[inside] * ratio, z[inside])
        gaps.append(kl + q_of_z.entropy() - l_lkd - np.log(3))
    np.testing.assert_allclose(gaps, WIDTHS**2 / 2 / sigma[y] ** 2, rtol=1e-3, atol=1e-8)


def test_the_gradient_for_encoder_s_is_that_of_l_lkd_at_every_width(make_prior, param):
    random = np.random.default_rng(0)
    mu, sigma = random.normal(size=(3, 512)), random.uniform(0.4, 1.5, (3, 512))
    prior, labels = make_prior(mu, sigma, param), torch.tensor([2, 0])
    z_hat = torch.from_numpy(random.normal(size=(2, 512))).requires_grad_()
    (expected,) = torch.autograd.grad(-prior.log_likelihood(z_hat, labels).sum(), z_hat)
    own = normal(torch.from_numpy(mu)[labels], torch.from_numpy(sigma)[labels])
    for s in WIDTHS:
        kl = kl_divergence(normal(z_hat, torch.full_like(z_hat, s)), own).sum()
        (found,) = torch.autograd.grad(kl, z_hat)
        torch.testing.assert_close(found, expected)


class LinearModel:
    """p(x|z_s, z_u) = N(A z_s + B z_u, I): the evidence and the posterior are known.

    The columns of (A B) are orthogonal, so that the posterior of a class is a product over
    dimensions, as the encoders' is.
    """

    def __init__(self, prior, seed=0):
        random = np.random.default_rng(seed)
        columns = np.linalg.qr(random.normal(size=(6, 4)))[0] * random.uniform(0.5, 2, 4)
        self.prior, self.a, self.b = prior, columns[:, :2], columns[:, 2:]
        self.x = 2 * random.normal(size=6)

    def log_evidence(self, mu, variance):
        """log p(x, c) for every class c, (C,)."""
        noise = self.b @ self.b.T + np.eye(6)
        normals = [
            stats.multivariate_normal(self.a @ m, self.a @ np.diag(v) @ self.a.T + noise)
            for m, v in zip(mu, variance, strict=True)
        ]
        return np.array([n.logpdf(self.x) for n in normals]) - np.log(len(mu))

    def posterior(self, mean_s, variance_s):
        """p(z_s, z_u|x, c): mean and variance, (4,) each, z_s first."""
        columns = np.hstack([self.a, self.b])
        precision = np.concatenate([1 / variance_s, np.ones(2)])
        variance = 1 / (precision + (columns**2).sum(0))
        pull = np.concatenate([mean_s / variance_s, np.zeros(2)]) + columns.T @ self.x
        return variance * pull, variance

    def bound(self, mean, variance, label):
        """The right side of Eq. 2 from the project's losses, q = N(mean, diag variance), c = label.

        Both expectations are of quadratic functions, for which the mean over the 2 d points
        mean +- sqrt(d) sigma e_i is exact.
        """
        steps = np.diag(np.sqrt(len(mean) * variance))
        points = torch.from_numpy(mean + np.concatenate([steps, -steps]))
        decoded = points @ torch.from_numpy(np.hstack([self.a, self.b])).T
        x, labels = torch.from_numpy(self.x).expand_as(decoded), torch.full((len(points),), label)
        log_p_x = -half_squared_error(decoded, x).item() - 3 * np.log(2 * np.pi)
        z_u = np.stack([mean[2:], np.log(variance[2:])])[:, None]
        l_kl = kl_standard_normal(*torch.from_numpy(z_u))
        log_p_s = self.prior.log_likelihood(points[:, :2], labels).mean().item()
        entropy = 0.5 * np.log(2 * np.pi * np.e * variance[:2]).sum()
        kl_s = -entropy - (log_p_s - np.log(len(self.prior.mu)))
        return log_p_x - l_kl.item() - kl_s


@pytest.fixture
def linear(make_prior, param):
    """Linear model on a mixture of three classes, its means and its variances."""
    random = np.random.default_rng(4)
    mu, sigma = 2 * random.normal(size=(3, 2)), random.uniform(0.5, 1.5, (3, 2))
    return LinearModel(make_prior(mu, sigma, param)), mu, sigma**2


def test_eq_2_is_tight_at_the_posterior_of_the_label(linear):
    """With c certain the bound is on log p(x, y), which log p(x) exceeds."""
    model, mu, variance = linear
    evidence = model.log_evidence(mu, variance)
    for c in range(3):
        bound = model.bound(*model.posterior(mu[c], variance[c]), c)
        assert bound == pytest.approx(evidence[c], abs=1e-10)
        assert bound < logsumexp(evidence)


def test_eq_2_is_below_by_the_kl_to_the_posterior(linear):
    model, mu, variance = linear
    evidence, random = model.log_evidence(mu, variance), np.random.default_rng(5)
    for c in (0, 1, 2) * 5:
        best = [torch.from_numpy(v) for v in model.posterior(mu[c], variance[c])]
        mean, spread = best[0].numpy() + random.normal(size=4), random.uniform(0.05, 2, 4)
        q = normal(torch.from_numpy(mean), torch.from_numpy(spread).sqrt())
        gap = kl_divergence(q, normal(best[0], best[1].sqrt())).item()
        assert gap > 0.1
        assert model.bound(mean, spread, c) == pytest.approx(evidence[c] - gap, abs=1e-9)

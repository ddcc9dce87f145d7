"""The mixture over z_s: Eq. 6, 7, 8 and 11 against NumPy, scikit-learn and quadrature."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.mixture import GaussianMixture as SklearnMixture
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

# Means, standard deviations and a tolerance in nats for float32: as at the start of the training,
# as trained models are, and with precisions at their upper bound.
REGIMES = {
    "start": (0.1, (0.95, 1.05), 1e-3),
    "trained": (0.3, (0.2, 0.5), 1e-3),
    "narrow": (0.05, (0.1, 0.14), 1e-3),
    "far apart": (1.0, (0.5, 2.0), 3e-3),
}


def drawn(classes, dim, spread, sigmas, batch=32, seed=0):
    """Means, standard deviations (C, d), codes (B, d) of the mixture and their labels."""
    random = np.random.default_rng(seed)
    mu = spread * random.normal(size=(classes, dim))
    sigma, labels = random.uniform(*sigmas, (classes, dim)), random.integers(0, classes, batch)
    return mu, sigma, mu[labels] + sigma[labels] * random.normal(size=(batch, dim)), labels


@pytest.mark.parametrize("regime", REGIMES.values(), ids=REGIMES)
@pytest.mark.parametrize(("classes", "dim"), [(3, 2), (530, 512)])
def test_float32_keeps_every_term(reference, make_prior, param, classes, dim, regime):
    """The expanded square of `logits` and the direct one, with the same float32 numbers."""
    spread, sigmas, atol = regime
    mu, sigma, z, labels = drawn(classes, dim, spread, sigmas)
    prior = make_prior(mu, sigma, param, torch.float32)
    z, y = torch.from_numpy(z).float(), torch.from_numpy(labels)
    z64, numbers = reference.float64(z), reference.parameters(prior)

    def agree(found, expected):
        np.testing.assert_allclose(reference.float64(found), expected, rtol=0, atol=atol)

    log_density = reference.log_densities(z64, *numbers)
    agree(prior.logits(z) - prior.likelihood_constant(), log_density)
    agree(prior.log_likelihood(z, y), log_density[np.arange(len(labels)), labels])
    agree(prior.log_mixture(z), reference.log_mixture(z64, *numbers))
    cls, lkd = prior.classification_losses(z, y)
    agree(cls, reference.l_cls(z64, labels, *numbers))
    agree(lkd, reference.l_lkd(z64, labels, *numbers))
    mean, variance = reference.total_moments(*numbers)
    agree(prior.log_total(z), reference.log_normal(z64, mean, variance))
    found = prior.total_moments()
    np.testing.assert_allclose(reference.float64(found[0]), mean, atol=1e-6)
    np.testing.assert_allclose(reference.float64(found[1]), variance, rtol=1e-5)


def test_total_variance_far_from_the_origin(reference, make_prior):
    """Eq. 11 as printed subtracts squares of 10^4 in float32; the variance must survive."""
    mu, sigma, _, _ = drawn(10, 512, 0.1, (0.1, 0.2))
    prior = make_prior(mu + 100, sigma, dtype=torch.float32)
    expected = reference.total_moments(*reference.parameters(prior))[1]
    np.testing.assert_allclose(reference.float64(prior.total_moments()[1]), expected, rtol=1e-4)


@pytest.mark.parametrize(("classes", "dim"), [(4, 3), (20, 512)])
def test_second_libraries_agree(make_prior, param, classes, dim):
    mu, sigma, z, labels = drawn(classes, dim, 0.1, (0.8, 1.2))
    prior = make_prior(mu, sigma, param)
    other = SklearnMixture(classes, covariance_type="diag")
    other.weights_, other.means_ = np.full(classes, 1 / classes), mu
    other.covariances_, other.precisions_cholesky_ = sigma**2, 1 / sigma
    codes = torch.from_numpy(z)
    np.testing.assert_allclose(prior.log_mixture(codes).detach(), other.score_samples(z), rtol=1e-9)
    posterior = prior.logits(codes).softmax(1).detach()
    np.testing.assert_allclose(posterior, other.predict_proba(z), rtol=1e-7, atol=1e-12)

    classes_of = Categorical(torch.full((classes,), 1 / classes, dtype=torch.float64))
    normals = Independent(Normal(torch.from_numpy(mu), torch.from_numpy(sigma)), 1)
    mixture = MixtureSameFamily(classes_of, normals)
    torch.testing.assert_close(prior.log_mixture(codes), mixture.log_prob(codes))
    mean, variance = prior.total_moments()
    torch.testing.assert_close(mean, mixture.mean)
    torch.testing.assert_close(variance, mixture.variance)
    own = normals.log_prob(codes[:, None])[range(len(z)), labels]
    torch.testing.assert_close(prior.log_likelihood(codes, torch.from_numpy(labels)), own)


@pytest.mark.parametrize("dim", [1, 2])
def test_densities_integrate_to_one(make_prior, param, dim):
    mu, sigma, _, _ = drawn(3, dim, 1.5, (0.5, 1.5))
    prior, line = make_prior(mu, sigma, param), np.linspace(-14, 14, 601)
    axes = np.meshgrid(*[line] * dim, indexing="ij")
    points = torch.from_numpy(np.stack(axes, -1).reshape(-1, dim))
    cell = (line[1] - line[0]) ** dim
    labels = torch.ones(len(points), dtype=torch.int64)
    for log_density in (
        prior.log_mixture(points),
        prior.log_total(points),
        prior.log_likelihood(points, labels),
    ):
        assert log_density.exp().sum().item() * cell == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("dim", [2, 512])
def test_moments_of_samples_of_the_mixture_are_eq_11(reference, make_prior, param, dim):
    """Labels at random from p(c) = 1/C, so that the spread of the means is sampled too."""
    mu, sigma, _, _ = drawn(5, dim, 1.0, (0.3, 1.5))
    prior, count = make_prior(mu, sigma, param, torch.float32), 20000
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(5, (count,), generator=generator)
    z = reference.float64(prior.sample(labels, torch.randn(count, dim, generator=generator)))
    mean, variance = reference.total_moments(*reference.parameters(prior))
    # Standard errors of the mean, and of the variance by the sample's own fourth moment.
    assert np.all(np.abs(z.mean(0) - mean) < 5 * np.sqrt(variance / count))
    squared = (z - mean) ** 2
    assert np.all(np.abs(squared.mean(0) - variance) < 5 * squared.std(0) / np.sqrt(count))
    # -log N(z; mu_t, Sigma_t) is on average the entropy of that Gaussian: they share the moments.
    found = reference.float64(-prior.log_total(torch.from_numpy(z).float()))
    entropy = 0.5 * np.log(2 * np.pi * np.e * variance).sum()
    assert found.mean() == pytest.approx(entropy, abs=5 * found.std() / np.sqrt(count))


@pytest.mark.parametrize("dim", [2, 512])
def test_samples_of_a_class_are_normal_about_mu_c(reference, make_prior, param, dim):
    """z_s = mu_c + sigma_c eps: squared Mahalanobis distances are chi^2, dimensions independent."""
    mu, sigma, _, _ = drawn(3, dim, 1.0, (0.3, 1.5))
    prior, count = make_prior(mu, sigma, param, torch.float32), 3000
    noise = torch.randn(3 * count, dim, generator=torch.Generator().manual_seed(2))
    labels = torch.arange(3).repeat_interleave(count)
    z, (mu, variance) = reference.float64(prior.sample(labels, noise)), reference.parameters(prior)
    for c, group in enumerate(z.reshape(3, count, dim)):
        standard = (group - mu[c]) / np.sqrt(variance[c])
        assert stats.kstest((standard**2).sum(1), stats.chi2(dim).cdf).pvalue > 1e-3
        assert stats.kstest(standard[:, 0], "norm").pvalue > 1e-3
        correlation = np.corrcoef(standard, rowvar=False) - np.eye(dim)
        assert np.abs(correlation).max() < 6 / np.sqrt(count)

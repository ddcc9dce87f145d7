"""Gradients of the mixture's terms at 512 dimensions, in the float32 of the training.

`gradcheck` in float64 at 3 dimensions is in the tests of the prior.
"""

import numpy as np
import pytest
import torch

CLASSES, DIM, BATCH = 40, 512, 8
LAMBDA = 0.1
STEP = 1e-5
TERMS = ("cls", "lkd", "likelihood", "mixture", "total")


@pytest.fixture
def case(make_prior, param):
    """Mixture as trained models are, with classes that overlap, codes and labels; float32."""
    random = np.random.default_rng(0)
    mu = 0.02 * random.normal(size=(CLASSES, DIM))
    sigma = random.uniform(0.3, 0.6, DIM) * random.uniform(0.98, 1.02, (CLASSES, DIM))
    labels = random.integers(0, CLASSES, BATCH)
    z = mu[labels] + sigma[labels] * random.normal(size=(BATCH, DIM))
    prior = make_prior(mu, sigma, param, torch.float32)
    return prior, torch.from_numpy(z).float().requires_grad_(), torch.from_numpy(labels)


def found_term(term, prior, z, labels):
    """The term as the project computes it, 0-dim."""
    if term in ("cls", "lkd"):
        return prior.classification_losses(z, labels)[TERMS.index(term)]
    if term == "likelihood":
        return -prior.log_likelihood(z, labels).mean()
    return -(prior.log_mixture if term == "mixture" else prior.log_total)(z).mean()


def literal_term(reference, term, z, mu, raw, labels, param):
    """The term by its equation, float64."""
    variance = reference.variances(raw, param)
    if term == "cls":
        return reference.l_cls(z, labels, mu, variance)
    if term == "mixture":
        return -reference.log_mixture(z, mu, variance).mean()
    if term == "total":
        return -reference.log_normal(z, *reference.total_moments(mu, variance)).mean()
    return reference.l_lkd(z, labels, mu, variance)


@pytest.mark.parametrize("term", TERMS)
def test_autograd_is_the_central_difference_of_the_equation(reference, case, term):
    """Along a random direction, and along the gradient itself, of z, mu and the scale apart."""
    prior, z, labels = case
    inputs = (z, prior.mu, prior.scale)
    gradients = torch.autograd.grad(found_term(term, prior, z, labels), inputs)
    at, random = [reference.float64(t) for t in inputs], np.random.default_rng(1)
    for index, gradient in enumerate(map(reference.float64, gradients)):
        norm = np.linalg.norm(gradient)
        assert norm > 1e-3
        for direction in (gradient / norm, random.normal(size=gradient.shape) / gradient.size**0.5):
            ends = []
            for sign in (1, -1):
                moved = list(at)
                moved[index] = at[index] + sign * STEP * direction
                ends.append(literal_term(reference, term, *moved, labels.numpy(), prior.param))
            slope = (ends[0] - ends[1]) / (2 * STEP)
            assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-3, abs=1e-4 * norm)


def test_gradient_of_eq_9_in_closed_form(reference, case):
    """Entry by entry; tau = log(1 + e^v) has the slope sigmoid(v), tau = e^-logvar has -tau."""
    prior, z, labels = case
    cls, lkd = prior.classification_losses(z, labels)
    found = torch.autograd.grad(cls + LAMBDA * lkd, (z, prior.mu, prior.scale))
    mu, variance = reference.parameters(prior)
    by_z, by_mu, by_precision = reference.gm_gradients(
        reference.float64(z), labels.numpy(), mu, variance, LAMBDA
    )
    raw = reference.float64(prior.scale)
    slope = 1 / (1 + np.exp(-raw)) if prior.param == "precision" else -np.exp(-raw)
    for own, expected in zip(found, (by_z, by_mu, by_precision * slope), strict=True):
        largest = np.abs(expected).max()
        np.testing.assert_allclose(reference.float64(own), expected, rtol=1e-3, atol=1e-4 * largest)


def test_the_closed_form_is_the_slope_of_the_equation(reference):
    """The reference's own gradient, so that the test above does not rest on a derivation."""
    random = np.random.default_rng(0)
    mu, variance = random.normal(size=(4, 3)), random.uniform(0.5, 2, (4, 3))
    labels, z = np.array([0, 3, 1, 1, 2]), random.normal(size=(5, 3))
    gradients = reference.gm_gradients(z, labels, mu, variance, LAMBDA)
    for index, gradient in enumerate(gradients):
        for entry in np.ndindex(gradient.shape):
            ends = []
            for sign in (1, -1):
                moved = [z.copy(), mu.copy(), 1 / variance]
                moved[index][entry] += sign * STEP
                ends.append(reference.l_gm(moved[0], labels, moved[1], 1 / moved[2], LAMBDA))
            slope = (ends[0] - ends[1]) / (2 * STEP)
            assert gradient[entry] == pytest.approx(slope, abs=1e-8)

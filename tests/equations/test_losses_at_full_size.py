"""Losses in float32 at the paper's sizes: 512 latent dimensions, 530 classes, 64 px images."""

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from dlvae.method import losses

BATCH, CLASSES, DIM = 6, 530, 512


def drawn(*shape, scale=1.0, seed=0):
    """Normal float32 numbers, as a tensor and as the float64 array of the same numbers."""
    values = torch.from_numpy(scale * np.random.default_rng(seed).normal(size=shape)).float()
    return values, values.double().numpy()


@pytest.mark.parametrize("spread", [0.01, 1.0, 3.0])
def test_kl_eq_3(reference, spread):
    (mean, mean64), (logvar, logvar64) = drawn(BATCH, DIM), drawn(BATCH, DIM, scale=spread, seed=1)
    found = losses.kl_standard_normal(mean, logvar).item()
    assert found == pytest.approx(reference.l_kl(mean64, logvar64), rel=1e-6)
    q = Independent(Normal(mean.double(), (logvar.double() / 2).exp()), 1)
    standard = Independent(Normal(torch.zeros(DIM).double(), torch.ones(DIM).double()), 1)
    assert found == pytest.approx(kl_divergence(q, standard).mean().item(), rel=1e-6)


def test_kl_of_a_posterior_near_the_prior(reference):
    """Terms of order 1 cancel to 1e-6 each: float32 must not turn that into noise or below 0."""
    mean, mean64 = drawn(BATCH, DIM, scale=1e-3)
    logvar, logvar64 = drawn(BATCH, DIM, scale=1e-3, seed=1)
    found = losses.kl_standard_normal(mean, logvar).item()
    assert found > 0
    assert found == pytest.approx(reference.l_kl(mean64, logvar64), abs=DIM * 1e-7)


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_cross_entropies_eq_4_and_5(reference, scale):
    logits, logits64 = drawn(BATCH, CLASSES, scale=scale)
    labels = np.random.default_rng(1).integers(0, CLASSES, BATCH)
    found = losses.cross_entropy(logits, torch.from_numpy(labels)).item()
    one_hot = np.eye(CLASSES)[labels]
    assert found == pytest.approx(reference.cross_entropy(logits64, one_hot), rel=1e-5)
    uniform = np.full(CLASSES, 1 / CLASSES)
    found = losses.uniform_cross_entropy(logits).item()
    assert found == pytest.approx(reference.cross_entropy(logits64, uniform), rel=1e-5)
    assert found > np.log(CLASSES)


@pytest.mark.parametrize("size", [2, 32, 64])
def test_reconstruction(reference, size):
    shape = (BATCH, 2) if size == 2 else (BATCH, 3, size, size)
    (x, x64), (x_f, x_f64) = drawn(*shape), drawn(*shape, seed=1)
    found = losses.mse(x_f, x).item()
    assert found == pytest.approx(reference.l_rec(x64, x_f64, "code"), rel=1e-5)
    found = losses.half_squared_error(x_f, x).item()
    assert found == pytest.approx(reference.l_rec(x64, x_f64, "paper"), rel=1e-5)


@pytest.mark.parametrize("kind", losses.GAN_LOSSES)
@pytest.mark.parametrize("fakes", [1, 2])
def test_adversarial_losses_eq_10_and_algorithm_1(reference, kind, fakes):
    """One fake batch is Eq. 10, two (x_f and x_p) are Algorithm 1."""
    (real, real64), (fake, fake64) = drawn(96, scale=4), drawn(fakes, 96, scale=4, seed=1)
    found = losses.discriminator_loss(real, list(fake), kind).item()
    assert found == pytest.approx(reference.l_d(real64, fake64, kind), rel=1e-5)
    found = losses.generator_loss(list(fake), kind).item()
    assert found == pytest.approx(reference.l_gd(fake64, kind), rel=1e-5, abs=1e-5)


def test_the_undecided_discriminator():
    """At logit 0, D is 1/2: every term is log 2; of the hinge every term is 1, the decoder's 0."""
    zero = torch.zeros(4)
    for count in (1, 2):
        fakes = [zero] * count
        log = losses.discriminator_loss(zero, fakes, "log").item(), np.log(2) * (1 + count)
        assert log[0] == pytest.approx(log[1], rel=1e-6)
        assert losses.generator_loss(fakes, "log").item() == pytest.approx(np.log(2) * count)
        assert losses.discriminator_loss(zero, fakes, "hinge") == 1 + count
        assert losses.generator_loss(fakes, "hinge") == 0


def test_the_best_discriminator_of_algorithm_1():
    """On discrete images with known p_r, p_f, p_p the log loss is least at p_r / (p_r + p_f + p_p).

    Each image occurs as often as it is probable, so that a batch mean is an expectation.
    """
    counts = np.array([[6, 1, 3], [2, 5, 3], [1, 1, 8]])  # of x, x_f and x_p on three images
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    rows = [torch.from_numpy(np.repeat(np.arange(3), n)) for n in counts]

    def loss(logits):
        real, *fakes = (logits[row] for row in rows)
        return losses.discriminator_loss(real, fakes, "log")

    best = counts[0] / counts.sum(0)
    optimum = torch.from_numpy(np.log(best / (1 - best))).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(optimum), optimum)
    assert gradient.abs().max() < 1e-12
    (elsewhere,) = torch.autograd.grad(loss(logits), logits)
    assert elsewhere.abs().max() > 0.05 and loss(optimum) < loss(logits)

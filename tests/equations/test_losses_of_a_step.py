"""The losses that Algorithm 1 and the semi-supervised stage compute, at 512 dimensions.

The networks' outputs are taken as they are; every loss is worked out again from them in float64.
"""

from functools import partial

import numpy as np
import pytest
import torch

from dlvae.base import Method, Task
from dlvae.method import algorithm1
from dlvae.method.algorithm1 import joint_losses, joint_pass, mixture_step
from dlvae.method.networks import Config, LrLiVAE
from dlvae.method.semi_supervised import unlabelled_losses

CLASSES, BATCH = 530, 16
TASK = Task("point", "toy", 2, CLASSES, 0.5, 512, 512, BATCH, 1000)
# A loss of Encoder_u's objective and the like is of order 1 to 700; all are float32.
close = partial(pytest.approx, rel=2e-5, abs=1e-4)


@pytest.fixture
def made():
    """Model by method keys, with class parameters off their start, points and labels."""

    def make(**keys):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = LrLiVAE(TASK, Method(**keys), Config()).eval()  # power iterations stand still
            with torch.no_grad():
                model.prior.mu.normal_(std=0.2)
                model.prior.scale.normal_(0.5, 0.2)
            points, labels = torch.randn(BATCH, 2), torch.randint(CLASSES, (BATCH,))
        return model, points, labels

    return make


def passed(model, points, prior_labels):
    return joint_pass(model, points, prior_labels, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("gan_loss", ["hinge", "log"])
@pytest.mark.parametrize("variant", ["code", "paper"])
def test_stage_2(reference, made, variant, gan_loss):
    model, points, labels = made(variant=variant, gan_loss=gan_loss)
    prior_labels = labels.flip(0)
    forward = passed(model, points, prior_labels)
    found, _ = joint_losses(model, forward, labels)

    numbers = {name: reference.float64(value) for name, value in vars(forward).items()}
    y, f64 = labels.numpy(), reference.float64
    logits = f64(model.classifier(forward.z_u))
    real = f64(model.discriminator(points, labels))
    fakes = [
        f64(model.discriminator(forward.reconstruction, labels)),
        f64(model.discriminator(forward.prior_image, prior_labels)),
    ]
    expected = {
        "rec": reference.l_rec(numbers["images"], numbers["reconstruction"], variant),
        "kl": reference.l_kl(numbers["mean"], numbers["logvar"]),
        "lkd": reference.l_lkd(numbers["z_s"], y, *reference.parameters(model.prior)),
        "adv_encoder": reference.cross_entropy(logits, np.full(CLASSES, 1 / CLASSES)),
        "adv_classifier": reference.cross_entropy(logits, np.eye(CLASSES)[y]),
        "adv_discriminator": reference.l_d(real, fakes, gan_loss),
        "adv_decoder": reference.l_gd(fakes, gan_loss),
    }
    assert {name: loss.item() for name, loss in found.items()} == {
        name: close(value) for name, value in expected.items()
    }


@pytest.mark.parametrize("prior_kind", ["total", "mixture"])
@pytest.mark.parametrize("gan_loss", ["hinge", "log"])
def test_semi_supervised_stage(reference, made, param, prior_kind, gan_loss):
    """L_lkd by Eq. 11 or Eq. 6; x and x_f are scored without a class, x_p with its own."""
    model, points, labels = made(param=param, unlabelled_prior=prior_kind, gan_loss=gan_loss)
    model.start_semi_supervised()
    forward = passed(model, points, labels)
    found, _ = unlabelled_losses(model, forward)

    f64 = reference.float64
    z_s, (mu, variance) = f64(forward.z_s), reference.parameters(model.prior)
    if prior_kind == "total":
        likelihood = reference.log_normal(z_s, *reference.total_moments(mu, variance))
    else:
        likelihood = reference.log_mixture(z_s, mu, variance)
    real = f64(model.discriminator(points, None))
    fakes = [
        f64(model.discriminator(forward.reconstruction, None)),
        f64(model.discriminator(forward.prior_image, labels)),
    ]
    expected = {
        "rec": reference.l_rec(f64(points), f64(forward.reconstruction), "code"),
        "kl": reference.l_kl(f64(forward.mean), f64(forward.logvar)),
        "lkd": -likelihood.mean(),
        "adv_discriminator": reference.l_d(real, fakes, gan_loss),
        "adv_decoder": reference.l_gd(fakes, gan_loss),
    }
    assert {name: loss.item() for name, loss in found.items()} == {
        name: close(value) for name, value in expected.items()
    }


@pytest.mark.parametrize("weight", [0.1, 2.0])
def test_stage_1_descends_eq_9(reference, made, monkeypatch, param, weight):
    """L_cls, L_lkd, and the gradient of L_cls + lambda_lkd L_lkd for mu_c and Sigma_c."""
    model, points, labels = made(param=param, lambda_lkd=weight)
    z_s = reference.float64(model.encoder_s(points)[0])
    numbers, raw = reference.parameters(model.prior), reference.float64(model.prior.scale)
    taken = {}

    def take(optimiser, parameters, gradients):
        taken.update(zip(map(id, parameters), gradients, strict=True))

    monkeypatch.setattr(algorithm1, "apply_gradients", take)
    found = mixture_step(model, points, labels)

    y = labels.numpy()
    assert found["cls"].item() == close(reference.l_cls(z_s, y, *numbers))
    assert found["lkd_gm"].item() == close(reference.l_lkd(z_s, y, *numbers))
    _, by_mu, by_precision = reference.gm_gradients(z_s, y, *numbers, weight)
    slope = 1 / (1 + np.exp(-raw)) if param == "precision" else -np.exp(-raw)
    pairs = ((model.prior.mu, by_mu), (model.prior.scale, by_precision * slope))
    for parameter, expected in pairs:
        gradient, largest = reference.float64(taken[id(parameter)]), np.abs(expected).max()
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4 * largest)

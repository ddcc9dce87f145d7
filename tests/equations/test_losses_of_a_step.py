"""The losses that Algorithm 1 and the semi-supervised stage compute, at 512 dimensions.

The networks' outputs are taken as they are; every loss is worked out again from them in float64.
"""

from functools import partial

import numpy as np
import pytest
import torch

from dlvae.base import Batch, Method, Task
from dlvae.config.section import Options
from dlvae.method.algorithm1 import LrLiVAE

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
            model = LrLiVAE(TASK, Method(**keys), Options()).eval()  # power iterations stand still
            with torch.no_grad():
                model.prior.mu.normal_(std=0.2)
                model.prior.scale.normal_(0.5, 0.2)
            points, labels = torch.randn(BATCH, 2), torch.randint(CLASSES, (BATCH,))
        return model, points, labels

    return make


def taken_of(model, step):
    """The codes, losses and shared tensors of a step; nothing moves."""
    taken, joint_pass = {}, model.joint_pass

    def descend(stage, losses, shared=None):
        taken.update(losses=losses, shared=shared)
        return {}

    def recorded(x, y_p, generator):
        taken["codes"], taken["y_p"] = joint_pass(x, y_p, generator), y_p.numpy()
        return taken["codes"]

    model.descend, model.joint_pass = descend, recorded
    step(torch.Generator().manual_seed(1))
    return taken


@pytest.mark.parametrize("gan_loss", ["hinge", "log"])
@pytest.mark.parametrize("variant", ["code", "paper"])
def test_stage_2(reference, made, variant, gan_loss):
    model, points, labels = made(variant=variant, gan_loss=gan_loss)
    taken = taken_of(model, lambda draws: model.stage_2(points, labels, draws))
    codes, found = taken["codes"], taken["losses"]

    y, f64 = labels.numpy(), reference.float64
    numbers = {name: f64(value) for name, value in codes._asdict().items()}
    logits = f64(model.classifier(codes.z_u))
    real = f64(model.discriminator(points, labels))
    fakes = [
        f64(model.discriminator(codes.x_f, labels)),
        f64(model.discriminator(codes.x_p, torch.from_numpy(taken["y_p"]))),
    ]
    expected = {
        "rec": reference.l_rec(f64(points), numbers["x_f"], variant),
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
    batch = partial(Batch, points[None], torch.full((1, BATCH), -1))
    taken = taken_of(model, lambda draws: model.semi_supervised_step(batch(draws), 0))
    codes, found = taken["codes"], taken["losses"]

    f64 = reference.float64
    z_s, (mu, variance) = f64(codes.z_s), reference.parameters(model.prior)
    if prior_kind == "total":
        likelihood = reference.log_normal(z_s, *reference.total_moments(mu, variance))
    else:
        likelihood = reference.log_mixture(z_s, mu, variance)
    real = f64(model.discriminator(points, None))
    fakes = [
        f64(model.discriminator(codes.x_f, None)),
        f64(model.discriminator(codes.x_p, torch.from_numpy(taken["y_p"]))),
    ]
    expected = {
        "rec": reference.l_rec(f64(points), f64(codes.x_f), "code"),
        "kl": reference.l_kl(f64(codes.mean), f64(codes.logvar)),
        "lkd": -likelihood.mean(),
        "adv_discriminator": reference.l_d(real, fakes, gan_loss),
        "adv_decoder": reference.l_gd(fakes, gan_loss),
    }
    assert {name: loss.item() for name, loss in found.items()} == {
        name: close(value) for name, value in expected.items()
    }


@pytest.mark.parametrize("weight", [0.1, 2.0])
def test_stage_1_descends_eq_9(reference, made, param, weight):
    """L_cls, L_lkd, and the gradient of L_cls + lambda_lkd L_lkd for mu_c and Sigma_c."""
    model, points, labels = made(param=param, lambda_lkd=weight)
    z_s = reference.float64(model.encoder_s(points)[0])
    numbers, raw = reference.parameters(model.prior), reference.float64(model.prior.scale)
    optimiser, taken = model.optimisers["stage_1"], {}

    def step():
        taken.update({name: model.groups[name][0].grad for name in ("mu", "sigma")})

    optimiser.step = step
    found = model.stage_1(points, labels)

    y = labels.numpy()
    assert found["cls"].item() == close(reference.l_cls(z_s, y, *numbers))
    assert found["lkd_gm"].item() == close(reference.l_lkd(z_s, y, *numbers))
    _, by_mu, by_precision = reference.gm_gradients(z_s, y, *numbers, weight)
    slope = 1 / (1 + np.exp(-raw)) if param == "precision" else -np.exp(-raw)
    for name, expected in (("mu", by_mu), ("sigma", by_precision * slope)):
        gradient, largest = reference.float64(taken[name]), np.abs(expected).max()
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4 * largest)

"""Fewer walks through the networks against one per objective, in float64."""

import pytest
import torch
from torch import nn

from dlvae.fast import backward
from dlvae.method.losses import adversarial_losses
from dlvae.method.objectives import gradients

OBJECTIVES = {
    "encoder": {"rec": 0.5, "kl": 2.0},
    "decoder": {"rec": 3.0, "adv_decoder": 0.7},
    "discriminator": {"adv_discriminator": 1.0},
    "bias": {"square": 1.0},
    "offset": {"square": 1.0},
}


@pytest.mark.parametrize("left_out", [None, "rec", "adv_decoder"])
@pytest.mark.parametrize("kind", ["hinge", "log"])
def test_gradients_are_those_of_a_walk_per_objective(kind, left_out):
    torch.manual_seed(0)
    layers = {"encoder": nn.Linear(6, 4), "decoder": nn.Linear(4, 6)}
    layers["discriminator"] = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.1), nn.Linear(16, 1))
    networks = nn.ModuleDict(layers).double()
    # large enough that the hinge of many images is flat
    x, z_p = 5 * torch.randn(20, 6).double(), 5 * torch.randn(20, 4).double()
    z = networks["encoder"](x)
    x_f, x_p = networks["decoder"](z), networks["decoder"](z_p)
    logits = networks["discriminator"](torch.cat([x, x_f, x_p])).squeeze(1).chunk(3)
    assert any(0 < (score < -1).sum() < 20 for score in logits[1:])
    apart = {name: [nn.Parameter(torch.ones(2).double())] for name in ("bias", "offset")}
    losses = {"rec": (x - x_f).square().mean(), "kl": z.square().mean()}
    losses["square"] = sum((part.sum() ** 3 for (part,) in apart.values()), z.sum())
    objectives = {
        name: {loss: weight for loss, weight in weights.items() if loss != left_out}
        for name, weights in OBJECTIVES.items()
    }
    shared = backward.Shared({"encoder": z})
    if left_out == "adv_decoder":
        del objectives["discriminator"]
    else:
        losses |= adversarial_losses(logits, kind)
        shared = backward.Shared({"encoder": z}, (x_f, x_p), logits)
    groups = {name: list(network.parameters()) for name, network in networks.items()}
    groups |= apart
    expected = gradients(losses, objectives, groups)
    found = backward.gradients(losses, objectives, groups, shared)
    assert found.keys() == expected.keys()
    for name in expected:
        for one, other in zip(found[name], expected[name], strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)

"""One walk through a discriminator against a walk per loss, in float64."""

import pytest
import torch
from torch import nn

from dlvae.fast.adversary import Verdict


@pytest.mark.parametrize("kind", ["hinge", "log"])
def test_gradients_are_those_of_two_walks(kind):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.1), nn.Linear(16, 1)).double()
    parameters = list(network.parameters())
    # large enough that the hinge of many images is flat
    batches = [5 * torch.randn(20, 6, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    real, *scores = network(torch.cat(batches)).squeeze(1).chunk(3)
    assert any(0 < (score < -1).sum() < 20 for score in scores)
    verdict = Verdict(real, tuple(scores), tuple(batches[1:]))
    losses = verdict.losses(kind)
    by_weights = torch.autograd.grad(losses["adv_discriminator"], parameters, retain_graph=True)
    by_fakes = torch.autograd.grad(losses["adv_decoder"], batches[1:], retain_graph=True)
    found_weights, found_fakes = verdict.gradients(losses, parameters)
    for found, expected in zip(
        (*found_weights, *found_fakes), (*by_weights, *by_fakes), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)

"""Gradients per group and optimiser steps."""

import pytest
import torch
from torch import nn

from dlvae.method.optim import apply_gradients, gradients


def test_gradients_of_one_group_leave_the_others_and_grad_alone():
    first, second = nn.Linear(3, 3), nn.Linear(3, 1)
    loss = second(first(torch.randn(4, 3))).square().mean()
    found = gradients(loss, list(first.parameters()))
    again = gradients(loss, list(first.parameters()), retain_graph=False)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))
    assert all(p.grad is None for net in (first, second) for p in net.parameters())


def test_a_parameter_out_of_reach_is_an_error():
    used, unused = nn.Linear(2, 1), nn.Linear(2, 1)
    with pytest.raises(RuntimeError, match="not have been used"):
        gradients(used(torch.randn(1, 2)).sum(), [*used.parameters(), *unused.parameters()])


def test_a_step_equals_backward_and_step():
    torch.manual_seed(0)
    reference = nn.Linear(3, 2)
    net = nn.Linear(3, 2)
    net.load_state_dict(reference.state_dict())
    optimisers = [torch.optim.Adam(n.parameters(), fused=True) for n in (reference, net)]
    for _ in range(3):
        x = torch.randn(5, 3)
        reference.zero_grad()
        reference(x).square().sum().backward()
        optimisers[0].step()
        parameters = list(net.parameters())
        apply_gradients(optimisers[1], parameters, gradients(net(x).square().sum(), parameters))
    assert torch.equal(reference.weight, net.weight)
    assert all(p.grad is None for p in net.parameters())


def test_memory_layouts_of_gradient_and_weight_may_differ():
    start, grad = torch.randn(4, 6, 3, 3), torch.randn(4, 6, 3, 3)
    stepped = []
    for layout in (torch.contiguous_format, torch.channels_last):
        weight = nn.Parameter(start.clone(memory_format=layout))
        optimiser = torch.optim.Adam([weight], fused=True)
        apply_gradients(optimiser, [weight], [grad])
        stepped.append(weight.detach())
    assert torch.equal(*stepped)

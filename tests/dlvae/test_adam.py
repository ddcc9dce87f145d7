"""FastAdam is torch.optim.Adam: same numbers to the bit, before and after a restart."""

import copy
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import nn

from dlvae.fast.adam import FastAdam

OPTIONS = dict(lr=5e-4, betas=(0.0, 0.9), eps=1e-8)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 2))


def train(net: nn.Module, optimiser: torch.optim.Optimizer, steps: range) -> list[torch.Tensor]:
    for step in steps:
        x = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        net(x).square().sum().backward()
        optimiser.param_groups[0]["lr"] = 5e-4 * 0.9**step
        optimiser.step()
    return [p.detach().clone() for p in net.parameters()]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_updates_equal_the_library_to_the_bit(layout: torch.memory_format) -> None:
    net = network().to(memory_format=layout)
    twin = copy.deepcopy(net)
    expected = train(twin, torch.optim.Adam(twin.parameters(), fused=True, **OPTIONS), range(5))
    assert same(train(net, FastAdam(net.parameters(), **OPTIONS), range(5)), expected)


@pytest.mark.parametrize("first", [FastAdam, partial(torch.optim.Adam, fused=True)])
def test_saved_state_continues_to_the_same_weights(first) -> None:
    net = network()
    expected = train(net, FastAdam(net.parameters(), **OPTIONS), range(6))
    net = network()
    optimiser = first(net.parameters(), **OPTIONS)
    train(net, optimiser, range(3))
    continued = FastAdam(net.parameters(), **OPTIONS)
    continued.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    assert same(train(net, continued, range(3, 6)), expected)


def test_state_loads_into_an_optimiser_in_use() -> None:
    net = network()
    optimiser = FastAdam(net.parameters(), **OPTIONS)
    train(net, optimiser, range(2))
    weights, state = copy.deepcopy((net.state_dict(), optimiser.state_dict()))
    expected = train(net, optimiser, range(2, 4))
    net.load_state_dict(weights)
    optimiser.load_state_dict(state)
    assert same(train(net, optimiser, range(2, 4)), expected)


def test_deep_copies_are_independent() -> None:
    net = network()
    optimiser = FastAdam(net.parameters(), **OPTIONS)
    train(net, optimiser, range(2))
    twin, twin_optimiser = copy.deepcopy((net, optimiser))
    expected = train(net, optimiser, range(2, 4))
    assert same(train(twin, twin_optimiser, range(2, 4)), expected)


def test_integer_betas_of_a_yaml_file_are_accepted() -> None:
    net, twin = network(), network()
    expected = train(twin, FastAdam(twin.parameters(), lr=1e-3, betas=(0.0, 0.9)), range(2))
    found = train(net, FastAdam(net.parameters(), lr=1e-3, betas=(0, 0.9)), range(2))
    assert same(found, expected) and not same(found, list(network().parameters()))


def test_a_training_that_is_saved_imports_no_compiler() -> None:
    code = (
        "import sys, torch\n"
        "from dlvae.fast.adam import FastAdam\n"
        "weight = torch.nn.Parameter(torch.ones(3))\n"
        "optimiser = FastAdam([weight], 1e-3, (0.0, 0.9))\n"
        "weight.grad = torch.ones(3)\n"
        "optimiser.step()\n"
        "optimiser.load_state_dict(optimiser.state_dict())\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

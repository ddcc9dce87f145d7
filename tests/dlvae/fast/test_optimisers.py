"""Optimisers without torch's compiler: the library's numbers to the bit."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from dlvae.fast.optimisers import Adam, without_compiler

KINDS = {
    "Adam": (Adam, torch.optim.Adam, dict(lr=5e-4, betas=(0.0, 0.9), fused=True)),
    "plain Adam": (Adam, torch.optim.Adam, dict(lr=5e-4, betas=(0.0, 0.9))),
    "SGD": (
        without_compiler(torch.optim.SGD),
        torch.optim.SGD,
        dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True),
    ),
}


def train(net: nn.Module, optimiser: torch.optim.Optimizer, steps: range) -> list[torch.Tensor]:
    for step in steps:
        x = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        net(x).square().sum().backward()
        optimiser.param_groups[0]["lr"] = 5e-4 * 0.9**step
        optimiser.step()
    return [p.detach().clone() for p in net.parameters()]


@pytest.mark.parametrize("bare, library, options", KINDS.values(), ids=KINDS)
def test_updates_and_restarts_are_the_librarys(bare, library, options) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 2))
    twin, resumed = copy.deepcopy(net), copy.deepcopy(net)
    expected = train(twin, library(twin.parameters(), **options), range(6))
    optimiser = bare(net.parameters(), **options)
    train(net, optimiser, range(3))
    resumed.load_state_dict(net.state_dict())
    continued = bare(resumed.parameters(), **options)
    continued.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    for each, its in ((net, optimiser), (resumed, continued)):
        found = train(each, its, range(3, 6))
        assert all(torch.equal(x, y) for x, y in zip(found, expected, strict=True))


def test_a_training_that_is_saved_imports_no_compiler() -> None:
    code = (
        "import sys, torch\n"
        "from dlvae.base import Batch, Method, Task\n"
        "from dlvae.stage.registry import build_seeded\n"
        "task = Task('point', 'toy', 2, 3, 0.25, 2, 2, 4, 24)\n"
        "model = build_seeded('ours', task, Method(n_gm=1), {}, 't').train()\n"
        "points, labels = torch.zeros(2, 4, 2), torch.zeros(2, 4, dtype=torch.int64)\n"
        "model.training_step(Batch(points, labels, torch.Generator()), 0)\n"
        "model.load_training_state(model.training_state())\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

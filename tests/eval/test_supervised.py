"""LeanSGD is torch.optim.SGD: same numbers to the bit, without importing torch's compiler."""

import copy
import subprocess
import sys

import torch
from torch import nn

from eval.judge.supervised import LeanSGD

OPTIONS = dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)


def train(net, optimiser):
    for step in range(4):
        x = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(step))
        net.zero_grad()
        net(x).square().sum().backward()
        optimiser.param_groups[0]["lr"] = 0.1 / (step + 1)
        optimiser.step()
    return [p.detach() for p in net.parameters()], optimiser.state_dict()["state"]


def test_updates_equal_the_library_to_the_bit():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    twin = copy.deepcopy(net)
    weights, state = train(net, LeanSGD(net.parameters(), **OPTIONS))
    expected, theirs = train(twin, torch.optim.SGD(twin.parameters(), **OPTIONS))
    assert all(torch.equal(x, y) for x, y in zip(weights, expected, strict=True))
    for index, entry in theirs.items():
        assert torch.equal(entry["momentum_buffer"], state[index]["momentum_buffer"])


def test_a_training_imports_no_compiler():
    code = (
        "import sys, torch\n"
        "from types import SimpleNamespace\n"
        "from eval.judge.supervised import Learner, Recipe\n"
        "net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))\n"
        "learner = Learner(net, torch.nn.functional.cross_entropy, Recipe(), 10)\n"
        "batch = SimpleNamespace(images=torch.zeros(1, 4, 3, 2, 2), generator=torch.Generator(),\n"
        "                        labels=torch.zeros(1, 4, dtype=torch.int64))\n"
        "learner.step(batch, 0)\n"
        "learner.load_training_state(learner.training_state())\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

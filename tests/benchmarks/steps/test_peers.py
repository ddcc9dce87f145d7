"""The peers train the same networks as our baselines, and the stand-ins do what they stand for."""

import pytest
import torch

from tests.benchmarks.steps import setups
from tests.benchmarks.steps.peers import CganPdStep, VaeGanStep
from tests.benchmarks.steps.pythae_step import PythaeStep

NETWORKS = ("encoder", "decoder", "discriminator")


def sizes(network: torch.nn.Module) -> list[torch.Size]:
    return sorted(p.shape for p in network.parameters())


@pytest.mark.parametrize("width", ["tiny", "full_width"])
def test_networks_are_those_of_our_baselines(width) -> None:
    task, method = getattr(setups, width)()
    peer = VaeGanStep(task, method, "fp32", setups.batch(task))
    model = setups.trained("cvae_gan", task, method, "fp32")
    for name in NETWORKS:
        assert sizes(getattr(peer, name)) == sizes(getattr(model, name)), name


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("kind", "trained"), [(VaeGanStep, NETWORKS), (CganPdStep, ("decoder", "discriminator"))]
)
def test_a_step_moves_the_networks_it_trains(kind, trained, precision) -> None:
    task, method = setups.tiny()
    step = kind(task, method, precision, setups.batch(task))
    before = {name: [p.clone() for p in getattr(step, name).parameters()] for name in NETWORKS}
    assert all(torch.isfinite(torch.tensor(value)) for value in step().values())
    for name, old in before.items():
        new = getattr(step, name).parameters()
        # Not each parameter: at first the hinge pulls the last bias both ways alike.
        moved = any(not torch.equal(a, b) for a, b in zip(old, new, strict=True))
        assert moved == (name in trained), name


@pytest.mark.parametrize("kind", [VaeGanStep, CganPdStep])
def test_channels_last_is_the_same_step_in_another_layout(kind) -> None:
    task, method = setups.tiny()
    losses, layouts = [], []
    for channels_last in (False, True):
        step = kind(task, method, "fp32", setups.batch(task), channels_last)
        maps = []
        for layer in [*step.decoder.modules(), *step.discriminator.modules()]:
            if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                layer.register_forward_hook(lambda _, __, out, maps=maps: maps.append(out))
        torch.manual_seed(1)
        losses.append(step())
        layouts.append([m.is_contiguous(memory_format=torch.channels_last) for m in maps])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert all(layouts[1]) and not any(layouts[0])


@pytest.mark.parametrize("channels_last", [False, True])
def test_pythae_and_its_stand_in_take_the_same_steps(channels_last) -> None:
    pytest.importorskip("pythae")
    task, method = setups.tiny()
    theirs, ours = (
        kind(task, method, "fp32", setups.batch(task), channels_last)
        for kind in (PythaeStep, VaeGanStep)
    )
    for name in NETWORKS:  # pythae's constructor has already used its networks once
        getattr(ours, name).load_state_dict(getattr(theirs, name).state_dict())
    for seed in range(3):
        losses = []
        for step in (theirs, ours):
            torch.manual_seed(seed)
            losses.append(step())
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)

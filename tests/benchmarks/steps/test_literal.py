"""The literal step of the benchmark: its layouts, and the formula of useful operations."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.benchmarks.steps import setups
from tests.benchmarks.steps.flop import literal_flop, useful_flop
from tests.reference.algorithm1 import LiteralAlgorithm1


def literal_step(task, method, precision: str = "fp32") -> LiteralAlgorithm1:
    model = setups.trained("ours", setups.plain(task), method, "fp32")
    return LiteralAlgorithm1(model, precision)


def test_channels_last_is_the_same_step_in_another_layout() -> None:
    task, method = setups.tiny()
    losses, layouts = [], []
    for channels_last in (False, True):
        literal = literal_step(task, method)
        batch = setups.batch(task, method.n_gm + 1)
        if not channels_last:
            literal.use_layout(torch.contiguous_format)
            batch = setups.standard_layout(batch)
        maps = []
        for network in literal.networks():
            for layer in network.modules():
                if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                    layer.register_forward_hook(lambda _, __, out, maps=maps: maps.append(out))
        losses.append([literal.training_step(batch)[name].item() for name in ("rec", "cls")])
        layouts.append([m.is_contiguous(memory_format=torch.channels_last) for m in maps])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert all(layouts[1]) and not any(layouts[0])


@pytest.mark.parametrize("width", [0.1, 1.0])
def test_the_formula_counts_the_operations_of_the_literal_step(width: float) -> None:
    task, method = setups.full_width()
    task = replace(task, width=width, batch_size=2)
    literal = literal_step(task, method)
    batch = setups.batch(task, 4)
    with FlopCounterMode(display=False) as counter:
        literal.training_step(batch)
    assert counter.get_total_flops() == task.batch_size * literal_flop(task)


def test_useful_operations_are_two_gflop_at_full_width_and_leave_recomputation_out() -> None:
    task, _ = setups.full_width()
    assert 1.9e9 < useful_flop(task) < 2.2e9
    assert useful_flop(task) < literal_flop(task) < 1.2 * useful_flop(task)
    assert useful_flop(task, n_gm=1) < useful_flop(task)


def test_the_literal_step_learns_in_bf16() -> None:
    task, method = setups.tiny()
    literal = literal_step(task, method, "bf16")
    batch = setups.batch(task, 4)
    losses = [literal.training_step(batch) for _ in range(20)]
    assert losses[-1]["rec"] < losses[0]["rec"] and losses[-1]["cls"] < losses[0]["cls"]

"""The literal step is our mathematics, and costs what the formula of useful operations says."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dlvae.method.algorithm1 import precision_lr
from tests.benchmarks import setups
from tests.benchmarks.flop import literal_flop, useful_flop
from tests.benchmarks.literal import LiteralAlgorithm1

NETWORKS = ("encoder_s", "encoder_u", "decoder", "classifier", "discriminator")


def tensors(network: torch.nn.Module) -> list[torch.Tensor]:
    """Weights in order, and the vectors of the spectral norm."""
    vectors = [b for name, b in network.named_buffers() if name.endswith(("._u", "._v"))]
    return [*network.parameters(), *vectors]


def same_weights(literal: LiteralAlgorithm1, model) -> None:
    """Give the literal networks the model's weights; shapes that differ are an error."""
    with torch.no_grad():
        for name in NETWORKS:
            pairs = zip(tensors(getattr(literal, name)), tensors(getattr(model, name)), strict=True)
            for own, given in pairs:
                assert own.shape == given.shape, name
                own.copy_(given)
        literal.mu.copy_(model.prior.mu)
        literal.v.copy_(model.prior.scale)


def test_losses_and_weights_are_ours_in_float64() -> None:
    task, method = setups.tiny()
    # As many batches an epoch as in the published training: the rate of Sigma_c is its 5e-4.
    task = replace(task, train_images=92_000 * task.batch_size // 96)
    assert precision_lr(task, method, 0) == pytest.approx(method.lr, rel=1e-12)
    model = setups.trained("ours", task, method, "fp32").double()
    literal = LiteralAlgorithm1(task, method)
    for network in literal.networks():
        network.double()
    literal.mu.data, literal.v.data = literal.mu.data.double(), literal.v.data.double()
    same_weights(literal, model)
    for step in range(3):
        batch = setups.batch(task, model.batches_per_step, torch.float64)
        batch.generator.manual_seed(step)
        expected = literal.training_step(setups.standard_layout(batch))
        found = model.training_step(batch, step)
        for name, loss in expected.items():
            assert abs(found[name].item() - loss.item()) < 1e-6, name
    for name in NETWORKS:
        for own, given in zip(
            getattr(literal, name).parameters(), getattr(model, name).parameters(), strict=True
        ):
            assert (own - given).abs().max() < 1e-6, name
    assert (literal.mu - model.prior.mu).abs().max() < 1e-6
    assert (literal.v - model.prior.scale).abs().max() < 1e-6


def test_channels_last_is_the_same_step_in_another_layout() -> None:
    task, method = setups.tiny()
    losses, layouts = [], []
    for channels_last in (False, True):
        torch.manual_seed(0)
        literal = LiteralAlgorithm1(task, method)
        batch = setups.batch(task, method.n_gm + 1)
        if channels_last:
            literal.use_channels_last()
        else:
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
    literal = LiteralAlgorithm1(task, method)
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
    torch.manual_seed(0)
    literal = LiteralAlgorithm1(task, method, "bf16")
    batch = setups.batch(task, 4)
    losses = [literal.training_step(batch) for _ in range(20)]
    assert losses[-1]["rec"] < losses[0]["rec"] and losses[-1]["cls"] < losses[0]["cls"]

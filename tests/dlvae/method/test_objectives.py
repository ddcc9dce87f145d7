"""Weighted sums of losses, gradients per group, and the update that uses them."""

import pytest
import torch
from torch import nn

from dlvae.base import GenerativeModel, Method, Task
from dlvae.method.objectives import gradients, weighted

TASK = Task("image", "net32", 32, 4, 0.1, 5, 6, 6, 120)


class Pair(GenerativeModel):
    """Two layers with losses of their own."""

    def __init__(self, objectives: dict) -> None:
        super().__init__(TASK, Method(), None)
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 1)
        self.minimise({"step": objectives})

    def losses(self) -> dict[str, torch.Tensor]:
        out = self.second(self.first(torch.ones(4, 3)))
        return {"square": out.square().mean(), "mean": out.mean()}


def test_weights_of_a_variant_without_those_of_0() -> None:
    rows = [("a", "x", 2.0, 1.0), ("a", "y", True, 0.5), ("b", "x", 0.0, 3.0), ("c", "y", 0, 0)]
    assert weighted(rows, "code") == {"a": {"x": 2.0, "y": 1.0}}
    assert weighted(rows, "paper") == {"a": {"x": 1.0, "y": 0.5}, "b": {"x": 3.0}}


def test_gradients_of_one_group_leave_the_others_and_grad_alone() -> None:
    table = {"first": {"square": 1.0, "mean": 2.0}}
    model = Pair(table)
    losses = model.losses()
    found = gradients(losses, table, model.groups)["first"]
    whole = losses["square"] + 2 * losses["mean"]
    expected = torch.autograd.grad(whole, list(model.first.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert all(p.grad is None for p in model.parameters())


def test_a_parameter_out_of_reach_is_an_error() -> None:
    used, unused = nn.Linear(2, 1), nn.Linear(2, 1)
    groups = {"both": [*used.parameters(), *unused.parameters()]}
    with pytest.raises(RuntimeError, match="not have been used"):
        gradients({"sum": used(torch.ones(1, 2)).sum()}, {"both": {"sum": 1.0}}, groups)


def test_a_step_equals_backward_and_step_and_leaves_the_rest() -> None:
    model, reference = Pair({"first": {"square": 1.0}}), Pair({})
    optimiser = torch.optim.Adam(reference.first.parameters(), 5e-4, (0.0, 0.9), fused=True)
    for _ in range(3):
        optimiser.zero_grad()
        reference.losses()["square"].backward()
        optimiser.step()
        assert not model.descend("step", model.losses())["square"].requires_grad
    for (name, found), expected in zip(
        model.named_parameters(), reference.parameters(), strict=True
    ):
        assert torch.equal(found, expected), name
        assert found.grad is None


def test_memory_layouts_of_gradient_and_weight_may_differ() -> None:
    start, factor = torch.randn(4, 6, 3, 3), torch.randn(4, 6, 3, 3)
    stepped = []
    for layout in (torch.contiguous_format, torch.channels_last):
        model = Pair({})
        model.weight = nn.Parameter(start.clone(memory_format=layout))
        model.minimise({"step": {"own": {"loss": 1.0}}}, own=[model.weight])
        model.descend("step", {"loss": (model.weight * factor).sum()})
        stepped.append(model.weight.detach())
    assert torch.equal(*stepped)

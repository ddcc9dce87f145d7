"""The gradients that a training step would descend by."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from dlvae.base import GenerativeModel

Updates = list[tuple[str, str, list[Tensor]]]
"""Stage, group and gradients of each update, in their order."""


class Recorder:
    """Stands in for an optimiser: keeps the gradients that it is given."""

    def __init__(
        self, stage: str, optimiser: torch.optim.Optimizer, updates: Updates, moves: bool
    ) -> None:
        self.stage, self.optimiser, self.updates, self.moves = stage, optimiser, updates, moves
        self.param_groups = optimiser.param_groups

    def step(self) -> None:
        for group in self.param_groups:
            gradients = [parameter.grad.clone() for parameter in group["params"]]
            self.updates.append((self.stage, group["name"], gradients))
        if self.moves:
            self.optimiser.step()

    def zero_grad(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None


@contextmanager
def recorded(model: GenerativeModel, moves: bool = True) -> Iterator[Updates]:
    """Yield the list that updates of a model are written to; without `moves` nothing moves."""
    updates, optimisers = [], model.optimisers
    model.optimisers = {s: Recorder(s, o, updates, moves) for s, o in optimisers.items()}
    try:
        yield updates
    finally:
        model.optimisers = optimisers


def gradients_of(model: GenerativeModel, step: Callable[[], object]) -> dict[str, list[Tensor]]:
    """Run a step that moves nothing; return the first gradients of each `"stage group"`."""
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    with recorded(model, moves=False) as updates:
        step()
    model.load_state_dict(weights)  # spectral-norm vectors and averages move in a forward pass
    found: dict[str, list[Tensor]] = {}
    for stage, group, gradients in updates:
        found.setdefault(f"{stage} {group}", gradients)
    return found

"""The gradients that a training step would descend by."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor

from dlvae.base import GenerativeModel

Updates = list[tuple[str, str, list[Tensor]]]
"""Stage, group and gradients of each update, in their order."""


class Recorder:
    """Stands in for the optimiser of a stage: keeps the gradients that it is given."""

    def __init__(self, model: GenerativeModel, stage: str, updates: Updates, moves: bool) -> None:
        self.model, self.stage, self.updates, self.moves = model, stage, updates, moves
        self.optimiser = model.optimisers[stage]
        self.param_groups = self.optimiser.param_groups

    def step(self) -> None:
        for name in self.model.objectives[self.stage]:
            gradients = [parameter.grad.clone() for parameter in self.model.groups[name]]
            self.updates.append((self.stage, name, gradients))
        if self.moves:
            self.optimiser.step()

    def zero_grad(self) -> None:
        self.optimiser.zero_grad()


@contextmanager
def recorded(model: GenerativeModel, moves: bool = True) -> Iterator[Updates]:
    """Yield the list that updates of a model are written to; without `moves` nothing moves."""
    updates, optimisers = [], model.optimisers
    model.optimisers = {stage: Recorder(model, stage, updates, moves) for stage in optimisers}
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

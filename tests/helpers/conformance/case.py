"""A model on a task: how checks build it, feed it and draw from it."""

import io
import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from conformance.words import require, same
from dlvae.base import Batch, GenerativeModel, Method, Task
from dlvae.stage.registry import build_seeded

TASKS = {
    "net32": Task("image", "net32", 32, 4, 0.125, 8, 8, 8, 64),
    "toy": Task("point", "toy", 2, 3, 0.5, 2, 2, 16, 64),
}
NET64 = Task("image", "net64", 64, 4, 0.0625, 8, 8, 4, 64)


@dataclass(frozen=True)
class Case:
    """A model of the registry on a task.

    Whatever is drawn without a generator is the same in every run of a check, so that only the
    checks of randomness notice a model that does so.
    """

    name: str
    task: Task
    precision: str = "fp32"
    device: str = "cpu"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image, or point."""
        size = self.task.size
        return (3, size, size) if self.task.kind == "image" else (2,)

    def build(self, seed: int = 0) -> GenerativeModel:
        """Build the model in training mode; `seed` is that of its weights."""
        model = build_seeded(self.name, self.task, Method(), {}, "conformance", seed)
        model = model.to(self.device).train()
        model.precision = self.precision
        return model

    def trained(self, steps: int = 2) -> GenerativeModel:
        """Build the model and train it for a few steps."""
        model = self.build()
        for step in range(steps):
            self.train(model, step)
        return model

    def train(self, model: GenerativeModel, step: int) -> dict[str, torch.Tensor]:
        """Take one step on the batch of that number."""
        with known_randomness():
            return model.training_step(self.batch(model, step), step)

    def batch(self, model: GenerativeModel, step: int = 0) -> Batch:
        """Make the batch of a step: noise for images, labels at random."""
        count, draws = model.batches_per_step, torch.Generator().manual_seed(100 + step)
        images = torch.rand(count * self.task.batch_size, *self.shape, generator=draws) * 2 - 1
        if self.task.kind == "image":
            images = images.to(memory_format=torch.channels_last)
        images = images.unflatten(0, (count, self.task.batch_size))
        labels = torch.randint(self.task.classes, images.shape[:2], generator=draws)
        return Batch(images.to(self.device), labels.to(self.device), draws)

    def draw(self, model: GenerativeModel, labels: list[int], seed: int = 0) -> torch.Tensor:
        """Sample one image per label from a generator of that seed."""
        with known_randomness():
            return model.sample(torch.tensor(labels), torch.Generator().manual_seed(seed))


def saved(model: GenerativeModel) -> dict[str, Any]:
    """Return the training state as it comes back from a file that only data may be in."""
    file = io.BytesIO()
    torch.save(model.training_state(), file)
    file.seek(0)
    try:
        return torch.load(file, weights_only=True)
    except pickle.UnpicklingError as error:
        require(
            False,
            "training_state() holds data alone: tensors, numbers, strings, lists and dicts; a "
            "saved state must not run code when it is loaded",
            str(error).splitlines()[0],
            "training_state, and what register_buffer or an optimiser was given",
        )


@contextmanager
def known_randomness(seed: int = 0) -> Iterator[Callable[[], list[str]]]:
    """Seed the global generators, put them back afterwards; yields who of them has moved."""
    before = _global_states()
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    start = _global_states()
    try:
        yield lambda: [name for name, now in _global_states().items() if not same(start[name], now)]
    finally:
        for name, state in before.items():
            GLOBAL_GENERATORS[name][1](state)


def _global_states() -> dict[str, Any]:
    return {name: read() for name, (read, _) in GLOBAL_GENERATORS.items()}


# Who draws where no generator is given: how its state is read, and put back.
GLOBAL_GENERATORS = {
    "Python's random": (random.getstate, random.setstate),
    "NumPy's global generator": (lambda: np.random.get_state(legacy=False), np.random.set_state),
    "torch's global generator": (torch.get_rng_state, torch.set_rng_state),
}
if torch.cuda.is_available():
    GLOBAL_GENERATORS["the GPU's global generator"] = (
        torch.cuda.get_rng_state,
        torch.cuda.set_rng_state,
    )

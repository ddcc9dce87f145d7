"""Small models and batches for the tests of the method."""

from collections.abc import Callable

import pytest
import torch

from dlvae.base import Batch, Method, Task
from dlvae.method.networks import Config, LrLiVAE

TOY = Task("point", "toy", 2, 3, 0.25, 2, 2, 12, 24)
IMAGE = Task("image", "net32", 32, 4, 0.1, 5, 6, 6, 120)


@pytest.fixture
def make_model() -> Callable[..., LrLiVAE]:
    """Model by method keys, always from the same initial weights; `image=True` for 32 px."""

    def make(image: bool = False, dtype: torch.dtype = torch.float64, **keys) -> LrLiVAE:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            return LrLiVAE(IMAGE if image else TOY, Method(**keys), Config()).to(dtype)

    return make


@pytest.fixture
def make_batch() -> Callable[..., Batch]:
    """Batch of the shape a model asks for; equal seeds share their leading batches."""

    def make(model: LrLiVAE, seed: int = 0) -> Batch:
        task, generator = model.task, torch.Generator().manual_seed(seed)
        shape = (2,) if task.kind == "point" else (3, task.size, task.size)
        dtype = next(model.parameters()).dtype
        images, labels = [], []
        for _ in range(model.batches_per_step):
            draw = torch.rand(task.batch_size, *shape, generator=generator) * 2 - 1
            images.append(draw.to(dtype))
            labels.append(torch.randint(task.classes, (task.batch_size,), generator=generator))
        noise = torch.Generator().manual_seed(seed + 1000)
        return Batch(torch.stack(images), torch.stack(labels), noise)

    return make


@pytest.fixture
def gradients_of(monkeypatch) -> Callable[..., dict[str, list[torch.Tensor]]]:
    """Run one step without updating anything and return the gradients that each group got.

    The result maps the name of a group to the gradients of its first update in the step.
    """

    def run(model: LrLiVAE, step: Callable[[], object]) -> dict[str, list[torch.Tensor]]:
        names = {id(optimiser): name for name, optimiser in model.optimisers.items()}
        recorded: dict[str, list[torch.Tensor]] = {}

        def record(optimiser, parameters, grads):
            name = names[id(optimiser)]
            assert [id(p) for p in parameters] == [id(p) for p in model.groups[name]]
            recorded.setdefault(name, [g.clone() for g in grads])

        weights = {name: value.clone() for name, value in model.state_dict().items()}
        with monkeypatch.context() as patch:
            for module in ("algorithm1", "base"):
                patch.setattr(f"dlvae.{module}.apply_gradients", record)
            step()
        model.load_state_dict(weights)  # spectral-norm vectors move in a forward pass
        return recorded

    return run

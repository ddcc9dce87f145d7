"""Small models and batches for the tests of the method."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from dlvae.base import Batch, Method, Task
from dlvae.config.section import Options
from dlvae.method.algorithm1 import LrLiVAE

TOY = Task("point", "toy", 2, 3, 0.25, 2, 2, 12, 24)
IMAGE = Task("image", "net32", 32, 4, 0.1, 5, 6, 6, 120)


@pytest.fixture
def make_model() -> Callable[..., LrLiVAE]:
    """Model by method keys, always from the same initial weights; `image=True` for 32 px."""

    def make(
        image: bool = False, dtype: torch.dtype = torch.float64, fast: bool = True, **keys
    ) -> LrLiVAE:
        task = replace(IMAGE if image else TOY, fast=fast)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            return LrLiVAE(task, Method.read(keys, "method"), Options()).to(dtype)

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

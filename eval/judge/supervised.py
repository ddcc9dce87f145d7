"""Supervised learning on real images, the same for the evaluator and the factor regressor.

The usual recipe of image classifiers: SGD with Nesterov momentum 0.9, weight decay, cosine
schedule after a linear warm-up, dropout, random crops, horizontal flips where they keep the
target; no label smoothing and no mixup, which would flatten p(y|x).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dlvae.base import Batch
from dlvae.fast.optimisers import without_compiler
from dlvae.stage.seeds import derive_seed

Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs of the network, labels of the batch) -> mean loss."""

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""(images (B, 3, H, W) in [-1, 1], generator of the step) -> images to learn from, alike."""


@dataclass(frozen=True)
class Recipe:
    """Settings of one training; the defaults suit CIFAR-10.

    Attributes:
        epochs: passes over the training split.
        batch_size: images per step.
        lr: peak learning rate; cosine to zero.
        weight_decay: on every parameter.
        dropout: share of the pooled features dropped.
        warmup_epochs: epochs of linear warm-up.
        pad_crop: pixels of reflect padding before a random crop; 0 for none.
    """

    epochs: float = 100
    batch_size: int = 128
    lr: float = 0.1
    weight_decay: float = 5e-4
    dropout: float = 0.2
    warmup_epochs: float = 5
    pad_crop: int = 4

    def steps(self, images: int) -> tuple[int, int]:
        """Steps of the whole training and of its warm-up, on a split of so many images."""
        total = math.ceil(self.epochs * images / self.batch_size)
        warmup = math.ceil(self.warmup_epochs * images / self.batch_size)
        return total, min(warmup, total - 1)


SGD = without_compiler(torch.optim.SGD)


class Learner:
    """A network under training; a step depends on the state, the batch and its index alone.

    Args:
        images: size of the training split.
        precision: "bf16" runs the network, not the loss, under autocast.
        augment: changes the images of every step; None for none.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        recipe: Recipe,
        images: int,
        precision: str = "fp32",
        augment: Augment | None = None,
    ) -> None:
        self.network, self.loss, self.precision = network, loss, precision
        self.augment = augment
        self.lr = recipe.lr
        self.steps, self.warmup = recipe.steps(images)
        self.optimiser = SGD(
            network.parameters(),
            lr=recipe.lr,
            momentum=0.9,
            nesterov=True,
            weight_decay=recipe.weight_decay,
            fused=True,
        )

    def rate(self, step: int) -> float:
        """Learning rate of a step: linear warm-up, then half a cosine down to zero."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        done = (step - self.warmup) / (self.steps - self.warmup)
        return self.lr * 0.5 * (1.0 + math.cos(math.pi * done))

    def step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Take one optimiser step on images (1, B, 3, H, W) with labels (1, B)."""
        images, labels = batch.images[0], batch.labels[0]
        if self.augment is not None:
            images = self.augment(images, batch.generator)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(step)
        # Dropout reads the global generator; seeded per step, a resumed run draws the same masks.
        seed = int(torch.randint(2**62, (), generator=batch.generator))
        cuda = [images.device] if images.device.type == "cuda" else []
        half = self.precision == "bf16"
        with (
            torch.random.fork_rng(devices=cuda),
            torch.autocast(images.device.type, torch.bfloat16, enabled=half),
        ):
            torch.manual_seed(seed)
            outputs = self.network(images)
        loss = self.loss(outputs.float(), labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"loss": loss.detach()}

    def state_dict(self) -> dict[str, Tensor]:
        """Weights and statistics of the network."""
        return self.network.state_dict()

    def training_state(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`training_state`."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])


def build_seeded(build: Callable[[], nn.Module], *seed_parts: str | int) -> nn.Module:
    """Build a network whose initial weights depend on ``seed_parts`` alone."""
    # torch's initialisers read the global generator; it is put back afterwards.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(*seed_parts))
        return build()

"""The adversarial classifier omega on z_u (Eq. 4 and 5): one hidden layer, no norm."""

from __future__ import annotations

from torch import nn

from dlvae.nn.blocks import initialise, mlp, scaled
from dlvae.settings import Task

UNITS = 256
TOY_UNITS = 64


def latent_classifier(task: Task, d_in: int) -> nn.Sequential:
    """(B, d_in) -> logits (B, C); ReLU for images, leaky ReLU for points as in all toy networks."""
    toy = task.kind == "point"
    units = scaled(TOY_UNITS if toy else UNITS, task.width)
    hidden = mlp([d_in, units], None if toy else nn.ReLU)
    return initialise(nn.Sequential(hidden, nn.Linear(units, task.classes)))

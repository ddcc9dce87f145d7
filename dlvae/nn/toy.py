"""Networks of the two-dimensional experiment (Section 4.1): MLPs with leaky ReLU, no norm."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from dlvae.nn.blocks import Encoder, LabelConcatLinear, initialise, leaky_relu, mlp, scaled
from dlvae.nn.discriminator import ProjectionDiscriminator
from dlvae.task import Task

POINT = 2


def encoder(task: Task, heads: Sequence[int], labelled: bool) -> Encoder:
    """2-32-64-64, then the heads; a label-fed encoder takes concat(x, one-hot)."""
    units = _units(task)
    if labelled:
        first = LabelConcatLinear(POINT, task.classes, units[0])
    else:
        first = nn.Linear(POINT, units[0])
    return Encoder(first, nn.Sequential(leaky_relu(), mlp(units)), units[-1], heads)


def decoder(task: Task, d_in: int) -> nn.Sequential:
    """(B, d_in) -> 64-64-32 -> (B, 2), linear at the end."""
    units = _units(task)[::-1]
    return initialise(nn.Sequential(mlp([d_in, *units]), nn.Linear(units[-1], POINT)))


def discriminator(task: Task) -> ProjectionDiscriminator:
    """2-32-64-64 = h, then the projection."""
    units = _units(task)
    return ProjectionDiscriminator(mlp([POINT, *units]), units[-1], task.classes)


def _units(task: Task) -> list[int]:
    return [scaled(units, task.width) for units in (32, 64, 64)]

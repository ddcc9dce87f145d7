"""Networks by the name of the backbone in a :class:`dlvae.task.Task`.

At width 1 the image networks have the sizes of the published code; the multiplier scales every
hidden width, never the latent sizes, the classes or the colours. Image networks keep their
weights, and so their feature maps, in channels_last order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from dlvae.nn import net32, net64, toy
from dlvae.nn.blocks import initialise, mlp, scaled
from dlvae.task import Task

BACKBONES = {"toy": toy, "net32": net32, "net64": net64}


def build_encoder(task: Task, heads: Sequence[int], labelled: bool = False) -> nn.Module:
    """Return an encoder with one linear head per entry of ``heads``.

    ``forward(x)`` returns a tuple of (B, head) tensors. With ``labelled`` it is
    ``forward(x, labels)``: one-hot maps joined to the image, a one-hot vector to a point.
    """
    return (
        BACKBONES[task.backbone]
        .encoder(task, heads, labelled)
        .to(memory_format=torch.channels_last)
    )


def build_decoder(task: Task, d_in: int) -> nn.Module:
    """Return a decoder: codes (B, d_in) to images (B, 3, H, H) in [-1, 1] or points (B, 2)."""
    return BACKBONES[task.backbone].decoder(task, d_in).to(memory_format=torch.channels_last)


def build_discriminator(task: Task, projection: bool = True) -> nn.Module:
    """Return a discriminator: ``forward(x, labels)`` gives logits (B,).

    With ``labels`` None only the unconditional head counts; without ``projection`` there is no
    other.
    """
    task = task if projection else replace(task, classes=0)
    return BACKBONES[task.backbone].discriminator(task).to(memory_format=torch.channels_last)


def build_latent_classifier(task: Task, d_in: int) -> nn.Module:
    """Return omega (Eq. 4 and 5): codes z_u (B, d_in) to logits (B, C), one hidden layer, no norm.

    ReLU for images, leaky ReLU for points as in all toy networks.
    """
    toys = task.kind == "point"
    units = scaled(64 if toys else 256, task.width)
    hidden = mlp([d_in, units], None if toys else nn.ReLU)
    return initialise(nn.Sequential(hidden, nn.Linear(units, task.classes)))

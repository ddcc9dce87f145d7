"""The projection discriminator: FC(h) + <V y, h>, spectral norm on every layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from dlvae.nn.blocks import conv, leaky_relu, scaled
from dlvae.task import Task

WEIGHT_STD = 0.02


class ProjectionDiscriminator(nn.Module):
    """Logit of "x is a real image of class y".

    Each forward in training mode does one power iteration per layer; the vectors are buffers, so
    they are part of the saved state. In evaluation mode they stand still. There is no batch norm:
    real and generated images may share one forward, which then normalises the weights once.

    With ``classes`` 0 there is no projection: the logit of "x is a real image".
    """

    def __init__(self, trunk: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.output = nn.Linear(features, 1)
        if classes:
            self.embedding = nn.Embedding(classes, features)
        layers = (nn.Conv2d, nn.Linear, nn.Embedding)
        self._normalised = [module for module in self.modules() if isinstance(module, layers)]
        for layer in self._normalised:
            nn.init.normal_(layer.weight, std=WEIGHT_STD)
            if getattr(layer, "bias", None) is not None:
                nn.init.zeros_(layer.bias)
            spectral_norm(layer)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """Return logits (B,) of images x with labels (B,); None: without the projection term."""
        return self.features_and_logits(x, labels)[1]

    def features_and_logits(self, x: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return h (B, features), the input of the last layer, and :meth:`forward`'s logits."""
        with parametrize.cached():
            # bf16 is too coarse for the power iteration, so the weights are made outside autocast
            with torch.autocast(x.device.type, enabled=False):
                for layer in self._normalised:
                    _ = layer.weight
            h = self.trunk(x)
            logits = self.output(h).squeeze(1)
            if labels is None:
                return h, logits
            return h, logits + (h * self.embedding(labels)).sum(1)


def conv_discriminator(
    task: Task, layers: Sequence[tuple[int, int]], units: int
) -> ProjectionDiscriminator:
    """Make a discriminator of images from 3x3 convolutions (channels, stride).

    A global average and a fully connected layer of ``units`` follow, all scaled by the width.
    """
    modules: list[nn.Module] = []
    c_in = 3
    for channels, stride in layers:
        c_out = scaled(channels, task.width)
        modules += [conv(task, c_in, c_out, 3, stride, bias=True), leaky_relu()]
        c_in = c_out
    features = scaled(units, task.width)
    modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c_in, features), leaky_relu()]
    return ProjectionDiscriminator(nn.Sequential(*modules), features, task.classes)

"""The projection discriminator: FC(h) + <V y, h>, spectral norm on every layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from dlvae.nn.blocks import leaky_relu, scaled

WEIGHT_STD = 0.02


def conv_trunk(
    layers: Sequence[tuple[int, int]], features: int, width: float
) -> tuple[nn.Sequential, int]:
    """Make 3x3 convolutions from (channels, stride), a global average and one linear layer.

    Returns:
        The trunk, images (B, 3, H, H) -> h (B, features), and ``features``.
    """
    modules: list[nn.Module] = []
    channels = 3
    for c, stride in layers:
        c_out = scaled(c, width)
        modules += [nn.Conv2d(channels, c_out, 3, stride, 1), leaky_relu()]
        channels = c_out
    modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, features), leaky_relu()]
    return nn.Sequential(*modules), features


class ProjectionDiscriminator(nn.Module):
    """Logit of "x is a real image of class y".

    Each forward in training mode does one power iteration per layer; the vectors are buffers, so
    they are part of the saved state. In evaluation mode they stand still. There is no batch norm:
    real and generated images may share one forward, which then normalises the weights once.
    """

    def __init__(self, trunk: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.output = nn.Linear(features, 1)
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
        with parametrize.cached():
            # bf16 is too coarse for the power iteration, so the weights are made outside autocast
            with torch.autocast(x.device.type, enabled=False):
                for layer in self._normalised:
                    _ = layer.weight
            h = self.trunk(x)
            logits = self.output(h).squeeze(1)
            if labels is None:
                return logits
            return logits + (h * self.embedding(labels)).sum(1)

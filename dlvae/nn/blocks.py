"""Layers that the networks share. Shapes are (B, channels, height, width)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlvae.fast.conv import StridedConv2d, StridedConvTranspose2d
from dlvae.fast.label_maps import FoldedLabelMaps
from dlvae.task import Task

BN_EPS = 1e-3
LEAKY_SLOPE = 0.1


def scaled(units: int, width: float) -> int:
    """Return ``units`` times the width multiplier, rounded to a multiple of 8, at least 8."""
    return max(8, 8 * round(units * width / 8))


def conv(
    task: Task, c_in: int, c_out: int, kernel: int, stride: int, bias: bool = False
) -> nn.Conv2d:
    """Convolution; the output has 1 / ``stride`` of the side.

    Padding kernel // 2 gives the sizes of TensorFlow's SAME, which puts the odd pixel of a
    strided convolution on the other side: the same networks up to a shift of one pixel.
    """
    kind = StridedConv2d if task.fast and stride == 2 else nn.Conv2d
    return kind(c_in, c_out, kernel, stride, kernel // 2, bias=bias)


def up_conv(
    task: Task, c_in: int, c_out: int, kernel: int, stride: int, bias: bool = False
) -> nn.ConvTranspose2d:
    """Transposed convolution; the output has ``stride`` times the side."""
    kind = StridedConvTranspose2d if task.fast and stride == 2 else nn.ConvTranspose2d
    return kind(c_in, c_out, kernel, stride, kernel // 2, output_padding=stride - 1, bias=bias)


def conv_block(task: Task, c_in: int, c_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(conv(task, c_in, c_out, kernel, stride), *norm_relu(c_out))


def norm_relu(channels: int) -> tuple[nn.Module, nn.Module]:
    """Batch norm and ReLU of feature maps."""
    return nn.BatchNorm2d(channels, eps=BN_EPS), nn.ReLU(inplace=True)


def up_stack(
    task: Task, c_in: int, layers: Sequence[tuple[int, int]], kernel: int
) -> list[nn.Module]:
    """Make transposed convolutions with batch norm and ReLU from (channels, stride).

    The last layer has three colours, bias and tanh.
    """
    modules: list[nn.Module] = []
    for channels, stride in layers:
        c_out = scaled(channels, task.width)
        block = up_conv(task, c_in, c_out, kernel, stride)
        modules.append(nn.Sequential(block, *norm_relu(c_out)))
        c_in = c_out
    return [*modules, up_conv(task, c_in, 3, kernel, 1, bias=True), nn.Tanh()]


def linear_block(d_in: int, d_out: int) -> nn.Sequential:
    """Fully connected layer, batch norm, ReLU."""
    return nn.Sequential(
        nn.Linear(d_in, d_out, bias=False),
        nn.BatchNorm1d(d_out, eps=BN_EPS),
        nn.ReLU(inplace=True),
    )


def mlp(units: Sequence[int], activation: type[nn.Module] | None = None) -> nn.Sequential:
    """Fully connected layers with an activation after each, leaky ReLU (0.1) by default."""
    layers: list[nn.Module] = []
    for d_in, d_out in zip(units, units[1:], strict=False):
        layers += [nn.Linear(d_in, d_out), activation() if activation else leaky_relu()]
    return nn.Sequential(*layers)


def leaky_relu() -> nn.LeakyReLU:
    """Leaky ReLU of the discriminators and the toy networks."""
    return nn.LeakyReLU(LEAKY_SLOPE)


def initialise(network: nn.Module) -> nn.Module:
    """Xavier-uniform weights and zero biases, in place; batch norms stay at the identity."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


class LabelMapConv2d(nn.Conv2d):
    """Convolution of an image (B, 3, H, H) joined with C constant maps, the label's being 1."""

    def __init__(self, classes: int, c_out: int, kernel: int, stride: int) -> None:
        super().__init__(3 + classes, c_out, kernel, stride, kernel // 2, bias=False)
        self.classes = classes

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Convolve x (B, 3, H, H) and the maps of labels (B,) into (B, c_out, H', H')."""
        maps = F.one_hot(labels, self.classes).to(x.dtype)[:, :, None, None]
        return super().forward(torch.cat([x, maps.expand(-1, -1, *x.shape[2:])], 1))


def first_conv(
    task: Task, c_out: int, kernel: int, stride: int, labelled: bool
) -> nn.Conv2d | LabelMapConv2d:
    """First convolution of an encoder of images, of the labels' maps too if it is ``labelled``."""
    if not labelled:
        return conv(task, 3, c_out, kernel, stride)
    if task.fast:
        return FoldedLabelMaps(task.classes, c_out, kernel, stride, task.size)
    return LabelMapConv2d(task.classes, c_out, kernel, stride)


class LabelConcatLinear(nn.Linear):
    """Fully connected layer on concat(x, one-hot label)."""

    def __init__(self, d_in: int, classes: int, d_out: int) -> None:
        super().__init__(d_in + classes, d_out)
        self.classes = classes

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Map x (B, d_in) and labels (B,) to (B, d_out)."""
        return super().forward(torch.cat([x, F.one_hot(labels, self.classes).to(x.dtype)], 1))


class Encoder(nn.Module):
    """A trunk with one linear head per output.

    ``first`` is the first layer, which also takes the labels in a label-fed encoder; ``trunk``
    maps its output to ``features`` values.
    """

    def __init__(
        self, first: nn.Module, trunk: nn.Module, features: int, heads: Sequence[int]
    ) -> None:
        super().__init__()
        self.first = first
        self.trunk = trunk
        self.heads = nn.ModuleList(nn.Linear(features, head) for head in heads)
        initialise(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return one (B, d) tensor per head; ``labels`` (B,) exactly if the encoder takes them."""
        hidden = self.features(x, labels)
        return tuple(head(hidden) for head in self.heads)

    def features(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the input (B, features) of the heads."""
        return self.trunk(self.first(x) if labels is None else self.first(x, labels))

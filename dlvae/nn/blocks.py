"""Layers that the networks share. Shapes are (B, channels, height, width)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlvae.fast.conv import Conv2d, ConvTranspose2d

BN_EPS = 1e-3
LEAKY_SLOPE = 0.1


def scaled(units: int, width: float) -> int:
    """Return ``units`` times the width multiplier, rounded to a multiple of 8, at least 8."""
    return max(8, 8 * round(units * width / 8))


def conv_block(c_in: int, c_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU; the output has 1/stride of the side.

    Padding kernel // 2 gives the sizes of TensorFlow's SAME, which puts the odd pixel of a
    strided convolution on the other side: the same networks up to a shift of one pixel.
    """
    conv = Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, *norm_relu(c_out))


def norm_relu(channels: int) -> tuple[nn.Module, nn.Module]:
    """Batch norm and ReLU of feature maps."""
    return nn.BatchNorm2d(channels, eps=BN_EPS), nn.ReLU(inplace=True)


def up_conv(c_in: int, c_out: int, kernel: int, stride: int, bias: bool) -> ConvTranspose2d:
    """Transposed convolution; the output has ``stride`` times the side."""
    return ConvTranspose2d(
        c_in, c_out, kernel, stride, kernel // 2, output_padding=stride - 1, bias=bias
    )


def up_block(c_in: int, c_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Transposed convolution, batch norm, ReLU."""
    return nn.Sequential(up_conv(c_in, c_out, kernel, stride, bias=False), *norm_relu(c_out))


def up_stack(
    c_in: int, layers: Sequence[tuple[int, int]], kernel: int, width: float
) -> list[nn.Module]:
    """Make up-blocks from (channels, stride), and the last layer: three colours, bias, tanh."""
    modules: list[nn.Module] = []
    for channels, stride in layers:
        c_out = scaled(channels, width)
        modules.append(up_block(c_in, c_out, kernel, stride))
        c_in = c_out
    return [*modules, up_conv(c_in, 3, kernel, 1, bias=True), nn.Tanh()]


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
    """Convolution of an image joined with C constant maps, of which the label's is one.

    Computes what ``Conv2d`` does on the concatenation of x (B, 3, H, H) and the one-hot maps
    (B, C, H, H), with the same weight (c_out, 3 + C, k, k). The maps are never made: a constant
    map adds to each output pixel those taps of its kernel that lie inside the image, so C may be
    530 at no cost.
    """

    def __init__(
        self, c_in: int, classes: int, c_out: int, kernel: int, stride: int, size: int
    ) -> None:
        super().__init__(c_in + classes, c_out, kernel, stride, kernel // 2, bias=False)
        self.c_in, self.classes = c_in, classes
        each_tap = torch.eye(kernel * kernel).view(-1, 1, kernel, kernel)
        inside = F.conv2d(torch.ones(1, 1, size, size), each_tap, None, stride, kernel // 2)
        self.side = inside.shape[-1]
        # (output pixels, taps): 1 where the tap lies inside the image
        self.register_buffer("inside", inside[0].flatten(1).t().contiguous(), persistent=False)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Convolve x (B, c_in, H, H) and the maps of labels (B,) into (B, c_out, H', H')."""
        image_kernel, label_kernels = self.weight.split([self.c_in, self.classes], dim=1)
        out = F.conv2d(x, image_kernel, None, self.stride, self.padding)
        table = label_kernels.flatten(2).permute(1, 2, 0).flatten(1)  # (C, taps * c_out)
        chosen = F.one_hot(labels, self.classes).to(table.dtype) @ table
        added = self.inside @ chosen.view(len(x), -1, self.out_channels)  # (B, pixels, c_out)
        return out + added.view(len(x), self.side, self.side, -1).permute(0, 3, 1, 2)


def first_conv(
    c_out: int, kernel: int, stride: int, size: int, label_maps: int = 0
) -> nn.Conv2d | LabelMapConv2d:
    """First convolution of an encoder of ``size`` px images, with ``label_maps`` one-hot maps."""
    if label_maps:
        return LabelMapConv2d(3, label_maps, c_out, kernel, stride, size)
    return Conv2d(3, c_out, kernel, stride, kernel // 2, bias=False)


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

"""Inception-ResNet-v1 at full depth for small images.

The trunk of facenet with a stride-1 "same" stem, so that 64 px and 32 px images reach the A,
B and C blocks on grids of 16, 8 and 4; the stem's max pool has stride 1 at 32 px. Depth never
changes (5 A, 10 B, 5 + 1 C); `width` scales every hidden channel count.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from dlvae.stage.errors import UserError
from eval.judge.classifiers.classifier import Classifier, conv_norm_relu, scaled

SIZES = (32, 64)
_EPS = 1e-3  # batch norm epsilon of facenet
_conv = partial(conv_norm_relu, eps=_EPS)

Layer = tuple[int, ...] | tuple[int, tuple[int, int]]
"""Of a branch: channels, kernel (one side or two), and the stride where it is not 1."""


def _branch(n_in: int, *layers: Layer) -> nn.Sequential:
    """One layer, or several one after the other."""
    channels = [n_in, *(layer[0] for layer in layers)]
    convs = [_conv(n, *layer) for n, layer in zip(channels, layers, strict=False)]
    return convs[0] if len(convs) == 1 else nn.Sequential(*convs)


class InceptionResidual(nn.Module):
    """Blocks A, B and C: x + scale * conv1x1(concatenated branches), then ReLU if `activate`.

    Args:
        branches: the layers of each.
    """

    def __init__(
        self,
        channels: int,
        branches: Sequence[Sequence[Layer]],
        scale: float,
        activate: bool = True,
    ):
        super().__init__()
        self.branches = nn.ModuleList(_branch(channels, *layers) for layers in branches)
        self.up = nn.Conv2d(sum(layers[-1][0] for layers in branches), channels, 1)
        self.scale, self.activate = scale, activate

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same shape."""
        residual = self.up(torch.cat([branch(x) for branch in self.branches], dim=1))
        out = torch.add(x, residual, alpha=self.scale)
        return out.relu_() if self.activate else out


class Reduction(nn.Module):
    """Reduction-A and -B: stride-2 branches beside a 3x3 stride-2 max pool, concatenated."""

    def __init__(self, n_in: int, *branches: Sequence[Layer]):
        super().__init__()
        self.branches = nn.ModuleList(_branch(n_in, *layers) for layers in branches)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.channels = n_in + sum(layers[-1][0] for layers in branches)

    def forward(self, x: Tensor) -> Tensor:
        """(B, n_in, h, w) -> (B, channels, h/2, w/2)."""
        return torch.cat([branch(x) for branch in self.branches] + [self.pool(x)], dim=1)


class InceptionResnetV1(Classifier):
    """Classifier of the Inception Score: trunk, 512-unit bottleneck with batch norm, logits."""

    def __init__(self, num_classes: int, img_size: int, width: float = 1.0, drop_rate: float = 0.2):
        if img_size not in SIZES:
            raise UserError(
                f"inception_resnet_v1 takes RGB images of 32 or 64 pixels, not {img_size} x "
                f"{img_size}; prepare the data set at one of those sizes."
            )
        super().__init__()

        def c(channels: int) -> int:
            return scaled(channels, width)

        self.stem = nn.Sequential(
            _conv(3, c(32), 3),
            _conv(c(32), c(32), 3),
            _conv(c(32), c(64), 3),
            nn.MaxPool2d(3, 2 if img_size == 64 else 1, padding=1),
            _conv(c(64), c(80), 1),
            _conv(c(80), c(192), 3),
            _conv(c(192), c(256), 3, stride=2),
        )
        n = c(32)
        a = [(n, 1)], [(n, 1), (n, 3)], [(n, 1), (n, 3), (n, 3)]
        self.blocks_a = nn.Sequential(*(InceptionResidual(c(256), a, 0.17) for _ in range(5)))
        self.reduction_a = Reduction(
            c(256), [(c(384), 3, 2)], [(c(192), 1), (c(192), 3), (c(256), 3, 2)]
        )
        n, channels = c(128), self.reduction_a.channels
        b = [(n, 1)], [(n, 1), (n, (1, 7)), (n, (7, 1))]
        self.blocks_b = nn.Sequential(*(InceptionResidual(channels, b, 0.10) for _ in range(10)))
        n = c(256)
        self.reduction_b = Reduction(
            channels,
            [(n, 1), (c(384), 3, 2)],
            [(n, 1), (n, 3, 2)],
            [(n, 1), (n, 3), (n, 3, 2)],
        )
        n, channels = c(192), self.reduction_b.channels
        last = [(n, 1)], [(n, 1), (n, (1, 3)), (n, (3, 1))]
        self.blocks_c = nn.Sequential(
            *(InceptionResidual(channels, last, 0.20) for _ in range(5)),
            InceptionResidual(channels, last, 1.0, activate=False),
        )
        self.head(channels, c(512), num_classes, drop_rate, _EPS)

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, 3, size, size) -> (B, 1792 * width, 4, 4)."""
        x = self.blocks_a(self.stem(x))
        x = self.blocks_b(self.reduction_a(x))
        return self.blocks_c(self.reduction_b(x))

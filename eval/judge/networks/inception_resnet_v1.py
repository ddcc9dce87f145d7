"""Inception-ResNet-v1 at full depth for small images.

The trunk of facenet with a stride-1 "same" stem, so that 64 px and 32 px images reach the A,
B and C blocks on grids of 16, 8 and 4; the stem's max pool has stride 1 at 32 px. Depth never
changes (5 A, 10 B, 5 + 1 C); `width` scales every hidden channel count.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dlvae.stage.errors import UserError

SIZES = (32, 64)
_EPS = 1e-3  # batch norm epsilon of facenet


class _Scaled:
    """Channel counts at one width: rounded to a multiple of 8 and never below 8.

    Eight floats fill an AVX2 register, so fewer channels would cost as much.
    """

    def __init__(self, width: float):
        self.width = width

    def __call__(self, channels: int) -> int:
        return max(8, 8 * round(channels * self.width / 8))


def _conv(n_in: int, n_out: int, kernel: int | tuple[int, int], stride: int = 1) -> nn.Sequential:
    """Convolution ("same" padding, no bias), batch norm, ReLU."""
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, (height, width), stride, (height // 2, width // 2), bias=False),
        nn.BatchNorm2d(n_out, eps=_EPS),
        nn.ReLU(inplace=True),
    )


class InceptionResidual(nn.Module):
    """Blocks A, B and C: x + scale * conv1x1(concatenated branches), then ReLU if `activate`."""

    def __init__(
        self,
        branches: Sequence[nn.Module],
        joined: int,
        channels: int,
        scale: float,
        activate: bool = True,
    ):
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.up = nn.Conv2d(joined, channels, 1)
        self.scale = scale
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same shape."""
        residual = self.up(torch.cat([branch(x) for branch in self.branches], dim=1))
        out = torch.add(x, residual, alpha=self.scale)
        return out.relu_() if self.activate else out


class Reduction(nn.Module):
    """Reduction-A and -B: stride-2 branches beside a 3x3 stride-2 max pool, concatenated."""

    def __init__(self, branches: Sequence[nn.Module]):
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.pool = nn.MaxPool2d(3, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, h, w) -> (B, c + channels of the branches, h/2, w/2)."""
        return torch.cat([branch(x) for branch in self.branches] + [self.pool(x)], dim=1)


def _block_a(c: _Scaled, channels: int) -> InceptionResidual:
    n = c(32)
    branches = [
        _conv(channels, n, 1),
        nn.Sequential(_conv(channels, n, 1), _conv(n, n, 3)),
        nn.Sequential(_conv(channels, n, 1), _conv(n, n, 3), _conv(n, n, 3)),
    ]
    return InceptionResidual(branches, 3 * n, channels, 0.17)


def _block_b(c: _Scaled, channels: int) -> InceptionResidual:
    n = c(128)
    branches = [
        _conv(channels, n, 1),
        nn.Sequential(_conv(channels, n, 1), _conv(n, n, (1, 7)), _conv(n, n, (7, 1))),
    ]
    return InceptionResidual(branches, 2 * n, channels, 0.10)


def _block_c(c: _Scaled, channels: int, scale: float, activate: bool) -> InceptionResidual:
    n = c(192)
    branches = [
        _conv(channels, n, 1),
        nn.Sequential(_conv(channels, n, 1), _conv(n, n, (1, 3)), _conv(n, n, (3, 1))),
    ]
    return InceptionResidual(branches, 2 * n, channels, scale, activate)


def _stem(c: _Scaled, img_size: int) -> nn.Sequential:
    return nn.Sequential(
        _conv(3, c(32), 3),
        _conv(c(32), c(32), 3),
        _conv(c(32), c(64), 3),
        nn.MaxPool2d(3, 2 if img_size == 64 else 1, padding=1),
        _conv(c(64), c(80), 1),
        _conv(c(80), c(192), 3),
        _conv(c(192), c(256), 3, stride=2),
    )


def _reduction_a(c: _Scaled, n_in: int) -> tuple[Reduction, int]:
    branches = [
        _conv(n_in, c(384), 3, 2),
        nn.Sequential(
            _conv(n_in, c(192), 1), _conv(c(192), c(192), 3), _conv(c(192), c(256), 3, 2)
        ),
    ]
    return Reduction(branches), c(384) + c(256) + n_in


def _reduction_b(c: _Scaled, n_in: int) -> tuple[Reduction, int]:
    n = c(256)
    branches = [
        nn.Sequential(_conv(n_in, n, 1), _conv(n, c(384), 3, 2)),
        nn.Sequential(_conv(n_in, n, 1), _conv(n, n, 3, 2)),
        nn.Sequential(_conv(n_in, n, 1), _conv(n, n, 3), _conv(n, n, 3, 2)),
    ]
    return Reduction(branches), c(384) + 2 * n + n_in


class InceptionResnetV1(nn.Module):
    """Classifier of the Inception Score: trunk, 512-unit bottleneck with batch norm, logits."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        img_size: int = 64,
        width: float = 1.0,
        drop_rate: float = 0.2,
    ):
        super().__init__()
        if img_size not in SIZES or in_chans != 3:
            raise UserError(
                f"inception_resnet_v1 takes RGB images of 32 or 64 pixels, not {in_chans} x "
                f"{img_size} x {img_size}; prepare the data set at one of those sizes."
            )
        c = _Scaled(width)
        self.num_classes = num_classes
        self.num_features = self.head_hidden_size = c(512)
        self.stem = _stem(c, img_size)
        self.blocks_a = nn.Sequential(*(_block_a(c, c(256)) for _ in range(5)))
        self.reduction_a, channels = _reduction_a(c, c(256))
        self.blocks_b = nn.Sequential(*(_block_b(c, channels) for _ in range(10)))
        self.reduction_b, channels = _reduction_b(c, channels)
        self.blocks_c = nn.Sequential(
            *(_block_c(c, channels, 0.20, True) for _ in range(5)),
            _block_c(c, channels, 1.0, False),
        )
        self.dropout = nn.Dropout(drop_rate)
        self.bottleneck = nn.Sequential(
            nn.Linear(channels, c(512), bias=False), nn.BatchNorm1d(c(512), eps=_EPS)
        )
        self.fc = nn.Linear(c(512), num_classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, 3, size, size) -> (B, 1792 * width, 4, 4)."""
        x = self.blocks_a(self.stem(x))
        x = self.blocks_b(self.reduction_a(x))
        return self.blocks_c(self.reduction_b(x))

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Trunk output -> logits (B, num_classes), or the embedding (B, 512 * width)."""
        x = self.bottleneck(self.dropout(x.mean(dim=(2, 3))))
        return x if pre_logits else self.fc(x)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, size, size) in [-1, 1] -> logits (B, num_classes)."""
        return self.forward_head(self.forward_features(x))

    def get_classifier(self) -> nn.Module:
        """The last layer (timm's convention)."""
        return self.fc

"""A shallow residual network for small images, where every second of the processor counts.

The nine layers known from speed contests on CIFAR-10 (Page, *How to train your ResNet*, 2018), with
strided convolutions in the place of max pools and the mean in the place of the last one, and with
the bottleneck of Inception-ResNet-v1 before the logits: FID needs more images than the embeddings
of an ensemble have dimensions. Wide convolutions run near the processor's peak and learn in a few
passes over the images, where the hundred thin layers of a narrow Inception-ResNet do neither.
"""

from __future__ import annotations

from torch import Tensor, nn

from dlvae.stage.errors import UserError

CHANNELS = 64  # of the first layer, at width 1


def _conv(n_in: int, n_out: int, stride: int = 1) -> nn.Sequential:
    """3 x 3 convolution ("same" padding, no bias), batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """x + layers of convolution, batch norm and ReLU, which keep the shape."""

    def __init__(self, channels: int, layers: int):
        super().__init__()
        self.layers = nn.Sequential(*(_conv(channels, channels) for _ in range(layers)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same shape."""
        return x + self.layers(x)


class ResNet9(nn.Module):
    """Classifier of images of any side that 8 divides: trunk, mean over pixels, bottleneck, logits.

    Args:
        num_classes: number of logits.
        img_size: side of the images in pixels, a multiple of 8.
        width: multiplies the channels, 64 to 512 at width 1; rounded to a multiple of 8.
        drop_rate: share of the pooled features dropped in training.
    """

    def __init__(
        self, num_classes: int, img_size: int = 32, width: float = 1.0, drop_rate: float = 0.2
    ):
        super().__init__()
        if img_size % 8:
            raise UserError(
                f"resnet9 takes images whose side 8 divides, not {img_size} x {img_size}; prepare "
                "the data set at such a size."
            )
        n = max(8, 8 * round(CHANNELS * width / 8))
        self.num_classes = num_classes
        self.num_features = self.head_hidden_size = 2 * n
        self.trunk = nn.Sequential(
            _conv(3, n),
            _conv(n, 2 * n, 2),
            Residual(2 * n, 1),
            _conv(2 * n, 4 * n, 2),
            Residual(4 * n, 2),
            _conv(4 * n, 8 * n, 2),
            Residual(8 * n, 1),
        )
        self.dropout = nn.Dropout(drop_rate)
        self.bottleneck = nn.Sequential(nn.Linear(8 * n, 2 * n, bias=False), nn.BatchNorm1d(2 * n))
        self.fc = nn.Linear(2 * n, num_classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, 3, size, size) -> (B, 512 * width, size / 8, size / 8)."""
        return self.trunk(x)

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Trunk output -> logits (B, num_classes), or the embedding (B, 128 * width)."""
        x = self.bottleneck(self.dropout(x.mean(dim=(2, 3))))
        return x if pre_logits else self.fc(x)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, size, size) in [-1, 1] -> logits (B, num_classes)."""
        return self.forward_head(self.forward_features(x))

    def get_classifier(self) -> nn.Module:
        """The last layer (timm's convention)."""
        return self.fc

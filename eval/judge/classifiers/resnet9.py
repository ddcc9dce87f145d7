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
from eval.judge.classifiers.classifier import Classifier, conv_norm_relu, scaled

CHANNELS = 64  # of the first layer, at width 1


class Residual(nn.Module):
    """x + layers of convolution, batch norm and ReLU, which keep the shape."""

    def __init__(self, channels: int, layers: int):
        super().__init__()
        self.layers = nn.Sequential(*(conv_norm_relu(channels, channels, 3) for _ in range(layers)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same shape."""
        return x + self.layers(x)


class ResNet9(Classifier):
    """Classifier of images of any side that 8 divides: trunk, mean over pixels, bottleneck, logits.

    Args:
        num_classes: number of logits.
        img_size: side of the images in pixels, a multiple of 8.
        width: multiplies the channels, 64 to 512 at width 1; rounded to a multiple of 8.
        drop_rate: share of the pooled features dropped in training.
    """

    def __init__(self, num_classes: int, img_size: int, width: float = 1.0, drop_rate: float = 0.2):
        if img_size % 8:
            raise UserError(
                f"resnet9 takes images whose side 8 divides, not {img_size} x {img_size}; prepare "
                "the data set at such a size."
            )
        super().__init__()
        n = scaled(CHANNELS, width)
        self.trunk = nn.Sequential(
            conv_norm_relu(3, n, 3),
            conv_norm_relu(n, 2 * n, 3, 2),
            Residual(2 * n, 1),
            conv_norm_relu(2 * n, 4 * n, 3, 2),
            Residual(4 * n, 2),
            conv_norm_relu(4 * n, 8 * n, 3, 2),
            Residual(8 * n, 1),
        )
        self.head(8 * n, 2 * n, num_classes, drop_rate)

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, 3, size, size) -> (B, 512 * width, size / 8, size / 8)."""
        return self.trunk(x)

"""What our own judges share: channel counts, convolutions, and the head behind a trunk."""

from __future__ import annotations

from torch import Tensor, nn


def scaled(channels: int, width: float) -> int:
    """Return a channel count at a width: a multiple of 8, and never below 8.

    Eight floats fill an AVX2 register, so fewer channels would cost as much.
    """
    return max(8, 8 * round(channels * width / 8))


def conv_norm_relu(
    n_in: int, n_out: int, kernel: int | tuple[int, int], stride: int = 1, eps: float = 1e-5
) -> nn.Sequential:
    """Convolution ("same" padding, no bias), batch norm, ReLU; ``kernel`` is one side or two."""
    padding = kernel // 2 if isinstance(kernel, int) else tuple(side // 2 for side in kernel)
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(n_out, eps=eps),
        nn.ReLU(inplace=True),
    )


class Classifier(nn.Module):
    """A trunk (`forward_features`), the mean over pixels, a bottleneck, logits; as timm has it."""

    def head(
        self, channels: int, embedding: int, classes: int, drop_rate: float, eps: float = 1e-5
    ) -> None:
        """Build the head; called last, for weights are drawn in the order of the layers."""
        self.dropout = nn.Dropout(drop_rate)
        self.bottleneck = nn.Sequential(
            nn.Linear(channels, embedding, bias=False), nn.BatchNorm1d(embedding, eps=eps)
        )
        self.fc = nn.Linear(embedding, classes)

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Trunk output (B, channels, h, w) -> logits (B, classes), or the embedding (B, D)."""
        x = self.bottleneck(self.dropout(x.mean(dim=(2, 3))))
        return x if pre_logits else self.fc(x)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, size, size) in [-1, 1] -> logits (B, classes)."""
        return self.forward_head(self.forward_features(x))

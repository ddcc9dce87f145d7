"""What our own evaluator networks share: channel counts, and the head behind their trunks."""

from __future__ import annotations

from torch import Tensor, nn


def scaled(channels: int, width: float) -> int:
    """Return a channel count at a width: a multiple of 8, and never below 8.

    Eight floats fill an AVX2 register, so fewer channels would cost as much.
    """
    return max(8, 8 * round(channels * width / 8))


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

"""Moving averages over batches: the centres of feature vectors, and the unit they are read in."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MovingMeans(nn.Module):
    """Moving average of the mean vector of each group (class).

    A batch that has vectors of a group moves that group's mean towards theirs by ``rate``; a
    group without vectors in the batch rests. Like Adam's moments the averages start from zero
    and are divided by the sum of their weights, so that the first batch alone makes the first
    mean.

    Buffers, part of the saved state: ``total`` (groups, size), the weighted sums, and ``weight``
    (groups,), 0 for a group that never had a vector.
    """

    def __init__(self, groups: int, size: int, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("total", torch.zeros(groups, size))
        self.register_buffer("weight", torch.zeros(groups))

    @property
    def known(self) -> Tensor:
        """Whether a group has had a vector, bool (groups,)."""
        return self.weight > 0

    def forward(self, vectors: Tensor, groups: Tensor) -> Tensor:
        """Move the means by vectors (B, size) of the groups (B,) and return them, (groups, size).

        Their gradient is that of the group's mean in this batch, undiminished by ``rate``. An
        objective that compares expectations E f has the derivative (difference of expectations)
        times d E f: many batches stand for the first factor, this batch for the second.
        """
        member = F.one_hot(groups, len(self.weight)).to(vectors.dtype)  # (B, groups)
        count = member.sum(0)
        mean = (member.T @ vectors) / count.clamp(min=1)[:, None]
        with torch.no_grad():
            rate = self.rate * (count > 0).to(vectors.dtype)
            self.total.lerp_(mean, rate[:, None])
            self.weight.lerp_(torch.ones_like(rate), rate)
            average = self.total / torch.where(self.known, self.weight, 1)[:, None]
        return average + (mean - mean.detach())

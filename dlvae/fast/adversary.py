"""Gradients of a discriminator's loss and of the loss of its fakes, from one walk backwards.

A discriminator without batch norm judges every image by itself. Both losses are then functions of
the same logits, and whatever lies between a logit and its image, the derivative is linear in that
of the loss by the logit: one number per image. So the walk that finds the gradient of L_D by the
weights has found that of L_GD by each fake as well, up to the ratio of the two numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from dlvae.method.losses import discriminator_loss, full_precision, generator_loss

# Stands in for a derivative of L_D of (nearly) 0, where the ratio has none: a power of two, which
# scales without rounding, and so small that the gradients of the weights do not feel it.
TINY = 2.0**-60


class Verdict(NamedTuple):
    """Logits (B,) of a batch of real images and of each batch of fakes, and those fakes."""

    real: Tensor
    scores: tuple[Tensor, ...]
    fakes: tuple[Tensor, ...]

    def losses(self, kind: str) -> dict[str, Tensor]:
        """Return L_D^adv and L_GD^adv."""
        return {
            "adv_discriminator": discriminator_loss(self.real, self.scores, kind),
            "adv_decoder": generator_loss(self.scores, kind),
        }

    def gradients(
        self, losses: dict[str, Tensor], parameters: Sequence[Tensor]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return those of L_D^adv by ``parameters`` and those of L_GD^adv by each of the fakes.

        The discriminator must judge each image by itself. What made the fakes is not walked.
        """
        grad, logits = torch.autograd.grad, (self.real, *self.scores)
        by_real, *by_scores = grad(losses["adv_discriminator"], logits, retain_graph=True)
        wanted = grad(losses["adv_decoder"], self.scores, retain_graph=True)
        seeds = [torch.where(g.abs() < TINY, TINY, g) for g in by_scores]
        walked = grad(logits, [*parameters, *self.fakes], [by_real, *seeds])
        split = len(parameters)
        by_fakes = (
            _scale(gradient, full_precision(want) / full_precision(seed))
            for gradient, want, seed in zip(walked[split:], wanted, seeds, strict=True)
        )
        return walked[:split], tuple(by_fakes)


def _scale(gradient: Tensor, factor: Tensor) -> Tensor:
    """Multiply each sample (B, ...) by its factor (B,)."""
    shape = (-1, *[1] * (gradient.dim() - 1))
    return (gradient * factor.view(shape)).to(gradient.dtype)

"""Conditional variational auto-encoder: see card.md."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from baselines.conditional import ConditionalVAE
from dlvae.base import Batch
from dlvae.method.optim import gradients


@dataclass(frozen=True)
class Config:
    """Options of the cVAE.

    Attributes:
        d_z: dimensions of z; None for those of our z_u.
    """

    d_z: int | None = None


class CVAE(ConditionalVAE):
    """Label-fed encoder and decoder, L_rec and L_kl."""

    Config = Config

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update encoder and decoder once."""
        forward = self.autoencode(batch.images[0], batch.labels[0], batch.generator)
        groups = self.groups
        self.apply_all(
            {
                "encoder": gradients(self.encoder_objective(forward), groups["encoder"]),
                "decoder": gradients(self.reconstruction_objective(forward), groups["decoder"]),
            }
        )
        return {"rec": forward.rec.detach(), "kl": forward.kl.detach()}


MODEL = CVAE

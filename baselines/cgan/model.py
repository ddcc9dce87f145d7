"""Conditional GAN with a projection discriminator: see card.md."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.conditional import ConditionalModel
from dlvae.base import Batch
from dlvae.losses import discriminator_loss, generator_loss
from dlvae.nn.backbones import build_discriminator
from dlvae.optim import gradients


@dataclass(frozen=True)
class Config:
    """Options of the cGAN.

    Attributes:
        d_z: dimensions of z; None for those of our z_u.
    """

    d_z: int | None = None


class CGAN(ConditionalModel):
    """Label-fed decoder against the discriminator that all models share."""

    Config = Config
    trained = ("decoder", "discriminator")

    def build_networks(self) -> None:
        """Make the discriminator."""
        self.discriminator = build_discriminator(self.task)

    def losses(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> dict:
        """Return L_D^adv of (x, x_p) and L_GD^adv of x_p from one forward pass."""
        prior_labels = self.prior_labels(labels, generator)
        z = self.noise(generator, len(images), self.d_z)
        with self.autocast():
            prior_image = self.generate(prior_labels, z)
            # The discriminator has no batch norm: one call for both batches.
            scores = self.discriminator(
                torch.cat([images, prior_image]), torch.cat([labels, prior_labels])
            )
        real, fake = scores.chunk(2)
        kind = self.method.gan_loss
        return {
            "adv_discriminator": discriminator_loss(real, [fake], kind),
            "adv_decoder": generator_loss([fake], kind),
        }

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update discriminator and decoder once."""
        losses = self.losses(batch.images[0], batch.labels[0], batch.generator)
        self.apply_all(
            {
                name: gradients(losses[f"adv_{name}"], self.groups[name])
                for name in ("discriminator", "decoder")
            }
        )
        return {name: loss.detach() for name, loss in losses.items()}


MODEL = CGAN

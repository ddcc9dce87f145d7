"""Conditional GAN with a projection discriminator: see card.md."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.conditional import ConditionalModel
from dlvae.base import Batch
from dlvae.fast.adversary import Verdict
from dlvae.method.optim import gradients
from dlvae.nn.backbones import build_discriminator


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

    def judge(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Verdict:
        """Return what the discriminator says of x and x_p."""
        prior_labels = self.prior_labels(labels, generator)
        z = self.noise(generator, len(images), self.d_z)
        with self.autocast():
            prior_image = self.generate(prior_labels, z)
            # The discriminator has no batch norm: one call for both batches.
            real, score = self.discriminator(
                torch.cat([images, prior_image]), torch.cat([labels, prior_labels])
            ).chunk(2)
        return Verdict(real, (score,), (prior_image,))

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update discriminator and decoder once."""
        verdict = self.judge(batch.images[0], batch.labels[0], batch.generator)
        losses, groups = verdict.losses(self.method.gan_loss), self.groups
        discriminator, by_fakes = verdict.gradients(losses, groups["discriminator"])
        decoder = gradients(verdict.fakes, groups["decoder"], by_fakes, retain_graph=False)
        self.apply_all({"discriminator": discriminator, "decoder": decoder})
        return {name: loss.detach() for name, loss in losses.items()}


MODEL = CGAN

"""Conditional VAE-GAN: see card.md."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.conditional import ConditionalVAE, Posterior
from dlvae.base import Batch
from dlvae.losses import discriminator_loss, generator_loss
from dlvae.nn.backbones import build_discriminator
from dlvae.optim import gradients


@dataclass(frozen=True)
class Config:
    """Options of the cVAE-GAN.

    Attributes:
        d_z: dimensions of z; None for those of our z_u.
    """

    d_z: int | None = None


class CVAEGAN(ConditionalVAE):
    """Label-fed encoder and decoder with the three-term discriminator of Algorithm 1."""

    Config = Config
    trained = ("encoder", "decoder", "discriminator")

    def build_networks(self) -> None:
        """Make encoder and discriminator."""
        super().build_networks()
        self.discriminator = build_discriminator(self.task)

    def adversarial_losses(
        self, images: Tensor, labels: Tensor, forward: Posterior, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return L_D^adv of (x, x_f, x_p) and L_GD^adv of (x_f, x_p)."""
        prior_labels = self.prior_labels(labels, generator)
        z = self.noise(generator, len(images), self.d_z)
        with self.autocast():
            # Apart from x_f: a joint batch would mix their batch-norm statistics. The
            # discriminator has none, so that one call does for all three.
            prior_image = self.generate(prior_labels, z)
            scores = self.discriminator(
                torch.cat([images, forward.reconstruction, prior_image]),
                torch.cat([labels, labels, prior_labels]),
            )
        real, *fakes = scores.chunk(3)
        kind = self.method.gan_loss
        return {
            "adv_discriminator": discriminator_loss(real, fakes, kind),
            "adv_decoder": generator_loss(fakes, kind),
        }

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update encoder, decoder and discriminator once; L_GD^adv never reaches the encoder."""
        images, labels, groups = batch.images[0], batch.labels[0], self.groups
        forward = self.autoencode(images, labels, batch.generator)
        losses = self.adversarial_losses(images, labels, forward, batch.generator)
        decoder_objective = self.reconstruction_objective(forward) + losses["adv_decoder"]
        self.apply_all(
            {
                "discriminator": gradients(losses["adv_discriminator"], groups["discriminator"]),
                "decoder": gradients(decoder_objective, groups["decoder"]),
                "encoder": gradients(self.encoder_objective(forward), groups["encoder"]),
            }
        )
        losses |= {"rec": forward.rec, "kl": forward.kl}
        return {name: loss.detach() for name, loss in losses.items()}


MODEL = CVAEGAN

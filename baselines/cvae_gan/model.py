"""Conditional VAE-GAN: see card.md."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.conditional import ConditionalVAE, Posterior
from dlvae.base import Batch
from dlvae.fast.adversary import Verdict
from dlvae.method.optim import gradients
from dlvae.nn.backbones import build_discriminator


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

    def judge(
        self, images: Tensor, labels: Tensor, forward: Posterior, generator: torch.Generator
    ) -> Verdict:
        """Return what the discriminator says of x, x_f and x_p."""
        prior_labels = self.prior_labels(labels, generator)
        z = self.noise(generator, len(images), self.d_z)
        with self.autocast():
            # Apart from x_f: a joint batch would mix their batch-norm statistics. The
            # discriminator has none, so that one call does for all three.
            fakes = (forward.reconstruction, self.generate(prior_labels, z))
            real, *scores = self.discriminator(
                torch.cat([images, *fakes]), torch.cat([labels, labels, prior_labels])
            ).chunk(3)
        return Verdict(real, tuple(scores), fakes)

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update encoder, decoder and discriminator once; L_GD^adv never reaches the encoder."""
        images, labels, groups = batch.images[0], batch.labels[0], self.groups
        forward = self.autoencode(images, labels, batch.generator)
        verdict = self.judge(images, labels, forward, batch.generator)
        losses = verdict.losses(self.method.gan_loss)
        discriminator, by_fakes = verdict.gradients(losses, groups["discriminator"])
        decoder = gradients(
            (self.reconstruction_objective(forward), *verdict.fakes),
            groups["decoder"],
            (None, *by_fakes),
        )
        encoder = gradients(self.encoder_objective(forward), groups["encoder"])
        self.apply_all({"discriminator": discriminator, "decoder": decoder, "encoder": encoder})
        losses |= {"rec": forward.rec, "kl": forward.kl}
        return {name: loss.detach() for name, loss in losses.items()}


MODEL = CVAEGAN

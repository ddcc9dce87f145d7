"""Conditional VAE-GAN: see card.md."""

from __future__ import annotations

import torch
from torch import Tensor

from baselines.conditional import ConditionalVAE
from baselines.latent import LatentOptions
from dlvae.base import Batch
from dlvae.config.method_keys import Method
from dlvae.fast.backward import Shared
from dlvae.method.losses import adversarial_losses
from dlvae.method.objectives import weighted
from dlvae.nn.backbones import build_discriminator
from dlvae.task import Task


class CVAEGAN(ConditionalVAE):
    """Label-fed encoder and decoder with the three-term discriminator of Algorithm 1."""

    def __init__(self, task: Task, method: Method, config: LatentOptions) -> None:
        super().__init__(task, method, config)
        self.discriminator = build_discriminator(task)
        rows = [
            *self.objectives_of_vae(),
            ("decoder", "adv_decoder", 1.0, 1.0),
            ("discriminator", "adv_discriminator", 1.0, 1.0),
        ]
        self.minimise({"step": weighted(rows, method.variant)})

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update encoder, decoder and discriminator once; L_GD^adv never reaches the encoder."""
        x, y = batch.images[0], batch.labels[0]
        x_f, losses = self.autoencode(x, y, batch.generator)
        y_p = self.prior_labels(len(y), batch.generator, y)
        z = self.noise(batch.generator, len(y), self.d_z)
        with self.autocast():
            # Apart from x_f: a joint batch would mix their batch-norm statistics. The
            # discriminator has none, so that one call does for all three.
            x_p = self.generate(y_p, z)
            images, labels = torch.cat([x, x_f, x_p]), torch.cat([y, y, y_p])
            logits = self.discriminator(images, labels).chunk(3)
        losses |= adversarial_losses(logits, self.method.gan_loss)
        return self.descend("step", losses, Shared({}, (x_f, x_p), logits))


MODEL = CVAEGAN

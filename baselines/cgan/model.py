"""Conditional GAN with a projection discriminator: see card.md."""

from __future__ import annotations

import torch
from torch import Tensor

from baselines.conditional import ConditionalModel
from baselines.latent import LatentOptions
from dlvae.base import Batch
from dlvae.config.method_keys import Method
from dlvae.fast.backward import Shared
from dlvae.method.losses import adversarial_losses
from dlvae.nn.backbones import build_discriminator
from dlvae.task import Task


class CGAN(ConditionalModel):
    """Label-fed decoder against the discriminator that all models share."""

    def __init__(self, task: Task, method: Method, config: LatentOptions) -> None:
        super().__init__(task, method, config)
        self.discriminator = build_discriminator(task)
        groups = {"decoder": {"adv_decoder": 1.0}, "discriminator": {"adv_discriminator": 1.0}}
        self.minimise({"step": groups})

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update discriminator and decoder once."""
        x, y = batch.images[0], batch.labels[0]
        y_p = self.prior_labels(len(y), batch.generator, y)
        z = self.noise(batch.generator, len(y), self.d_z)
        with self.autocast():
            x_p = self.generate(y_p, z)
            # The discriminator has no batch norm: one call for both batches.
            logits = self.discriminator(torch.cat([x, x_p]), torch.cat([y, y_p])).chunk(2)
        losses = adversarial_losses(logits, self.method.gan_loss)
        return self.descend("step", losses, Shared({}, (x_p,), logits))


MODEL = CGAN

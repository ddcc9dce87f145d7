"""Conditional variational auto-encoder: see card.md."""

from __future__ import annotations

from torch import Tensor

from baselines.conditional import ConditionalVAE
from baselines.latent import LatentOptions
from dlvae.base import Batch
from dlvae.config.method_keys import Method
from dlvae.method.objectives import weighted
from dlvae.task import Task


class CVAE(ConditionalVAE):
    """Label-fed encoder and decoder, L_rec and L_kl."""

    def __init__(self, task: Task, method: Method, config: LatentOptions) -> None:
        super().__init__(task, method, config)
        self.minimise({"step": weighted(self.objectives_of_vae(), method.variant)})

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update encoder and decoder once."""
        _, losses = self.autoencode(batch.images[0], batch.labels[0], batch.generator)
        return self.descend("step", losses)


MODEL = CVAE

"""Class-conditional WGAN with gradient penalty: see card.md."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from baselines.conditional import ConditionalModel
from baselines.wgan_gp.critic import between, build_critic, gradient_penalty
from baselines.wgan_gp.options import Config
from dlvae.base import Batch, Method, Task
from dlvae.method.losses import full_precision
from dlvae.method.optim import gradients


class WGANGP(ConditionalModel):
    """Label-fed decoder against a critic whose slope is held at 1 (Gulrajani et al., Algorithm 1).

    Objectives, the critic's on ``n_critic`` batches in turn, then the decoder's once:

    ======= ==================================================================
    critic  E D(x_p, y) - E D(x, y) + lambda_gp E (||grad D(x_hat, y)||_2 - 1)^2
    decoder -E D(x_p, y')
    ======= ==================================================================
    """

    Config = Config
    trained = ("decoder", "critic")

    def __init__(self, task: Task, method: Method, config: Any) -> None:
        super().__init__(task, method, config)
        self.batches_per_step = config.n_critic

    def build_networks(self) -> None:
        """Make the critic."""
        self.critic = build_critic(self.task)

    def critic_losses(
        self, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return E D(x_p) - E D(x) and the penalty on the lines between, unweighted.

        The generated image x_p takes the label of the real one: D(., y) is a function of images of
        one class, and the line on which its slope matters joins what it compares, p(x | y) and
        what the decoder makes of y.
        """
        z = self.noise(generator, len(images), self.d_z)
        with self.autocast():
            with torch.no_grad():
                fakes = full_precision(self.generate(labels, z))
            # The critic has no batch norm: one call for both batches.
            values = self.critic(torch.cat([images, fakes]), torch.cat([labels, labels]))
        real, fake = full_precision(values).chunk(2)
        return {
            "adv_critic": fake.mean() - real.mean(),
            "gradient_penalty": gradient_penalty(
                self.critic, between(images, fakes, generator), labels
            ),
        }

    def decoder_loss(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Return -E D(x_p, y') with labels y' of ``prior_label``, the batch's being ``labels``."""
        labels = self.prior_labels(labels, generator)
        z = self.noise(generator, len(labels), self.d_z)
        with self.autocast():
            values = self.critic(self.generate(labels, z), labels)
        return -full_precision(values).mean()

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update the critic once per batch, then the decoder; return the last of each loss."""
        for images, labels in zip(batch.images, batch.labels, strict=True):
            losses = self.critic_losses(images, labels, batch.generator)
            objective = losses["adv_critic"] + self.config.lambda_gp * losses["gradient_penalty"]
            self._descend("critic", objective)
        losses["adv_decoder"] = self.decoder_loss(batch.labels[-1], batch.generator)
        self._descend("decoder", losses["adv_decoder"])
        return {name: loss.detach() for name, loss in losses.items()}

    def _descend(self, name: str, objective: Tensor) -> None:
        self.apply_all({name: gradients(objective, self.groups[name], retain_graph=False)})


MODEL = WGANGP

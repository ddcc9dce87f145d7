"""Class-conditional WGAN with gradient penalty: see card.md."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from baselines.conditional import ConditionalModel
from baselines.wgan_gp.options import Config
from dlvae.base import Batch
from dlvae.config.method_keys import Method
from dlvae.method.losses import full_precision
from dlvae.nn.backbones import build_discriminator
from dlvae.nn.blocks import initialise
from dlvae.nn.discriminator import ProjectionDiscriminator
from dlvae.task import Task


def build_critic(task: Task) -> ProjectionDiscriminator:
    """Return D: ``forward(x, labels)`` gives values (B,), linear in the last layer's input.

    The layers are those of the discriminator that all models share, without its spectral norm.
    """
    critic = build_discriminator(task)
    for layer in list(critic.modules()):
        if parametrize.is_parametrized(layer, "weight"):
            # Under it hardly any slope reaches the 1 that the penalty asks for.
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    # The shared start, standard deviation 0.02, is for layers that are normalised anyway: without
    # that, the values would shrink to nothing from layer to layer.
    initialise(critic)
    nn.init.xavier_uniform_(critic.embedding.weight)
    return critic


def between(real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one point on the line from each of real (B, ...) to its fake (B, ...), uniformly."""
    share = torch.rand(len(real), generator=generator, device=generator.device)
    share = share.to(real.device, real.dtype).view(-1, *[1] * (real.dim() - 1))
    return torch.lerp(fake, real, share)


def gradient_penalty(critic: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """E[(||grad_x D(x, y)||_2 - 1)^2] at x (B, ...) with labels (B,); a batch mean, float32.

    The norm is over all values of a sample (Gulrajani et al., Eq. 3); x counts as given. Like every
    gradient here, that of the penalty is to be taken outside autocast.
    """
    x = full_precision(x).detach().requires_grad_()
    # The penalty is the square of a norm's small distance from 1, and what it teaches a second
    # derivative of D: of bf16's two to three digits neither would keep much.
    with torch.autocast(x.device.type, enabled=False):
        # The critic has no batch norm: the slope of the sum holds every sample's own slope.
        (slope,) = torch.autograd.grad(critic(x, labels).sum(), x, create_graph=True)
        norm = torch.linalg.vector_norm(slope.flatten(1), dim=1)
        return (norm - 1).square().mean()


class WGANGP(ConditionalModel):
    """Label-fed decoder against a critic whose slope is held at 1 (Gulrajani et al., Algorithm 1).

    The critic descends on ``n_critic`` batches in turn, then the decoder once.
    """

    Config = Config

    def __init__(self, task: Task, method: Method, config: Config) -> None:
        super().__init__(task, method, config)
        self.batches_per_step = config.n_critic
        self.critic = build_critic(task)
        of_critic = {"adv_critic": 1.0, "gradient_penalty": config.lambda_gp}
        self.minimise(
            {"critic": {"critic": of_critic}, "decoder": {"decoder": {"adv_decoder": 1.0}}}
        )

    def critic_losses(
        self, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return E D(x_p) - E D(x) and the penalty E (||grad D(x_hat)||_2 - 1)^2, unweighted.

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
        labels = self.prior_labels(len(labels), generator, labels)
        z = self.noise(generator, len(labels), self.d_z)
        with self.autocast():
            values = self.critic(self.generate(labels, z), labels)
        return -full_precision(values).mean()

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update the critic once per batch, then the decoder; return the last of each loss."""
        for images, labels in zip(batch.images, batch.labels, strict=True):
            losses = self.descend("critic", self.critic_losses(images, labels, batch.generator))
        adv_decoder = self.decoder_loss(batch.labels[-1], batch.generator)
        return losses | self.descend("decoder", {"adv_decoder": adv_decoder})


MODEL = WGANGP

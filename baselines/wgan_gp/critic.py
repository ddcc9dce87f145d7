"""The critic, and the penalty that keeps its gradients at norm 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

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

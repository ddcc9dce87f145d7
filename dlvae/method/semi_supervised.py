"""The semi-supervised stage (Section 3.6): fine-tuning on images without labels.

L_GM, L_E^adv and L_C^adv need labels and are dropped, so that the mixture and the classifier on z_u
stay as they are; L_rec, L_kl, L_lkd and the two GAN losses remain. The paper does not say what the
discriminator is told about an image without a label: here its unconditional head scores x and x_f,
while prior samples are drawn for a known class and scored with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from dlvae.fast.adversary import Verdict
from dlvae.method.algorithm1 import (
    JointPass,
    joint_gradients,
    joint_pass,
    shared_losses,
)

if TYPE_CHECKING:
    from dlvae.method.networks import LrLiVAE


def unlabelled_losses(
    model: LrLiVAE, forward: JointPass
) -> tuple[dict[str, Tensor], Verdict | None]:
    """Return the losses of a batch without labels, and what the discriminator said.

    L_lkd is that of the mixture's total moments (`unlabelled_prior: total`, Eq. 11: classes outside
    the known ones) or of the mixture itself (`mixture`, Eq. 6: classes among them).
    """
    prior = model.prior
    log_density = prior.log_total if model.method.unlabelled_prior == "total" else prior.log_mixture
    losses = {**shared_losses(model, forward), "lkd": -log_density(forward.z_s).mean()}
    if forward.prior_image is None:
        return losses, None
    # One power iteration: both calls judge with the same weights.
    with model.autocast(), parametrize.cached():
        images = torch.cat([forward.images, forward.reconstruction])
        real, reconstruction = model.discriminator(images, None).chunk(2)
        prior_score = model.discriminator(forward.prior_image, forward.prior_labels)
    fakes = (forward.reconstruction, forward.prior_image)
    verdict = Verdict(real, (reconstruction, prior_score), fakes)
    return losses | verdict.losses(model.method.gan_loss), verdict


def unlabelled_step(
    model: LrLiVAE, images: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    """Update encoders, decoder and discriminator once; return the losses, detached."""
    prior_labels = model.uniform_labels(len(images), generator)
    forward = joint_pass(model, images, prior_labels, generator)
    losses, verdict = unlabelled_losses(model, forward)
    model.apply_all(joint_gradients(model, forward, losses, verdict))
    return {name: loss.detach() for name, loss in losses.items()}

"""Algorithm 1 of the paper, and the semi-supervised stage of Section 3.6.

A method per stage: it makes the losses of one batch in the order of the paper's lines, and descends
on them. Which group of parameters minimises which of them is said in `objectives`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from dlvae.base import Batch
from dlvae.config.method_keys import Method
from dlvae.config.section import Options
from dlvae.fast.backward import Shared
from dlvae.method.losses import (
    adversarial_losses,
    cross_entropy,
    full_precision,
    kl_standard_normal,
    reconstruction_loss,
    uniform_cross_entropy,
)
from dlvae.method.networks import LrLiVAENetworks
from dlvae.method.objectives import our_objectives
from dlvae.task import Task

# 10 epochs of 92,000 faces in batches of 96, three updates each, at the rate 5e-4
PUBLISHED_TRAVEL = 10 * 92_000 / 96 * 3 * 5e-4


class Codes(NamedTuple):
    """Codes and images of one forward pass, with their graph.

    Attributes:
        z_s: deterministic code of Encoder_s, (B, d_s).
        mean, logvar: posterior of z_u, (B, d_u) each.
        z_u: its sample.
        x_f: reconstruction, Decoder(z_s, z_u).
        x_p: Decoder(z_s^p, z_u^p), codes from the priors; None where no discriminator reads it.
    """

    z_s: Tensor
    mean: Tensor
    logvar: Tensor
    z_u: Tensor
    x_f: Tensor
    x_p: Tensor | None


class LrLiVAE(LrLiVAENetworks):
    """The model with its training; its networks are those of :class:`LrLiVAENetworks`.

    Each stage has an optimiser of its own, so that Encoder_s, which both update, has moments of
    L_GM and moments of stage 2.
    """

    def __init__(self, task: Task, method: Method, config: Options) -> None:
        super().__init__(task, method, config)
        self.batches_per_step = method.n_gm if method.reuse_batch else method.n_gm + 1
        stages = our_objectives(task, method)
        supervised = {name: stages[name] for name in ("stage_1", "stage_2")}
        self.minimise(supervised, ["sigma"], mu=[self.prior.mu], sigma=[self.prior.scale])

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Run one iteration of Algorithm 1 on `batches_per_step` batches.

        `step` counts finished iterations, from 0. Under `reuse_batch` stage 2 sees the last batch
        of stage 1 again, else the last of `batch`, unseen by stage 1.
        """
        self.set_rate("sigma", sigma_rate(self.task, self.method, step))
        for index in range(self.method.n_gm):
            losses = self.stage_1(batch.images[index], batch.labels[index])
        losses |= self.stage_2(batch.images[-1], batch.labels[-1], batch.generator)
        return losses | {"clamp_share": self.prior.clamp_share}

    def stage_1(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Lines 3 to 8: update Encoder_s, every mu_c and every Sigma_c by L_GM (Eq. 9)."""
        with self.autocast():
            (z_s,) = self.encoder_s(x)
        self.prior.track(z_s, y)
        l_cls, l_lkd = self.prior.classification_losses(z_s, y)
        losses = self.descend("stage_1", {"cls": l_cls, "lkd_gm": l_lkd})
        if not self.method.fixed_sigma:
            self.prior.clamp_()
        return losses

    def stage_2(self, x: Tensor, y: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Lines 10 to 29: update both encoders, decoder, classifier and discriminator at once."""
        y_p = self.prior_labels(len(x), generator, y)
        codes = self.joint_pass(x, y_p, generator)
        losses = {"lkd": -self.prior.log_likelihood(codes.z_s, y).mean()}
        if "classifier" in self.groups:
            with self.autocast():
                class_logits = self.classifier(codes.z_u)
            losses["adv_encoder"] = uniform_cross_entropy(class_logits)
            losses["adv_classifier"] = cross_entropy(class_logits, y)
        logits = ()
        if codes.x_p is not None:
            images, labels = torch.cat([x, codes.x_f, codes.x_p]), torch.cat([y, y, y_p])
            with self.autocast():
                # The discriminator has no batch norm: one call for the three batches.
                logits = self.discriminator(images, labels).chunk(3)
        return self.joint_update("stage_2", x, codes, losses, logits)

    def start_semi_supervised(self) -> None:
        """Turn to the stage of :meth:`semi_supervised_step`, after training or loading.

        Freezes mu_c, Sigma_c and the classifier, and gives the rest a fresh optimiser.
        """
        self.prior.requires_grad_(False)
        self.classifier.requires_grad_(False)
        self.batches_per_step = 1
        stage = our_objectives(self.task, self.method)["semi_supervised"]
        self.minimise({"semi_supervised": stage})

    def semi_supervised_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Fine-tune on images without labels; those of `batch` are not read.

        L_GM, L_E^adv and L_C^adv need labels and are dropped. L_lkd is that of the mixture's total
        moments (`unlabelled_prior: total`, Eq. 11: classes outside the known ones) or of the
        mixture itself (`mixture`, Eq. 6: classes among them). The paper does not say what the
        discriminator is told about an image without a label: here its unconditional head scores x
        and x_f, while prior samples are drawn for a known class and scored with it.
        """
        x = batch.images[0]
        y_p = self.prior_labels(len(x), batch.generator)
        codes = self.joint_pass(x, y_p, batch.generator)
        total = self.method.unlabelled_prior == "total"
        log_density = (self.prior.log_total if total else self.prior.log_mixture)(codes.z_s)
        logits = ()
        if codes.x_p is not None:
            # One power iteration: both calls judge with the same weights.
            with self.autocast(), parametrize.cached():
                scores = self.discriminator(torch.cat([x, codes.x_f]), None)
                logits = (*scores.chunk(2), self.discriminator(codes.x_p, y_p))
        losses = {"lkd": -log_density.mean()}
        return self.joint_update("semi_supervised", x, codes, losses, logits)

    def joint_pass(self, x: Tensor, y_p: Tensor, generator: torch.Generator) -> Codes:
        """Encode and reconstruct x, and decode a prior sample per label (lines 11 to 21)."""
        d_s, d_u = self.task.d_s, self.task.d_u
        noise = self.noise(generator, len(x), d_u + d_s + d_u)
        epsilon, epsilon_s, z_u_p = noise.split([d_u, d_s, d_u], dim=1)
        with torch.no_grad():
            prior_codes = torch.cat([self.prior.sample(y_p, epsilon_s), z_u_p], 1)
        with self.autocast():
            mean, logvar = (full_precision(head) for head in self.encoder_u(x))
            z_s = full_precision(self.encoder_s(x)[0])
            z_u = mean + (0.5 * logvar).exp() * epsilon
            # Two calls: a joint batch would mix the batch-norm statistics of x_f and x_p.
            x_f = self.decoder(torch.cat([z_s, z_u], 1))
            x_p = self.decoder(prior_codes) if "discriminator" in self.groups else None
        return Codes(z_s, mean, logvar, z_u, x_f, x_p)

    def joint_update(
        self,
        stage: str,
        x: Tensor,
        codes: Codes,
        losses: dict[str, Tensor],
        logits: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        """Add the losses that need no label, and update every group of the stage.

        `logits` are the discriminator's of x, x_f and x_p, none where it rests.
        """
        losses = {
            "rec": reconstruction_loss(codes.x_f, x, self.method.variant),
            "kl": kl_standard_normal(codes.mean, codes.logvar),
            **losses,
        }
        if logits:
            losses |= adversarial_losses(logits, self.method.gan_loss)
        shared = Shared(
            {"encoder_s": codes.z_s, "encoder_u": codes.z_u},
            (codes.x_f, codes.x_p) if logits else (),
            logits,
        )
        return self.descend(stage, losses, shared)


def sigma_rate(task: Task, method: Method, step: int) -> float:
    """Return the learning rate of Sigma_c: divided by 10 every `tau_decay_epochs` epochs.

    Under Adam v, of which tau = softplus(v), moves by about the learning rate per update, so what
    Sigma_c can reach is a matter of how many updates there are. The rate is therefore such that v
    can travel `PUBLISHED_TRAVEL` in the first `tau_decay_epochs`, whatever the size of the data,
    of the batch and n_gm; for the published ones that is the published rate of 5e-4.

    Epochs are counted as the paper's training is: 52,000 iterations of batch 96 are 54 epochs of
    92,000 faces, so one batch per iteration of Algorithm 1, whatever stage 1 draws besides.
    """
    iterations = method.tau_decay_epochs * task.train_images / task.batch_size
    epoch = step * task.batch_size // task.train_images
    first = PUBLISHED_TRAVEL / (method.n_gm * iterations)
    return first * 0.1 ** (epoch // method.tau_decay_epochs)


MODEL = LrLiVAE

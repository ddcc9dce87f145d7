"""Lr-LiVAE: label-relevant and label-irrelevant codes of one image (Zheng & Sun, CVPR 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dlvae.base import ENCODED_AT_ONCE, Batch, GenerativeModel, Method, Task
from dlvae.method.algorithm1 import (
    joint_step,
    mixture_step,
    precision_lr,
    semi_supervised_weights,
    stage2_weights,
)
from dlvae.method.losses import full_precision
from dlvae.method.prior import CodePrior, GaussianMixture
from dlvae.method.semi_supervised import unlabelled_step
from dlvae.nn.backbones import (
    build_decoder,
    build_discriminator,
    build_encoder,
    build_latent_classifier,
)


@dataclass(frozen=True)
class Config:
    """Lr-LiVAE has no options beside the method's."""


class LrLiVAE(GenerativeModel):
    """The paper's model: z_s of a learned Gaussian mixture, z_u of N(0, I), one decoder for both.

    Networks: `encoder_s` (psi), `encoder_u` (phi), `decoder` (theta), `classifier` on z_u (omega),
    `discriminator` (theta_d); `prior` holds mu_c and Sigma_c, `prior_u` is that of z_u. `groups`
    lists the parameters that each optimiser of the same name updates. Encoder_s has two, with
    moments of their own: "mixture" (L_GM, with every mu_c) and "encoder_s" (stage 2); "precision"
    is that of Sigma_c. What the method leaves untrained is made all the same, so that the other
    weights start as ever, but has no group.
    """

    Config = Config

    def __init__(self, task: Task, method: Method, config: Config) -> None:
        super().__init__(task, method, config)
        self.batches_per_step = method.n_gm if method.reuse_batch else method.n_gm + 1
        self.weights = stage2_weights(task, method)
        self.encoder_s = build_encoder(task, [task.d_s])
        self.encoder_u = build_encoder(task, [task.d_u, task.d_u])
        self.decoder = build_decoder(task, task.d_s + task.d_u)
        self.classifier = build_latent_classifier(task, task.d_u)
        self.discriminator = build_discriminator(task)
        self.prior = GaussianMixture(
            task.classes, task.d_s, method.param, method.fixed_sigma, method.running_moments
        )
        self.prior_u = CodePrior(task.d_u)
        self.groups = self._stage2_groups()
        if method.lambda_adv > 0:
            self.groups["classifier"] = list(self.classifier.parameters())
        self.groups["mixture"] = [*self.encoder_s.parameters(), self.prior.mu]
        if not method.fixed_sigma:
            self.groups["precision"] = [self.prior.scale]
        self.optimisers = {name: self.adam(group) for name, group in self.groups.items()}

    def _stage2_groups(self) -> dict[str, list[nn.Parameter]]:
        names = ["encoder_s", "encoder_u", "decoder"]
        names += ["discriminator"] if self.method.lambda_gan > 0 else []
        return {name: list(getattr(self, name).parameters()) for name in names}

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Run one iteration of Algorithm 1 on `batches_per_step` batches.

        `step` counts finished iterations, from 0. Under `reuse_batch` stage 2 sees the last batch
        of stage 1 again, else the last of `batch`, unseen by stage 1.
        """
        if "precision" in self.optimisers:
            lr = precision_lr(self.task, self.method, step)
            self.optimisers["precision"].param_groups[0]["lr"] = lr
        for index in range(self.method.n_gm):
            losses = mixture_step(self, batch.images[index], batch.labels[index])
        losses |= joint_step(self, batch.images[-1], batch.labels[-1], batch.generator)
        return losses | {"clamp_share": self.prior.clamp_share}

    def start_semi_supervised(self) -> None:
        """Turn to the stage of :meth:`semi_supervised_step`, after training or loading.

        Freezes mu_c, Sigma_c and the classifier, and gives the rest fresh optimisers.
        """
        self.prior.requires_grad_(False)
        self.classifier.requires_grad_(False)
        self.batches_per_step = 1
        self.weights = semi_supervised_weights(self.task, self.method)
        self.groups = self._stage2_groups()
        self.optimisers = {name: self.adam(group) for name, group in self.groups.items()}

    def semi_supervised_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Run one iteration of the semi-supervised stage; labels of `batch` are not read."""
        return unlabelled_step(self, batch.images[0], batch.generator)

    def sample_codes(self, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw z_s ~ N(mu_y, Sigma_y) (N, d_s) and z_u (N, d_u) of its prior, per label (N,)."""
        d_s, d_u = self.task.d_s, self.task.d_u
        noise_s, noise_u = self.noise(generator, len(labels), d_s + d_u).split([d_s, d_u], dim=1)
        with torch.no_grad():
            z_s = self.prior.sample(labels.to(self.device), noise_s)
            return z_s, self.prior_u.sample(noise_u)

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one image in [-1, 1] per label, (N, 3, H, W), or one point (N, 2)."""
        return self.decode(*self.sample_codes(labels, generator))

    def decode(self, z_s: Tensor, z_u: Tensor) -> Tensor:
        """Decode codes (N, d_s) and (N, d_u) to images in [-1, 1] or points, float32."""
        with self.sampling(), self.autocast():
            return full_precision(self.decoder(torch.cat([z_s, z_u], 1)))

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """Return `z_s` (N, d_s), and `z_u`, `z_u_logvar` (N, d_u): the posterior's mean, logvar."""
        with self.sampling(), self.autocast():
            (z_s,) = self.encoder_s(images)
            mean, logvar = self.encoder_u(images)
        codes = {"z_s": z_s, "z_u": mean, "z_u_logvar": logvar}
        return {name: full_precision(code) for name, code in codes.items()}

    def fit_priors(self, images: Tensor, labels: Tensor) -> None:
        """Set each prior in closed form to the codes of training images (N, 3, H, W) or points.

        mu_c and Sigma_c become the moments of z_s of each class, N(0, I) the Gaussian of the
        aggregate posterior of z_u. No other weight changes.
        """
        parts = [self.encode(part) for part in images.split(ENCODED_AT_ONCE)]
        codes = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        self.prior.fit(codes["z_s"], labels)
        self.prior_u.fit(codes["z_u"], codes["z_u_logvar"])

    def reconstruct(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Reconstruct images from their codes at the posterior mean; labels are not needed."""
        codes = self.encode(images)
        return self.decode(codes["z_s"], codes["z_u"])


MODEL = LrLiVAE

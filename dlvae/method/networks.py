"""Lr-LiVAE: label-relevant and label-irrelevant codes of one image (Zheng & Sun, CVPR 2019).

What the model is and what it does once trained; `algorithm1` trains it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dlvae.base import ENCODED_AT_ONCE, GenerativeModel
from dlvae.config.method_keys import Method
from dlvae.config.section import Options
from dlvae.method.losses import full_precision
from dlvae.method.prior import CodePrior, GaussianMixture
from dlvae.nn.backbones import (
    build_decoder,
    build_discriminator,
    build_encoder,
    build_latent_classifier,
)
from dlvae.task import Task


class LrLiVAENetworks(GenerativeModel):
    """The paper's model: z_s of a learned Gaussian mixture, z_u of N(0, I), one decoder for both.

    Networks: `encoder_s` (psi), `encoder_u` (phi), `decoder` (theta), `classifier` on z_u (omega),
    `discriminator` (theta_d); `prior` holds mu_c and Sigma_c, `prior_u` is that of z_u. What the
    method leaves untrained is made all the same, so that the other weights start as ever.
    """

    def __init__(self, task: Task, method: Method, config: Options) -> None:
        super().__init__(task, method, config)
        self.encoder_s = build_encoder(task, [task.d_s])
        self.encoder_u = build_encoder(task, [task.d_u, task.d_u])
        self.decoder = build_decoder(task, task.d_s + task.d_u)
        self.classifier = build_latent_classifier(task, task.d_u)
        self.discriminator = build_discriminator(task)
        self.prior = GaussianMixture(
            task.classes, task.d_s, method.param, method.fixed_sigma, method.running_moments
        )
        self.prior_u = CodePrior(task.d_u)

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

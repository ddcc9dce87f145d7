"""What the baselines share: a decoder fed with the label, and a posterior fed with it.

Section 4.2 of the paper: the decoder's input is concat(one-hot label, z) with z ~ N(0, I). The
published code feeds the encoder as well, with one constant map per class.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.latent import LatentOptions
from dlvae.base import ENCODED_AT_ONCE, GenerativeModel
from dlvae.config.method_keys import Method
from dlvae.method.losses import full_precision, kl_standard_normal, reconstruction_loss
from dlvae.method.objectives import Row
from dlvae.method.prior import CodePrior
from dlvae.nn.backbones import build_decoder, build_encoder
from dlvae.task import Task


class ConditionalModel(GenerativeModel):
    """A decoder of (label, z) with z ~ N(0, I), its `prior_z`."""

    Config = LatentOptions

    def __init__(self, task: Task, method: Method, config: LatentOptions) -> None:
        super().__init__(task, method, config)
        self.d_z = task.d_u if config.d_z is None else config.d_z
        self.decoder = build_decoder(task, task.classes + self.d_z)
        self.prior_z = CodePrior(self.d_z)

    def generate(self, labels: Tensor, z: Tensor) -> Tensor:
        """Decode labels (N,) and codes z (N, d_z) to images (N, 3, H, W) or points (N, 2)."""
        one_hot = F.one_hot(labels, self.task.classes).to(z.dtype)
        return self.decoder(torch.cat([one_hot, z], 1))

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one image in [-1, 1] per label, (N, 3, H, W), or one point (N, 2)."""
        noise = self.noise(generator, len(labels), self.d_z)
        with self.sampling(), self.autocast():
            z = self.prior_z.sample(noise)
            return full_precision(self.generate(labels.to(self.device), z))


class ConditionalVAE(ConditionalModel):
    """A conditional model with the posterior q(z|x, y) of a label-fed encoder."""

    def __init__(self, task: Task, method: Method, config: LatentOptions) -> None:
        super().__init__(task, method, config)
        # two heads: mean and log-variance of z
        self.encoder = build_encoder(task, [self.d_z, self.d_z], labelled=True)

    def objectives_of_vae(self) -> list[Row]:
        """Return the objectives of encoder and decoder: those of our Encoder_u and decoder."""
        method, values = self.method, self.task.values
        lambda_kl = 1 / self.d_z if method.lambda_kl is None else method.lambda_kl
        return [
            # group, loss, weight in the code, weight in the paper
            ("encoder", "rec", method.lambda_rec, method.lambda_rec / values),
            ("encoder", "kl", lambda_kl, lambda_kl),
            ("decoder", "rec", method.lambda_rec, 1.0),
        ]

    def posterior(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance (B, d_z) of q(z|x, y), float32."""
        mean, logvar = self.encoder(images, labels)
        return full_precision(mean), full_precision(logvar)

    def fit_priors(self, images: Tensor, labels: Tensor) -> None:
        """Set the prior of z to the Gaussian of its aggregate posterior over training images.

        Args:
            images: (N, 3, H, W) in [-1, 1], or points (N, 2); labels (N,).
        """
        batches = zip(images.split(ENCODED_AT_ONCE), labels.split(ENCODED_AT_ONCE), strict=True)
        with self.sampling(), self.autocast():
            means, logvars = zip(*(self.posterior(*batch) for batch in batches), strict=True)
        self.prior_z.fit(torch.cat(means), torch.cat(logvars))

    def autoencode(
        self, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Encode, sample z and decode; return x_f and the losses of it.

        ``rec`` is L_rec of the variant, ``kl`` KL(q(z|x,y) || N(0, I)) summed over dimensions.
        """
        epsilon = self.noise(generator, len(images), self.d_z)
        with self.autocast():
            mean, logvar = self.posterior(images, labels)
            x_f = self.generate(labels, mean + (0.5 * logvar).exp() * epsilon)
        rec = reconstruction_loss(x_f, images, self.method.variant)
        return x_f, {"rec": rec, "kl": kl_standard_normal(mean, logvar)}

    def reconstruct(self, images: Tensor, labels: Tensor) -> Tensor:
        """Reconstruct images from their true labels and the posterior mean of z."""
        labels = labels.to(self.device)
        with self.sampling(), self.autocast():
            mean, _ = self.posterior(images, labels)
            return full_precision(self.generate(labels, mean))

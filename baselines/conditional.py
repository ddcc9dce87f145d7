"""What the baselines share: a decoder fed with the label, and a posterior fed with it.

Section 4.2 of the paper: the decoder's input is concat(one-hot label, z) with z ~ N(0, I). The
published code feeds the encoder as well, with one constant map per class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dlvae.base import ENCODED_AT_ONCE, GenerativeModel, Method, Task
from dlvae.method.losses import full_precision, half_squared_error, kl_standard_normal, mse
from dlvae.method.prior import CodePrior
from dlvae.nn.backbones import build_decoder, build_encoder
from dlvae.stage.errors import UserError


class ConditionalModel(GenerativeModel):
    """A decoder of (label, z) with z ~ N(0, I), its `prior_z`.

    The configuration's ``d_z`` is the dimension of z; None means that of our z_u. Subclasses name
    their networks in ``trained``: the network ``name`` is the attribute of that name, its
    parameters ``groups[name]``, its optimiser ``optimisers[name]``.
    """

    trained: tuple[str, ...] = ("decoder",)

    def __init__(self, task: Task, method: Method, config: Any) -> None:
        super().__init__(task, method, config)
        self.d_z = task.d_u if config.d_z is None else config.d_z
        if self.d_z < 1:
            raise UserError(f"d_z: expected at least 1 dimension, found {self.d_z}")
        self.decoder = build_decoder(task, task.classes + self.d_z)
        self.prior_z = CodePrior(self.d_z)
        self.build_networks()
        self.groups = {name: list(getattr(self, name).parameters()) for name in self.trained}
        self.optimisers = {name: self.adam(group) for name, group in self.groups.items()}

    def build_networks(self) -> None:
        """Make the networks beside the decoder."""

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


@dataclass(frozen=True)
class Posterior:
    """One pass through encoder and decoder, with its graph.

    Attributes:
        reconstruction: x_f, decoded from the label and a sample of z.
        rec: L_rec, of the kind the variant asks for.
        kl: L_kl, KL(q(z|x,y) || N(0, I)) summed over dimensions.
    """

    reconstruction: Tensor
    rec: Tensor
    kl: Tensor


class ConditionalVAE(ConditionalModel):
    """A conditional model with the posterior q(z|x, y) of a label-fed encoder.

    Objectives follow those of our Encoder_u and decoder, in both variants:

    ======== =============================== ======================
    variant  encoder                         decoder
    ======== =============================== ======================
    code     lambda_rec mse + lambda_kl KL   lambda_rec mse
    paper    lambda_rec/D L + lambda_kl KL   L = 1/2 ||x - x_f||^2
    ======== =============================== ======================

    D is the number of values of an image; lambda_kl None is 1/d_z.
    """

    trained = ("encoder", "decoder")

    def build_networks(self) -> None:
        """Make the encoder: two heads, mean and log-variance of z."""
        self.encoder = build_encoder(self.task, [self.d_z, self.d_z], labelled=True)

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

    def autoencode(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Posterior:
        """Encode, sample z and decode, with the two losses of it."""
        epsilon = self.noise(generator, len(images), self.d_z)
        with self.autocast():
            mean, logvar = self.posterior(images, labels)
            reconstruction = self.generate(labels, mean + (0.5 * logvar).exp() * epsilon)
        distance = mse if self.method.variant == "code" else half_squared_error
        rec = distance(reconstruction, images)
        return Posterior(reconstruction, rec, kl_standard_normal(mean, logvar))

    def encoder_objective(self, forward: Posterior) -> Tensor:
        """Return the weighted sum of L_rec and L_kl that the encoder minimises."""
        method = self.method
        lambda_kl = 1 / self.d_z if method.lambda_kl is None else method.lambda_kl
        values = 1 if method.variant == "code" else forward.reconstruction[0].numel()
        return method.lambda_rec / values * forward.rec + lambda_kl * forward.kl

    def reconstruction_objective(self, forward: Posterior) -> Tensor:
        """Return the weighted L_rec that the decoder minimises."""
        weight = self.method.lambda_rec if self.method.variant == "code" else 1.0
        return weight * forward.rec

    def reconstruct(self, images: Tensor, labels: Tensor) -> Tensor:
        """Reconstruct images from their true labels and the posterior mean of z."""
        labels = labels.to(self.device)
        with self.sampling(), self.autocast():
            mean, _ = self.posterior(images, labels)
            return full_precision(self.generate(labels, mean))

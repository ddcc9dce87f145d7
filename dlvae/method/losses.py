"""The loss terms of the paper, one function per equation.

Every function takes a batch and returns a 0-dim tensor: summed over the dimensions of a sample
where the equation sums, averaged over the batch. Nothing here detaches or weighs: which loss
reaches which parameters is the business of Algorithm 1 (`dlvae/method/algorithm1.py`), the terms of
the mixture over z_s (Eq. 6 to 8) live with its parameters (`dlvae/method/prior.py`).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# What the discriminator pays for the logits d of real and of generated images, and what the decoder
# pays for those of its own.
GAN_LOSSES = {
    "hinge": (lambda d: F.relu(1 - d), lambda d: F.relu(1 + d), lambda d: -d),
    "log": (lambda d: F.softplus(-d), F.softplus, lambda d: F.softplus(-d)),
}


def full_precision(x: Tensor) -> Tensor:
    """Return `x` in float32 if it is bfloat16 or float16, else unchanged (float64 stays)."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def kl_standard_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, diag exp(logvar)) || N(0, I)) (L_kl, Eq. 3) of (B, d) tensors, in nats.

    Summed over the d dimensions, averaged over the batch.
    """
    mean, logvar = full_precision(mean), full_precision(logvar)
    return 0.5 * (logvar.exp() + mean.square() - 1 - logvar).sum(1).mean()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of (B, C) logits against int64 labels (B,): L_C^adv (Eq. 4), L_cls (Eq. 8)."""
    return F.cross_entropy(full_precision(logits), labels)


def uniform_cross_entropy(logits: Tensor) -> Tensor:
    """Cross entropy of (B, C) logits against the uniform target 1/C (L_E^adv, Eq. 5).

    Its smallest value is log C, reached when the classifier cannot tell the classes apart.
    """
    return -F.log_softmax(full_precision(logits), dim=1).mean()


def mse(x: Tensor, y: Tensor) -> Tensor:
    """Squared error averaged over all elements (L_rec of the published code)."""
    return F.mse_loss(full_precision(x), full_precision(y))


def half_squared_error(x: Tensor, y: Tensor) -> Tensor:
    """1/2 ||x - y||^2 summed over the values of a sample, batch mean (L_rec, Algorithm 1)."""
    return 0.5 * F.mse_loss(full_precision(x), full_precision(y)) * x[0].numel()


def reconstruction_loss(x: Tensor, y: Tensor, variant: str) -> Tensor:
    """L_rec of the published code (`variant` "code") or of Algorithm 1 ("paper")."""
    return mse(x, y) if variant == "code" else half_squared_error(x, y)


def adversarial_losses(logits: Sequence[Tensor], kind: str) -> dict[str, Tensor]:
    """Return L_D^adv and L_GD^adv by name, from the logits of x and of each batch of fakes."""
    real, *fakes = logits
    return {
        "adv_discriminator": discriminator_loss(real, fakes, kind),
        "adv_decoder": generator_loss(fakes, kind),
    }


def discriminator_loss(real: Tensor, fakes: Sequence[Tensor], kind: str) -> Tensor:
    """Loss of the discriminator (L_D^adv, Eq. 10 and Algorithm 1) from logits of shape (B,).

    One term for the real batch and one of equal weight for each batch of `fakes`.
    `kind` is "hinge" (published code) or "log" (paper; D = sigmoid of the logit).
    """
    of_real, of_fake, _ = GAN_LOSSES[kind]
    terms = [of_real(full_precision(real)), *(of_fake(full_precision(f)) for f in fakes)]
    return _sum_of_means(terms)


def generator_loss(fakes: Sequence[Tensor], kind: str) -> Tensor:
    """Adversarial loss of the decoder (L_GD^adv, Algorithm 1) from the logits (B,) of its images.

    Non-saturating in both kinds: "hinge" is -D, "log" is -log sigmoid(D).
    """
    of_own = GAN_LOSSES[kind][2]
    return _sum_of_means([of_own(full_precision(f)) for f in fakes])


def _sum_of_means(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack([term.mean() for term in terms]).sum()

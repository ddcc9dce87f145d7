"""Algorithm 1 of the paper: two stages per iteration, one objective per group of parameters.

Stage 1 (:func:`mixture_step`, n_gm times) fits Encoder_s and the Gaussian mixture to the labels.
Stage 2 (:func:`joint_step`, once) trains the two encoders, the decoder, the classifier on z_u and
the discriminator from one forward pass.

Each group's gradient is taken from its own objective by `torch.autograd.grad` on the shared graph.
That restriction is what stops gradients: the GAN loss of x_f reaches the decoder and neither
encoder, L_E^adv reaches Encoder_u and not the classifier it passes through, and no weight gradient
is computed for a network that an objective only passes through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dlvae.base import Method, Task
from dlvae.fast.adversary import Verdict
from dlvae.method.losses import (
    cross_entropy,
    full_precision,
    half_squared_error,
    kl_standard_normal,
    mse,
    uniform_cross_entropy,
)
from dlvae.method.optim import apply_gradients

if TYPE_CHECKING:
    from dlvae.method.networks import LrLiVAE

Gradients = dict[str, tuple[Tensor, ...]]

# 10 epochs of 92,000 faces in batches of 96, three updates each, at the rate 5e-4
PUBLISHED_TRAVEL = 10 * 92_000 / 96 * 3 * 5e-4


@dataclass(frozen=True)
class Weights:
    """Weights of the stage-2 losses in the objective of each group.

    Attributes:
        reconstruction: L_rec, either mean squared error or 1/2 ||x - x_f||^2.
        rec_s, lkd_s: L_rec and L_lkd for Encoder_s.
        rec_u, kl_u, adv_u: L_rec, L_kl and L_E^adv for Encoder_u.
        rec_decoder, gan_decoder: L_rec and L_GD^adv for the decoder.
    """

    reconstruction: Callable[[Tensor, Tensor], Tensor]
    rec_s: float
    lkd_s: float
    rec_u: float
    kl_u: float
    adv_u: float
    rec_decoder: float
    gan_decoder: float


def stage2_weights(task: Task, method: Method) -> Weights:
    """Return the weights of the published code, or of Algorithm 1, lines 25 to 28.

    The paper weighs L_rec by lambda_rec = 10 / D (D values per image) for Encoder_u alone; the
    code uses 10 mse for both encoders and the decoder, and puts that 10 on L_lkd as well.
    """
    lambda_kl = 1 / task.d_u if method.lambda_kl is None else method.lambda_kl
    rec, lkd = method.lambda_rec, method.lambda_lkd
    adv, gan = method.lambda_adv, method.lambda_gan
    if method.variant == "code":
        return Weights(mse, rec, rec * lkd, rec, lambda_kl, adv, rec, gan)
    rec_u = rec / _values(task)
    return Weights(half_squared_error, 1.0, lkd, rec_u, lambda_kl, adv, 1.0, gan)


def semi_supervised_weights(task: Task, method: Method) -> Weights:
    """Return the weights of the semi-supervised stage: those of stage 2, but for Encoder_s.

    Only the paper has this stage, so its balance of L_rec and L_lkd (line 25) holds in both
    variants. With the code's, 10 mse against a likelihood summed over dimensions, every z_s falls
    onto mu_t within some hundred steps, for want of L_cls to hold it: no identity is left.
    """
    weights = stage2_weights(task, method)
    if method.variant == "paper":
        return weights
    return replace(weights, lkd_s=method.lambda_lkd * weights.rec_s * 2 / _values(task))


def _values(task: Task) -> int:
    """Return the number D of values per sample."""
    return task.size if task.kind == "point" else 3 * task.size**2


def precision_lr(task: Task, method: Method, step: int) -> float:
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


def mixture_step(model: LrLiVAE, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Stage 1, lines 3 to 8: update Encoder_s, every mu_c and every Sigma_c by L_GM (Eq. 9)."""
    with model.autocast():
        (z_s,) = model.encoder_s(images)
    model.prior.track(z_s, labels)
    cls, lkd = model.prior.classification_losses(z_s, labels)
    mixture, precision = model.groups["mixture"], model.groups.get("precision", [])
    l_gm = model.method.lambda_cls * cls + model.method.lambda_lkd * lkd
    gradients = torch.autograd.grad(l_gm, [*mixture, *precision])
    apply_gradients(model.optimisers["mixture"], mixture, gradients[: len(mixture)])
    if precision:
        apply_gradients(model.optimisers["precision"], precision, gradients[len(mixture) :])
        model.prior.clamp_()
    return {"cls": cls.detach(), "lkd_gm": lkd.detach()}


@dataclass(frozen=True)
class JointPass:
    """Codes and images of one stage-2 forward pass, with their graph.

    Attributes:
        images: x.
        z_s: deterministic code of Encoder_s, (B, d_s).
        mean, logvar: posterior of z_u, (B, d_u) each.
        z_u: its sample.
        reconstruction: x_f = Decoder(z_s, z_u).
        prior_image: x_p = Decoder(z_s^p, z_u^p), codes from the priors; None without GAN losses,
            which alone read it.
        prior_labels: label (B,) that z_s^p was drawn for.
    """

    images: Tensor
    z_s: Tensor
    mean: Tensor
    logvar: Tensor
    z_u: Tensor
    reconstruction: Tensor
    prior_image: Tensor | None
    prior_labels: Tensor


def joint_pass(
    model: LrLiVAE, images: Tensor, prior_labels: Tensor, generator: torch.Generator
) -> JointPass:
    """Encode and reconstruct `images`, and decode one prior sample per label (lines 11 to 21)."""
    d_s, d_u = model.task.d_s, model.task.d_u
    noise = model.noise(generator, len(images), d_u + d_s + d_u)
    epsilon, epsilon_s, prior_z_u = noise.split([d_u, d_s, d_u], dim=1)
    gan = model.weights.gan_decoder > 0
    with torch.no_grad():
        prior_codes = torch.cat([model.prior.sample(prior_labels, epsilon_s), prior_z_u], 1)
    with model.autocast():
        mean, logvar = (full_precision(head) for head in model.encoder_u(images))
        z_s = full_precision(model.encoder_s(images)[0])
        z_u = mean + (0.5 * logvar).exp() * epsilon
        # Two calls: a joint batch would mix the batch-norm statistics of x_f and x_p.
        reconstruction = model.decoder(torch.cat([z_s, z_u], 1))
        prior_image = model.decoder(prior_codes) if gan else None
    return JointPass(images, z_s, mean, logvar, z_u, reconstruction, prior_image, prior_labels)


def shared_losses(model: LrLiVAE, forward: JointPass) -> dict[str, Tensor]:
    """Return the losses that need no label: L_rec and L_kl."""
    return {
        "rec": model.weights.reconstruction(forward.reconstruction, forward.images),
        "kl": kl_standard_normal(forward.mean, forward.logvar),
    }


def joint_losses(
    model: LrLiVAE, forward: JointPass, labels: Tensor
) -> tuple[dict[str, Tensor], Verdict | None]:
    """Return every loss of stage 2 for a labelled batch, and what the discriminator said.

    Losses of an adversary of weight 0 are left out.
    """
    losses = {
        **shared_losses(model, forward),
        "lkd": -model.prior.log_likelihood(forward.z_s, labels).mean(),
    }
    if model.weights.adv_u > 0:
        with model.autocast():
            class_logits = model.classifier(forward.z_u)
        losses["adv_encoder"] = uniform_cross_entropy(class_logits)
        losses["adv_classifier"] = cross_entropy(class_logits, labels)
    if forward.prior_image is None:
        return losses, None
    fakes = (forward.reconstruction, forward.prior_image)
    with model.autocast():
        # The discriminator has no batch norm: one call for the three batches.
        real, *scores = model.discriminator(
            torch.cat([forward.images, *fakes]), torch.cat([labels, labels, forward.prior_labels])
        ).chunk(3)
    verdict = Verdict(real, tuple(scores), fakes)
    return losses | verdict.losses(model.method.gan_loss), verdict


def joint_gradients(
    model: LrLiVAE, forward: JointPass, losses: dict[str, Tensor], verdict: Verdict | None
) -> Gradients:
    """Return the gradient of each group's own objective, by group (lines 25 to 29).

    Without `adv_encoder` and `adv_classifier` in `losses` (semi-supervised stage, or weight 0)
    Encoder_u's objective lacks its term and the classifier has no entry; without `verdict` the same
    holds of the decoder and the discriminator.
    """
    groups, weights, grad = model.groups, model.weights, torch.autograd.grad
    # L_rec enters both encoders through the codes: the decoder is walked back once for the two.
    rec_z_s, rec_z_u = grad(losses["rec"], (forward.z_s, forward.z_u), retain_graph=True)
    gradients: Gradients = {}
    decoder, by_decoder = [weights.rec_decoder * losses["rec"]], [None]
    if verdict is not None:
        gradients["discriminator"], by_fakes = verdict.gradients(losses, groups["discriminator"])
        decoder += verdict.fakes
        by_decoder += [weights.gan_decoder * gradient for gradient in by_fakes]
    gradients["decoder"] = grad(decoder, groups["decoder"], by_decoder)
    encoder_u = weights.kl_u * losses["kl"]
    if "adv_encoder" in losses:
        gradients["classifier"] = grad(
            losses["adv_classifier"], groups["classifier"], retain_graph=True
        )
        encoder_u = encoder_u + weights.adv_u * losses["adv_encoder"]
    gradients["encoder_u"] = grad(
        (encoder_u, forward.z_u), groups["encoder_u"], (None, weights.rec_u * rec_z_u)
    )
    gradients["encoder_s"] = grad(
        (weights.lkd_s * losses["lkd"], forward.z_s),
        groups["encoder_s"],
        (None, weights.rec_s * rec_z_s),
    )
    return gradients


def joint_step(
    model: LrLiVAE, images: Tensor, labels: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    """Stage 2, lines 10 to 29, on one labelled batch; return its losses, detached."""
    prior_labels = model.uniform_labels(len(labels), generator)
    if model.method.prior_label == "batch":  # after the draw: the key leaves the noise alone
        prior_labels = labels
    forward = joint_pass(model, images, prior_labels, generator)
    losses, verdict = joint_losses(model, forward, labels)
    model.apply_all(joint_gradients(model, forward, losses, verdict))
    return {name: loss.detach() for name, loss in losses.items()}

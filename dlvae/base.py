"""The interface of a generative model, ours and every baseline, and what they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from dlvae.fast.adam import FastAdam
from dlvae.method.optim import apply_gradients
from dlvae.stage.errors import UserError, nearest

METHOD_CHOICES = {
    "variant": ("code", "paper"),
    "gan_loss": ("hinge", "log"),
    "param": ("precision", "logvar"),
    "prior_label": ("uniform", "batch"),
    "unlabelled_prior": ("total", "mixture"),
}

ENCODED_AT_ONCE = 256  # images, where a model encodes a whole training set


@dataclass(frozen=True)
class Task:
    """What a model is told about the data and the networks.

    Attributes:
        kind: ``image`` (3 x size x size in [-1, 1]) or ``point`` (2 coordinates).
        backbone: ``toy``, ``net32`` or ``net64``.
        size: side of an image in pixels; 2 for points.
        classes: number C of classes.
        width: multiplier of every hidden width; 1 is the paper's networks.
        d_s, d_u: dimensions of z_s and z_u.
        batch_size: images per batch.
        train_images: images in the training split, for schedules counted in epochs.
    """

    kind: str
    backbone: str
    size: int
    classes: int
    width: float
    d_s: int
    d_u: int
    batch_size: int
    train_images: int


@dataclass(frozen=True)
class Method:
    """Keys of the method that models share; the defaults follow the authors' code.

    Attributes:
        variant: ``code`` or ``paper``: the objectives of the published code or of Algorithm 1.
        gan_loss: ``hinge`` or ``log`` (Eq. 10).
        param: ``precision`` (tau = softplus(v)) or ``logvar`` for Sigma_c.
        running_moments: x_p, and later samples, draw z_s from running means and variances of each
            class's codes in the place of mu_c and Sigma_c.
        fixed_sigma: Sigma_c is the identity and not trained.
        reuse_batch: stage 2 re-uses the last batch of stage 1.
        prior_label: label of x_p, ``uniform`` at random or the ``batch``'s.
        unlabelled_prior: ``total`` (Eq. 11) or ``mixture`` (Eq. 6) for unlabelled images.
        n_gm: stage-1 updates per iteration of Algorithm 1.
        lr, beta1, beta2: Adam.
        lambda_rec, lambda_kl, lambda_lkd: weights of L_rec, L_kl, L_lkd; lambda_kl None
            averages L_kl over dimensions.
        lambda_cls: weight of L_cls in L_GM (Eq. 9).
        lambda_adv: weight of L_E^adv for Encoder_u; with 0 the classifier on z_u rests as well.
        lambda_gan: weight of L_GD^adv for the decoder of ours; with 0 the discriminator rests as
            well.
        tau_decay_epochs: epochs after which the learning rate of Sigma_c is divided by 10, and in
            the first of which Sigma_c can travel as far as in the published training, see
            :func:`dlvae.method.algorithm1.precision_lr`.
    """

    variant: str = "code"
    gan_loss: str = "hinge"
    param: str = "precision"
    running_moments: bool = False
    fixed_sigma: bool = False
    reuse_batch: bool = False
    prior_label: str = "uniform"
    unlabelled_prior: str = "total"
    n_gm: int = 3
    lr: float = 5e-4
    beta1: float = 0.0
    beta2: float = 0.9
    lambda_rec: float = 10.0
    lambda_kl: float | None = None
    lambda_lkd: float = 0.1
    lambda_cls: float = 1.0
    lambda_adv: float = 1.0
    lambda_gan: float = 1.0
    tau_decay_epochs: int = 10

    def __post_init__(self) -> None:
        for key, valid in METHOD_CHOICES.items():
            value = getattr(self, key)
            if value not in valid:
                hint = nearest(str(value), valid)
                raise UserError(
                    f"method.{key} must be one of {', '.join(valid)}, found {value!r}.{hint}"
                )
        if self.n_gm < 1:
            raise UserError(f"method.n_gm must be at least 1, found {self.n_gm}")


@dataclass
class Batch:
    """What one training step reads.

    Attributes:
        images: float32 in [-1, 1], (k, B, 3, H, W), or points (k, B, 2); k batches of B, where
            k is the model's ``batches_per_step``.
        labels: int64 (k, B); -1 where there is none.
        generator: CPU generator for every noise draw of this step, fresh for the step.
    """

    images: Tensor
    labels: Tensor
    generator: torch.Generator


class GenerativeModel(nn.Module):
    """Base of every model: optimisers, precision, sampling state and training state.

    A model makes its networks, the parameter ``groups`` and the ``optimisers`` of the same names in
    ``__init__`` and defines ``training_step`` and ``sample``. Optional abilities are plain methods,
    found by ``hasattr``: ``reconstruct(images, labels)``, ``encode(images)``, for an encoder that
    needs labels ``posterior(images, labels)`` in its place, ``decode(z_s, z_u)``,
    ``fit_priors(images, labels)``, and
    ``start_semi_supervised()`` with ``semi_supervised_step(batch, step)``.
    """

    Config: ClassVar[type]
    batches_per_step: int = 1

    def __init__(self, task: Task, method: Method, config: Any) -> None:
        super().__init__()
        self.task = task
        self.method = method
        self.config = config
        self.precision = "fp32"
        self.batch_statistics = False  # decoder batch norms at sampling; see `sampling`
        self.groups: dict[str, list[nn.Parameter]] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update every network once from ``batch``; return detached 0-dim losses by name."""
        raise NotImplementedError

    def sample(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one image in [-1, 1] per label (N, 3, H, W), or one point (N, 2).

        Implementations run inside ``with self.sampling():``.
        """
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        return next(self.parameters()).device

    def adam(self, parameters: Iterable[nn.Parameter], lr: float | None = None) -> FastAdam:
        """Return the method's Adam over ``parameters``, one fused kernel per step."""
        method = self.method
        lr = method.lr if lr is None else lr
        return FastAdam(parameters, lr, (method.beta1, method.beta2))

    def autocast(self) -> AbstractContextManager:
        """Return the context in which networks run: bf16 autocast, or none for fp32."""
        if self.precision == "bf16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def noise(self, generator: torch.Generator, *shape: int) -> Tensor:
        """Draw N(0, 1) float32 on the generator's device and move it to the parameters'.

        Drawn on the CPU as a rule, so that a seed means the same noise on every device.
        """
        draw = torch.randn(*shape, generator=generator, device=generator.device)
        parameter = next(self.parameters())
        return draw.to(parameter.device, parameter.dtype)

    def uniform_labels(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw ``count`` labels of the prior p(c) = 1/C."""
        classes, where = self.task.classes, generator.device
        labels = torch.randint(classes, (count,), generator=generator, device=where)
        return labels.to(self.device)

    def prior_labels(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Return the labels (B,) of x_p: the batch's, or uniform at random (``prior_label``)."""
        if self.method.prior_label == "batch":
            return labels
        return self.uniform_labels(len(labels), generator)

    def apply_all(self, gradients: Mapping[str, Sequence[Tensor]]) -> None:
        """Step the named groups; called with all gradients at hand, so no update sees another."""
        for name, gradient in gradients.items():
            apply_gradients(self.optimisers[name], self.groups[name], gradient)

    def decoder_networks(self) -> list[nn.Module]:
        """Return the networks that make images from codes."""
        return [self.decoder]

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """Evaluation mode without gradients, for ``sample``, ``encode`` and the like.

        Every module's mode is restored afterwards, so that sampling in the middle of a training
        leaves no trace. While ``batch_statistics`` is set, the decoder's batch norms use the
        statistics of the batch.
        """
        modes = [(module, module.training) for module in self.modules()]
        self.eval()
        if self.batch_statistics:
            for norm in self._decoder_norms():
                norm.train()
        try:
            with torch.no_grad():
                yield
        finally:
            for module, training in modes:
                module.training = training

    def recalibrate(
        self,
        generator: torch.Generator,
        batches: int = 100,
        source: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        """Re-estimate the decoder's batch-norm statistics on what it is about to decode.

        While training, they follow a mixture of reconstructions and samples of a moving network.
        For sampling only prior samples of the final network count: labels cycle through the
        classes, as in the authors' sampling batches, which hold every class equally often. For
        decoding the codes of images, give those images as ``source``.

        Args:
            source: images (N, 3, H, W) in [-1, 1] and labels (N); random batches of them are
                reconstructed instead of sampling the prior.
        """
        norms = self._decoder_norms()
        if not norms:
            return
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # cumulative average over the batches below
        size, self.batch_statistics = self.task.batch_size, True
        for index in range(batches):
            if source is None:
                labels = torch.arange(index * size, (index + 1) * size) % self.task.classes
                self.sample(labels.to(self.device), generator)
            else:
                chosen = torch.randint(len(source[0]), (size,), generator=generator)
                self.reconstruct(*(part[chosen].to(self.device) for part in source))
        self.batch_statistics = False
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum

    def _decoder_norms(self) -> list[nn.modules.batchnorm._BatchNorm]:
        modules = (module for network in self.decoder_networks() for module in network.modules())
        return [m for m in modules if isinstance(m, nn.modules.batchnorm._BatchNorm)]

    def training_state(self) -> dict[str, Any]:
        """Return what continuing needs: weights, buffers and every optimiser's state."""
        return {
            "weights": self.state_dict(),
            "optimisers": {name: opt.state_dict() for name, opt in self.optimisers.items()},
        }

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Restore :meth:`training_state`."""
        self.load_state_dict(state["weights"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])

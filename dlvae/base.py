"""The interface of a generative model, ours and every baseline, and what they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from dlvae.config.method_keys import Method
from dlvae.config.section import Options
from dlvae.fast import backward, optimisers
from dlvae.method.objectives import Objectives, gradients
from dlvae.task import Task

ENCODED_AT_ONCE = 256  # images, where a model encodes a whole training set


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
    """Base of every model: objectives, optimisers, precision, sampling state and training state.

    A model makes its networks in ``__init__``, says by :meth:`minimise` what trains them, and
    defines ``training_step`` and ``sample``. Optional abilities are plain methods, found by
    ``hasattr``: ``reconstruct(images, labels)``, ``encode(images)``, for an encoder that needs
    labels ``posterior(images, labels)`` in its place, ``decode(z_s, z_u)``,
    ``fit_priors(images, labels)``, and ``start_semi_supervised()`` with
    ``semi_supervised_step(batch, step)``.
    """

    Config: ClassVar[type[Options]] = Options
    batches_per_step: int = 1

    def __init__(self, task: Task, method: Method, config: Any) -> None:
        super().__init__()
        self.task = task
        self.method = method
        self.config = config
        self.precision = "fp32"
        self.batch_statistics = False  # decoder batch norms at sampling; see `sampling`
        self.objectives: dict[str, Objectives] = {}
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

    def minimise(
        self,
        objectives: dict[str, Objectives],
        apart: Sequence[str] = (),
        **groups: list[nn.Parameter],
    ) -> None:
        """Set what training minimises, and make an Adam for each stage of it.

        Args:
            objectives: stage of a step -> group of parameters -> loss -> weight.
            apart: groups whose learning rate is set by :meth:`set_rate`.
            groups: parameters of groups that are not the network of the same name.
        """
        self.objectives, self.groups, self.optimisers = objectives, {}, {}
        method, fused = self.method, {"fused": True} if self.task.fast else {}
        betas = float(method.beta1), float(method.beta2)  # a 0 of a YAML file is an int
        for stage, table in objectives.items():
            for name in table:
                self.groups[name] = groups.get(name) or list(getattr(self, name).parameters())
            together = [p for name in table if name not in apart for p in self.groups[name]]
            parts = [{"params": self.groups[name], "name": name} for name in apart if name in table]
            if table:
                parts = [{"params": together}, *parts]
                self.optimisers[stage] = optimisers.Adam(parts, method.lr, betas, **fused)

    def descend(
        self, stage: str, losses: Mapping[str, Tensor], shared: backward.Shared = backward.NOTHING
    ) -> dict[str, Tensor]:
        """Update the groups of a stage, each along the gradient of its own objective.

        All gradients are taken before the first update. Returns the losses, detached.

        Args:
            losses: 0-dim, by name, with their graph.
            shared: where their graphs meet; tells `dlvae.fast` how to take fewer walks.
        """
        given = losses, self.objectives[stage], self.groups
        found = backward.gradients(*given, shared) if self.task.fast else gradients(*given)
        for name, by_parameter in found.items():
            for parameter, gradient in zip(self.groups[name], by_parameter, strict=True):
                # Fused kernels walk raw memory: gradient and weight must agree on the layout, which
                # autograd only promises for gradients that it accumulates into `.grad` itself.
                if gradient.stride() != parameter.stride():
                    gradient = torch.empty_like(parameter).copy_(gradient)
                parameter.grad = gradient
        if found:
            self.optimisers[stage].step()
        for name in found:
            for parameter in self.groups[name]:
                parameter.grad = None
        return {name: loss.detach() for name, loss in losses.items()}

    def set_rate(self, group: str, lr: float) -> None:
        """Set the learning rate of a group of parameters, if it is trained."""
        for optimiser in self.optimisers.values():
            for part in optimiser.param_groups:
                if part.get("name") == group:
                    part["lr"] = lr

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

    def prior_labels(
        self, count: int, generator: torch.Generator, labels: Tensor | None = None
    ) -> Tensor:
        """Return the labels (count,) of x_p: of the prior p(c) = 1/C, or those of the batch.

        The latter under ``prior_label: batch``, where the batch has ``labels``. They are drawn all
        the same: the key leaves the noise that follows as it is.
        """
        where = generator.device
        drawn = torch.randint(self.task.classes, (count,), generator=generator, device=where)
        of_batch = labels is not None and self.method.prior_label == "batch"
        return labels if of_batch else drawn.to(self.device)

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
            for norm in self.decoder_norms():
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
        norms = self.decoder_norms()
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

    def decoder_norms(self) -> list[_BatchNorm]:
        """Return the batch norms of :meth:`decoder_networks`, in order."""
        modules = (module for network in self.decoder_networks() for module in network.modules())
        return [module for module in modules if isinstance(module, _BatchNorm)]

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

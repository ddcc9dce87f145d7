"""Adam without the bookkeeping of `torch.optim.Adam.step`, which small networks wait for.

At the sizes that a laptop trains, one step of the library's fused Adam spends some 0.2 ms per
optimiser on grouping tensors, hooks and one step counter per parameter, eight times what its kernel
takes, and Algorithm 1 takes eleven such steps per iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from dlvae.fast.lean import LeanOptimizer


class FastAdam(LeanOptimizer, torch.optim.Adam):
    """The updates of fused `torch.optim.Adam`, to the bit, for one parameter group.

    Every parameter must have a gradient at every step, so that one counter serves them all. It
    stays shared in a saved state, which is therefore for this class; it loads the library's too.
    """

    _tensors: tuple[list[Tensor], ...] | None = None  # not part of the saved state

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        betas: tuple[float, float],
        eps: float = 1e-8,
    ) -> None:
        betas = float(betas[0]), float(betas[1])  # a 0 of a YAML file is an int
        super().__init__(list(parameters), lr=lr, betas=betas, eps=eps, fused=True)

    @torch.no_grad()
    def step(self, closure: Callable | None = None) -> None:
        """Update every parameter along its `.grad`; `closure` is not supported."""
        if self._tensors is None:
            self._tensors = self._collect()
        parameters, means, squares, steps = self._tensors
        (group,) = self.param_groups
        steps[0].add_(1)  # the one counter
        torch._fused_adam_(
            parameters,
            [parameter.grad for parameter in parameters],
            means,
            squares,
            [],
            steps,
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=0.0,
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )

    step.hooked = True  # keeps the library from wrapping `step` in its profiling hook

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a state that this class or `torch.optim.Adam` saved."""
        super().load_state_dict(state_dict)
        self._tensors = None

    def _collect(self) -> tuple[list[Tensor], ...]:
        """Return parameters, both moments and step counters, in `_fused_adam_`'s order."""
        (group,) = self.param_groups
        parameters = group["params"]
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        states = [self.state[parameter] for parameter in parameters]
        for state in states:
            state["step"] = states[0]["step"]
        return (
            parameters,
            *([s[key] for s in states] for key in ("exp_avg", "exp_avg_sq", "step")),
        )

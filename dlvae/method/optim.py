"""Gradients of one objective for one parameter group, and the optimiser step that uses them.

Several networks are trained from one forward pass by objectives that must not mix: the
adversarial loss of a reconstruction reaches the decoder, its squared error the encoders as well.
So each objective is differentiated with respect to its own group alone, all of them before the
first weight changes, instead of one summed backward pass:

    grads = {name: gradients(objectives[name], groups[name]) for name in groups}
    for name, grad in grads.items():
        apply_gradients(optimisers[name], groups[name], grad)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def gradients(
    objective: Tensor | Sequence[Tensor],
    parameters: Sequence[Tensor],
    weights: Sequence[Tensor | None] | None = None,
    retain_graph: bool = True,
) -> tuple[Tensor, ...]:
    """Return d objective / d parameter for each of ``parameters`` and leave ``.grad`` alone.

    No gradient is computed for other weights on the way, so networks that only carry the signal
    need no freezing. The graph is kept for the next group's objective unless ``retain_graph`` is
    False. A parameter that the objective does not reach is an error.

    Of several objectives the sum counts. One that is no scalar, such as an image, stands for the
    loss behind it, whose gradient by it is its entry of ``weights``; a scalar's is None.
    """
    return torch.autograd.grad(objective, list(parameters), weights, retain_graph=retain_graph)


def apply_gradients(
    optimiser: torch.optim.Optimizer, parameters: Sequence[Tensor], grads: Sequence[Tensor]
) -> None:
    """Take one step of ``optimiser`` along ``grads``, one per parameter in the same order."""
    for parameter, grad in zip(parameters, grads, strict=True):
        # Fused kernels walk raw memory: gradient and weight must agree on the layout, which
        # autograd only promises for gradients that it accumulates into `.grad` itself.
        if grad.stride() != parameter.stride():
            grad = torch.empty_like(parameter).copy_(grad)
        parameter.grad = grad
    optimiser.step()
    for parameter in parameters:
        parameter.grad = None

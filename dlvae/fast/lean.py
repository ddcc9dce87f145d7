"""Optimisers of torch that do not import torch's compiler.

The library hides some of their methods from the compiler, and imports it to do so: one to two
seconds in every process that builds, saves or restores an optimiser, as long as torch itself.
"""

from __future__ import annotations

from collections.abc import Callable

from torch.optim import Optimizer


def unwrapped(method: Callable) -> Callable:
    """Return a method as it was before the library wrapped it, the same where it did not."""
    return getattr(method, "__wrapped__", method)


class LeanOptimizer(Optimizer):
    """Comes before an optimiser of torch among the bases of a class."""

    add_param_group = unwrapped(Optimizer.add_param_group)
    state_dict = unwrapped(Optimizer.state_dict)
    load_state_dict = unwrapped(Optimizer.load_state_dict)

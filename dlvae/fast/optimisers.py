"""Optimisers of torch that do not import torch's compiler.

Torch hides methods of its optimisers from its compiler, and imports it to do so when the first of
them is called: 0.9 s in every process that builds a model, about as long as torch itself takes and
half of a training of preset `smoke`. The fused kernel of Adam saves 5 % of a step at quarter width;
what its bookkeeping costs beside the kernel is 2 % there and nothing at full width.
"""

from __future__ import annotations

import inspect

import torch

WRAPPED = ("add_param_group", "state_dict", "load_state_dict", "zero_grad", "step")


def without_compiler(optimiser: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """Return a class whose updates are those of `optimiser`, to the bit, with its methods bare."""
    methods = {name: inspect.unwrap(getattr(optimiser, name)) for name in WRAPPED}
    methods["step"] = torch.no_grad()(methods["step"])
    methods["step"].hooked = True  # keeps the library from wrapping it again, for its profiler
    return type(optimiser.__name__, (optimiser,), methods)


Adam = without_compiler(torch.optim.Adam)

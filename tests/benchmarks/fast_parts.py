"""What each part of `dlvae.fast` is worth: ``python -m tests.benchmarks.fast_parts``.

A training step with every part, with each part in its plain form, and with all of them (`fast:
false`), at full width (two threads) and at quarter width (one), in the precision that preset
`quick` resolves to. Label maps are those of the cVAE's encoder. `FusedAdam` is what the library's
Adam would gain without its bookkeeping: one kernel per step on tensors that are listed once, a
private function of torch. Ratios are the step's speed without a part, over that with all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from dlvae.base import GenerativeModel, Method, Task
from dlvae.method.objectives import gradients
from dlvae.nn.blocks import LabelMapConv2d
from tests.benchmarks.measuring.command import Run
from tests.benchmarks.measuring.paired import print_summaries, summaries
from tests.benchmarks.steps import setups

PLAIN = {
    "convolutions": {
        "dlvae.nn.blocks.StridedConv2d": nn.Conv2d,
        "dlvae.nn.blocks.StridedConvTranspose2d": nn.ConvTranspose2d,
    },
    "label maps": {
        "dlvae.nn.blocks.FoldedLabelMaps": lambda *sizes: LabelMapConv2d(*sizes[:-1]),
    },
}


class FusedAdam:
    """The updates of a fused Adam in one kernel, its tensors listed once."""

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self.param_groups = optimiser.param_groups
        self.tensors = [p for group in self.param_groups for p in group["params"]]
        self.means, self.squares = ([torch.zeros_like(p) for p in self.tensors] for _ in "12")
        self.steps = [torch.zeros(())] * len(self.tensors)  # one counter for all

    @torch.no_grad()
    def step(self) -> None:
        group = self.param_groups[0]
        beta1, beta2 = group["betas"]
        self.steps[0].add_(1)
        given = [parameter.grad for parameter in self.tensors]
        state = self.means, self.squares, [], self.steps
        options = dict(lr=group["lr"], beta1=beta1, beta2=beta2, weight_decay=0.0, eps=group["eps"])
        torch._fused_adam_(self.tensors, given, *state, **options, amsgrad=False, maximize=False)


def sides(name: str, task: Task, method: Method, precision: str) -> dict[str, Callable[[], object]]:
    """Return a step of a model with every part, without each, and without any."""

    def step(model: GenerativeModel) -> Callable[[], object]:
        batch = setups.batch(task, model.batches_per_step)
        return lambda: model.training_step(batch, 0)

    def built(plain: Mapping[str, Any] | None = None, task: Task = task) -> GenerativeModel:
        with ExitStack() as stack:
            for target, kind in (plain or {}).items():
                stack.enter_context(patch(target, kind))
            return setups.trained(name, task, method, precision)

    def walked(model: GenerativeModel) -> Callable[[], object]:
        whole = step(model)

        def call() -> None:
            with patch("dlvae.fast.backward.gradients", lambda *given: gradients(*given[:3])):
                whole()

        return call

    unfused, listed = built(), built()
    for optimiser in unfused.optimisers.values():
        for group in optimiser.param_groups:
            group["fused"] = None
    listed.optimisers = {stage: FusedAdam(o) for stage, o in listed.optimisers.items()}
    found = {"fast": step(built())}
    found |= {f"plain {part}": step(built(kinds)) for part, kinds in PLAIN.items()}
    found |= {"a walk per objective": walked(built()), "Adam not fused": step(unfused)}
    found |= {"plain": step(built(task=setups.plain(task))), "FusedAdam": step(listed)}
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Measure our step and the cVAE's, print, and save if asked to."""
    run = Run.parse("fast_parts", __doc__, argv)
    precision, rows = setups.native_precision(), []
    full, quarter = setups.full_width(), setups.quarter_width()
    if run.arguments.tiny:
        full = quarter = setups.tiny()
    many = replace(full[0], classes=530), full[1]
    cases = [("quarter", "ours", quarter, 1), ("full", "ours", full, 2), ("530", "cvae", many, 2)]
    for width, name, (task, method), threads in cases:
        where = run.machine(threads, precision)
        work = sides(name, task, method, precision)
        found = summaries(run.take(work), "fast", float(task.batch_size))
        print_summaries(f"{name}, {width}, {where['threads']} threads", found, "images")
        row = {"width": width, "model": name}
        rows += [{**row, "side": side, **its.row(), **where} for side, its in found.items()]
    run.save(rows)


if __name__ == "__main__":
    main()

"""Our training step against a literal Algorithm 1: ``python -m tests.benchmarks.training_step``.

At full width (CIFAR-10 of preset `paper`, two threads, fp32 and bf16) and at quarter width (the
faces of preset `quick`, one thread, the precision that it resolves to). The literal step runs in
torch's default layout (NCHW), which ratios refer to, and in channels_last, which ours uses, too:
against that, what is left is not owed to the layout. Images are those of the stage-2 batch; stage
1's batches are folded in. Shares are those of useful operations
(:mod:`tests.benchmarks.steps.flop`) per second in the bf16 and in the step's own peak of matrix
products, measured in the same round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from dlvae.base import Method, Task
from tests.benchmarks.measuring.command import Run
from tests.benchmarks.measuring.paired import Spread, print_summaries, summaries
from tests.benchmarks.measuring.peak import gemm, gemm_flop
from tests.benchmarks.steps import setups
from tests.benchmarks.steps.flop import useful_flop
from tests.reference.algorithm1 import LiteralAlgorithm1

BOTH = ("fp32", "bf16")


def ours(task: Task, method: Method, precision: str) -> Callable[[], object]:
    """Return one step of ours as a call."""
    model = setups.trained("ours", task, method, precision)
    batch = setups.batch(task, model.batches_per_step)
    return lambda: model.training_step(batch, 0)


def literal(
    task: Task, method: Method, precision: str, channels_last: bool = False
) -> Callable[[], object]:
    """Return one literal step as a call."""
    step = LiteralAlgorithm1(setups.trained("ours", setups.plain(task), method, "fp32"), precision)
    batch = setups.batch(task, method.n_gm + 1)
    if not channels_last:
        step.use_layout(torch.contiguous_format)
        batch = setups.standard_layout(batch)
    return lambda: step.training_step(batch)


def compare(
    run: Run, width: str, task: Task, method: Method, precisions: Sequence[str], threads: int
) -> list[dict[str, Any]]:
    """Return a row per side and precision, the products of matrices among them."""
    where = run.machine(threads)
    flop, matrix = useful_flop(task, method.n_gm), where["peak_side"]
    sides = {f"literal {p}": literal(task, method, p) for p in BOTH}
    sides |= {f"literal channels_last {p}": literal(task, method, p, True) for p in BOTH}
    sides |= {f"ours {p}": ours(task, method, p) for p in precisions}
    units = dict.fromkeys(sides, float(task.batch_size))
    for precision in BOTH:
        name = f"GEMM {matrix} {precision}"
        # As many images as its operations would do: the ratio to it is the share of the peak.
        sides[name], units[name] = gemm(precision, matrix), gemm_flop(matrix) / flop
    seconds = run.take(sides)
    where |= {
        f"peak_{p}": gemm_flop(matrix) / Spread.of(seconds[f"GEMM {matrix} {p}"]).median / 1e9
        for p in BOTH
    }
    found = summaries(seconds, "literal fp32", units)
    title = f"{width} width, batch {task.batch_size}, {where['threads']} threads"
    print_summaries(title, found, "images")

    def against(base: str, side: str) -> Spread:
        return summaries(seconds, base, units)[side].ratio

    rows = []
    for name, side in found.items():
        precision = name.split()[-1]
        bf16 = against("literal bf16", name)
        last = against(f"literal channels_last {precision}", name)
        share = against(f"GEMM {matrix} bf16", name)
        own = against(f"GEMM {matrix} {precision}", name)
        if not name.startswith("GEMM"):
            print(
                f"  {name}: {bf16.median:.2f} x literal bf16, {last.median:.2f} x channels_last "
                f"{precision}, {share.median:.0%} ({share.q1:.0%} - {share.q3:.0%}) of bf16's peak"
            )
        row = {"width": width, "batch": task.batch_size, "side": name, **side.row()}
        row |= bf16.row("ratio_to_bf16") | last.row("ratio_to_channels_last")
        row |= share.row("share_of_bf16_peak") | own.row("share_of_own_peak")
        rows.append({**row, "gflop_per_image": flop / 1e9, **where, "precision": precision})
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    """Run both widths, print, and save if asked to."""
    run = Run.parse("training_step", __doc__, argv)
    full, quarter = setups.full_width(), setups.quarter_width()
    if run.arguments.tiny:
        full = quarter = setups.tiny()
    rows = compare(run, "full", *full, BOTH, threads=2)
    run.save(rows + compare(run, "quarter", *quarter, [setups.native_precision()], threads=1))


if __name__ == "__main__":
    main()

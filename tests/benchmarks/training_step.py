"""Our training step against a literal Algorithm 1: ``python -m tests.benchmarks.training_step``.

At full width (CIFAR-10 of preset `paper`, two threads, fp32 and bf16) and at quarter width (the
faces of preset `quick`, one thread, the precision that it resolves to). Images are those of the
stage-2 batch; stage 1 reads three more. The share is that of useful operations per second
(:mod:`tests.benchmarks.flop`) in the measured peak of bf16 matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from dlvae.base import Method, Task
from tests.benchmarks import setups
from tests.benchmarks.flop import useful_flop
from tests.benchmarks.literal import LiteralAlgorithm1
from tests.benchmarks.machine import use_machine
from tests.benchmarks.paired import (
    benchmark_parser,
    paired,
    print_summaries,
    summaries,
    write_csv,
)

BOTH = ("fp32", "bf16")


def ours(task: Task, method: Method, precision: str) -> Callable[[], object]:
    """Return one step of ours as a call."""
    model = setups.trained("ours", task, method, precision)
    batch = setups.batch(task, model.batches_per_step)
    return lambda: model.training_step(batch, 0)


def literal(task: Task, method: Method, precision: str) -> Callable[[], object]:
    """Return one literal step as a call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        step = LiteralAlgorithm1(task, method, precision)
    batch = setups.standard_layout(setups.batch(task, method.n_gm + 1))
    return lambda: step.training_step(batch)


def compare(
    width: str, task: Task, method: Method, precisions: Sequence[str], threads: int, rounds: int
) -> list[dict[str, Any]]:
    """Return a row per side and precision; each is compared with both literal steps."""
    where = use_machine(threads)
    flop, sides = useful_flop(task, method.n_gm), {}
    for precision in BOTH:
        sides[f"literal {precision}"] = literal(task, method, precision)
    for precision in precisions:
        sides[f"ours {precision}"] = ours(task, method, precision)
    seconds = paired(sides, rounds)
    found, against_bf16 = (
        summaries(seconds, f"literal {precision}", task.batch_size) for precision in BOTH
    )
    title = f"{width} width, batch {task.batch_size}, {threads} threads"
    print_summaries(title, found, "images")
    rows = []
    for name, side in found.items():
        share, ratio = flop * side.rate.median / 1e9 / where["peak_bf16"], against_bf16[name].ratio
        print(f"  {name:28} {ratio.median:.2f} x literal bf16, {share:.0%} of the bf16 peak")
        row = {"width": width, "batch": task.batch_size, "side": name, **side.row()}
        row |= {"ratio_to_bf16": ratio.median, "ratio_to_bf16_q1": ratio.q1}
        row |= {"ratio_to_bf16_q3": ratio.q3, "gflop_per_image": flop / 1e9}
        row |= {"share_of_bf16_peak": share, **where, "precision": name.split()[1]}
        rows.append(row)
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    """Run both widths, print and save."""
    parser = benchmark_parser("training_step", __doc__)
    parser.add_argument("--tiny", action="store_true", help="tiny networks: does it run?")
    args = parser.parse_args(argv)
    full, quarter = setups.full_width(), setups.quarter_width()
    if args.tiny:
        full = quarter = setups.tiny()
    rows = compare("full", *full, BOTH, args.threads or 2, args.rounds)
    native = setups.native_precision()
    rows += compare("quarter", *quarter, [native], args.threads or 1, args.rounds)
    write_csv(args.out, rows)


if __name__ == "__main__":
    main()

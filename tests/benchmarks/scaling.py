"""How the cost of our step grows: ``python -m tests.benchmarks.scaling``.

Three curves, each with its exponent b of seconds ~ size^b, fitted by least squares on logarithms,
and that exponent's standard error:

- ``batch``: a step of Algorithm 1 at full width;
- ``width``: the same at batch 96, against the multiplier of every hidden width;
- ``classes``: an update of stage 1 (Encoder_s, all mu_c, all Sigma_c) with d_s = 512 at batch 96,
  its encoder at an eighth of the width. There, `peak_mib` is the largest resident memory of a
  process that takes two such updates, torch and all.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from dlvae.algorithm1 import mixture_step
from dlvae.base import Batch, GenerativeModel, Method, Task
from dlvae.memory import peak_memory_mib
from tests.benchmarks import setups
from tests.benchmarks.machine import use_machine
from tests.benchmarks.paired import (
    Measure,
    Summary,
    benchmark_parser,
    measure,
    summaries,
    write_csv,
)

BATCHES = (16, 32, 64, 96, 128, 192)
WIDTHS = (0.125, 0.25, 0.5, 1.0)
CLASSES = (10, 100, 530, 2000, 10000)
Work = Mapping[float, Callable[[], object]]


@dataclass(frozen=True)
class Fit:
    """Exponent of a power law and its standard error."""

    exponent: float
    error: float


def power_law(sizes: Sequence[float], seconds: Sequence[float]) -> Fit:
    """Fit seconds = a size^b by least squares on logarithms; return b."""
    line = stats.linregress(np.log(sizes), np.log(seconds))
    return Fit(float(line.slope), float(line.stderr))


def by_batch(task: Task, method: Method, precision: str, batches: Sequence[int]) -> Work:
    """Return a step per batch size, all of one model."""
    model = setups.trained("ours", task, method, precision)
    return {size: _step(model, replace(task, batch_size=size)) for size in batches}


def by_width(task: Task, method: Method, precision: str, widths: Sequence[float]) -> Work:
    """Return a step per width."""
    tasks = {width: replace(task, width=width) for width in widths}
    return {
        width: _step(setups.trained("ours", of_width, method, precision), of_width)
        for width, of_width in tasks.items()
    }


def by_classes(task: Task, method: Method, precision: str, classes: Sequence[int]) -> Work:
    """Return an update of stage 1 per number of classes."""
    return {count: stage_1(task, method, precision, count) for count in classes}


def stage_1(task: Task, method: Method, precision: str, classes: int) -> Callable[[], object]:
    """Return an update of stage 1 with that many classes of 512 dimensions."""
    task = replace(task, width=min(task.width, 0.125), d_s=512, classes=classes)
    model, batch = setups.trained("ours", task, method, precision), setups.batch(task)
    return lambda: mixture_step(model, batch.images[0], batch.labels[0])


def _step(model: GenerativeModel, task: Task) -> Callable[[], object]:
    batch: Batch = setups.batch(task, model.batches_per_step)
    return lambda: model.training_step(batch, 0)


def memory_of(tiny: bool, precision: str, threads: int, classes: int) -> float:
    """Return the peak resident memory in MiB of a process that takes two updates of stage 1."""
    arguments = [str(int(tiny)), precision, str(threads), str(classes)]
    command = [sys.executable, "-m", "tests.benchmarks.scaling", "--memory", *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _report_memory(tiny: str, precision: str, threads: str, classes: str) -> None:
    use_machine(int(threads), brief=True)
    task, method = _setup(tiny == "1")
    update = stage_1(task, method, precision, int(classes))
    update()
    update()
    print(peak_memory_mib())


def _setup(tiny: bool) -> tuple[Task, Method]:
    return setups.tiny() if tiny else setups.full_width()


def curve(name: str, work: Work, take: Measure) -> tuple[dict[str, Summary], Fit]:
    """Measure a curve, print it with its exponent, and return both."""
    seconds = take({str(size): call for size, call in work.items()})
    found = summaries(seconds, base=str(min(work)))
    fit = power_law(list(work), [side.seconds.median for side in found.values()])
    print(f"\n{name}: seconds ~ {name}^{fit.exponent:.2f} (standard error {fit.error:.2f})")
    for size, side in found.items():
        spread = side.seconds
        print(f"  {size:>8} {spread.median * 1e3:10.1f} ms ({spread.q1 * 1e3:.1f} -", end=" ")
        print(f"{spread.q3 * 1e3:.1f})", flush=True)
    return found, fit


def main(argv: Sequence[str] | None = None) -> None:
    """Measure the three curves, print and save."""
    parser = benchmark_parser("scaling", __doc__)
    parser.add_argument("--tiny", action="store_true", help="tiny networks: does it run?")
    parser.add_argument("--memory", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.memory:
        return _report_memory(*args.memory)
    (task, method), precision = _setup(args.tiny), setups.native_precision()
    where = use_machine(args.threads or 2, precision, brief=args.tiny)
    take = measure(args.rounds, brief=args.tiny)
    part = slice(2 if args.tiny else None)
    curves = {
        "batch": by_batch(task, method, precision, BATCHES[part]),
        "width": by_width(task, method, precision, WIDTHS[part]),
        "classes": by_classes(task, method, precision, CLASSES[part]),
    }
    rows: list[dict[str, Any]] = []
    for name, work in curves.items():
        found, fit = curve(name, work, take)
        for size, side in found.items():
            memory: float | str = ""
            if name == "classes":
                memory = memory_of(args.tiny, precision, where["threads"], int(size))
                print(f"  {size:>8} {memory:10,.0f} MiB at the most")
            row = {"curve": name, "size": size, **side.row(), "peak_mib": memory}
            row |= {"exponent": fit.exponent, "exponent_error": fit.error}
            rows.append({**row, **where})
    write_csv(args.out, rows)


if __name__ == "__main__":
    main()

"""How the cost of our step grows: ``python -m tests.benchmarks.scaling``.

Three curves with their exponents (:mod:`tests.benchmarks.measuring.growth`), at two threads:

- ``batch``: a step of Algorithm 1 at full width;
- ``width``: the same at batch 96, against the multiplier of every hidden width;
- ``classes``: an update of stage 1 (Encoder_s, all mu_c, all Sigma_c) with d_s = 512 at batch 96,
  its encoder at an eighth of the width. There, `peak_mib` is the largest resident memory of a
  process that takes two such updates, torch and all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dlvae.base import Batch, GenerativeModel, Method, Task
from dlvae.stage.runtime import use_threads
from tests.benchmarks.measuring.command import Run
from tests.benchmarks.measuring.growth import Growth
from tests.benchmarks.measuring.memory import memory_of
from tests.benchmarks.measuring.paired import Summary, summaries
from tests.benchmarks.steps import setups

BATCHES = (16, 32, 64, 96, 128, 192)
WIDTHS = (0.125, 0.25, 0.5, 1.0)
CLASSES = (10, 100, 530, 2000, 10000)
Work = Mapping[float, Callable[[], object]]


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
    return lambda: model.stage_1(batch.images[0], batch.labels[0])


def _step(model: GenerativeModel, task: Task) -> Callable[[], object]:
    batch: Batch = setups.batch(task, model.batches_per_step)
    return lambda: model.training_step(batch, 0)


def two_updates(tiny: bool, precision: str, threads: int, classes: int) -> Callable[[], object]:
    """Return two updates of stage 1, for :func:`memory_of`."""
    use_threads(threads)
    update = stage_1(*_setup(tiny), precision, classes)
    return lambda: (update(), update())


def _setup(tiny: bool) -> tuple[Task, Method]:
    return setups.tiny() if tiny else setups.full_width()


def curve(run: Run, name: str, work: Work) -> tuple[dict[str, Summary], Growth]:
    """Measure a curve, print it with its exponents, and return both."""
    seconds = run.take({str(size): call for size, call in work.items()})
    found = summaries(seconds, base=str(min(work)))
    growth = Growth.of(list(work), [side.seconds.median for side in found.values()])
    print(f"\nseconds by {name}: {growth}")
    for size, side in found.items():
        spread = side.seconds
        print(f"  {size:>8} {spread.median * 1e3:10.1f} ms ({spread.q1 * 1e3:.1f} -", end=" ")
        print(f"{spread.q3 * 1e3:.1f})", flush=True)
    return found, growth


def main(argv: Sequence[str] | None = None) -> None:
    """Measure the three curves, print, and save if asked to."""
    run = Run.parse("scaling", __doc__, argv)
    tiny = run.arguments.tiny
    (task, method), precision = _setup(tiny), setups.native_precision()
    where, part = run.machine(2, precision), slice(2 if tiny else None)
    curves = {
        "batch": by_batch(task, method, precision, BATCHES[part]),
        "width": by_width(task, method, precision, WIDTHS[part]),
        "classes": by_classes(task, method, precision, CLASSES[part]),
    }
    rows: list[dict[str, Any]] = []
    for name, work in curves.items():
        found, growth = curve(run, name, work)
        for size, side in found.items():
            memory: float | str = ""
            if name == "classes":
                maker = "tests.benchmarks.scaling:two_updates"
                memory = memory_of(maker, tiny, precision, where["threads"], int(size)).peak_mib
                print(f"  {size:>8} {memory:10,.0f} MiB at the most")
            row = {"curve": name, "size": size, **side.row(), "peak_mib": memory}
            rows.append({**row, **growth.row(), **where})
    run.save(rows)


if __name__ == "__main__":
    main()

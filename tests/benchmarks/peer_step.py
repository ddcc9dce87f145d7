"""Our baselines' steps against those of public packages: ``python -m tests.benchmarks.peer_step``.

`cvae_gan` against pythae's VAE-GAN trainer and `cgan` against torch-mimicry's cGAN-PD, on the same
full-width networks, batch and precision (fp32 and bf16), two threads: what a user of the package
would wait for, though not the same algorithm; see :mod:`tests.benchmarks.steps.peers`. Peers run in
torch's default layout, which `ratio` refers to, and in channels_last, which ours uses.

    pip install --no-deps pythae    # else its step as re-created stands in, and its side says so
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from dlvae.base import Method, Task
from tests.benchmarks.measuring.command import Run
from tests.benchmarks.measuring.paired import print_summaries, summaries
from tests.benchmarks.steps import setups
from tests.benchmarks.steps.peers import CganPdStep, Step
from tests.benchmarks.steps.pythae_step import installed, vae_gan_step

PEERS: dict[str, Callable[..., Step]] = {"cvae_gan": vae_gan_step, "cgan": CganPdStep}


def compare(
    run: Run, name: str, task: Task, method: Method, precision: str
) -> list[dict[str, Any]]:
    """Return the rows of one of our models and of its peer, which is the base."""
    where = run.machine(2, precision)
    model, batch = setups.trained(name, task, method, precision), setups.batch(task)
    plain, last = (PEERS[name](task, method, precision, batch, layout) for layout in (False, True))
    base, base_last = plain.name, f"{plain.name} channels_last"
    sides = {base: plain, base_last: last, f"our {name}": lambda: model.training_step(batch, 0)}
    seconds = run.take(sides)
    found, to_last = (summaries(seconds, one, task.batch_size) for one in (base, base_last))
    print_summaries(f"{name}, {precision}", found, "images")
    return [
        {"model": name, "batch": task.batch_size, "side": side, **summary.row()}
        | to_last[side].ratio.row("ratio_to_channels_last")
        | where
        for side, summary in found.items()
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Run both models in both precisions, print, and save if asked to."""
    run = Run.parse("peer_step", __doc__, argv)
    task, method = setups.tiny() if run.arguments.tiny else setups.full_width()
    if not installed():
        print("warning: pythae is not installed; its step as re-created runs", file=sys.stderr)
    rows = []
    for name in PEERS:
        for precision in ("fp32", "bf16"):
            rows += compare(run, name, task, method, precision)
    run.save(rows)


if __name__ == "__main__":
    main()

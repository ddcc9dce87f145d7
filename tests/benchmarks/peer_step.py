"""Our baselines' steps against those of public packages: ``python -m tests.benchmarks.peer_step``.

`cvae_gan` against pythae's VAE-GAN trainer and `cgan` against torch-mimicry's cGAN-PD, on the same
full-width networks, in fp32 and bf16, two threads. The column `peer` says whether the package
itself ran; see :mod:`tests.benchmarks.peers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlvae.base import Method, Task
from tests.benchmarks import setups
from tests.benchmarks.machine import use_machine
from tests.benchmarks.paired import (
    Measure,
    benchmark_parser,
    measure,
    print_summaries,
    summaries,
    write_csv,
)
from tests.benchmarks.peers import CganPdStep, vae_gan_step

PEERS = {"cvae_gan": ("pythae", vae_gan_step), "cgan": ("torch-mimicry", CganPdStep)}


def compare(
    name: str, task: Task, method: Method, precision: str, where: dict[str, Any], take: Measure
) -> list[dict[str, Any]]:
    """Return the rows of one of our models and of its peer, which is the base."""
    package, peer = PEERS[name]
    model, batch = setups.trained(name, task, method, precision), setups.batch(task)
    theirs = peer(task, method, precision, setups.batch(task))
    sides = {package: theirs, f"our {name}": lambda: model.training_step(batch, 0)}
    found = summaries(take(sides), package, task.batch_size)
    print_summaries(f"{name}, {precision} (peer: {theirs.source})", found, "images")
    return [
        {
            "model": name,
            "batch": task.batch_size,
            "side": side,
            "peer": theirs.source,
            **summary.row(),
            **where,
            "precision": precision,
        }
        for side, summary in found.items()
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Run both models in both precisions, print and save."""
    parser = benchmark_parser("peer_step", __doc__)
    parser.add_argument("--tiny", action="store_true", help="tiny networks: does it run?")
    args = parser.parse_args(argv)
    task, method = setups.tiny() if args.tiny else setups.full_width()
    where = use_machine(args.threads or 2, brief=args.tiny)
    take = measure(args.rounds, brief=args.tiny)
    rows = []
    for name in PEERS:
        for precision in ("fp32", "bf16"):
            rows += compare(name, task, method, precision, where, take)
    write_csv(args.out, rows)


if __name__ == "__main__":
    main()

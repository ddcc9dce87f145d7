"""What the jobs of a finished run took: ``python -m tests.benchmarks.jobs --root CHECKOUT``.

Averages seconds and bytes of the jobs of each kind, from the records that Snakemake keeps; with
``--save`` they are the rates that ``snakemake cost`` reads. Take a run that began from nothing on
a machine that did nothing else. Columns of the machine are those of where this is called.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import yaml

from dlvae.stage.errors import UserError
from reports.freeze.machine import ROOT
from tests.benchmarks.measuring.command import Run
from tests.benchmarks.measuring.machine import here
from workflow.plan import resolved
from workflow.plan.cost.rates import measured_rates


def main(argv: Sequence[str] | None = None) -> None:
    """Print the rates of a run, and save them if asked to."""

    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--preset", default="quick")
        parser.add_argument("--root", type=Path, default=ROOT, help="checkout that ran it")

    run = Run.parse("jobs", __doc__, argv, add=add, timed=False)
    root, path = run.arguments.root, Path("results", run.arguments.preset, "config.yaml")
    try:
        config = resolved(yaml.safe_load((root / path).read_text(encoding="utf-8")), [root / path])
        rates = measured_rates(root, config)
    except (OSError, UserError) as error:
        raise SystemExit(f"error: {error}") from None
    for rate in rates:
        kind = " ".join(filter(None, (rate.work.model, rate.work.family, rate.work.shape)))
        print(f"{rate.work.rule:20}{rate.jobs:4}{rate.seconds:9.2f} s{rate.mib:9.2f} MiB  {kind}")
    run.save([rate.row() | here() for rate in rates])


if __name__ == "__main__":
    main()

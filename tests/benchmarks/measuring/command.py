"""The command line that all benchmarks share, and the CSV that a run leaves where it is asked to.

run = Run.parse("peer_step", __doc__, argv)
where = run.machine(threads=2, precision="fp32")
found = summaries(run.take(sides), base="peer")
run.save([{"side": name, **side.row(), **where} for name, side in found.items()])
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlvae.stage.artefact import atomic
from reports.freeze.machine import ROOT, git_commit
from tests.benchmarks.measuring.machine import use_machine
from tests.benchmarks.measuring.paired import paired

FOLDER = ROOT / "reports" / "stored" / "benchmarks"


@dataclass(frozen=True)
class Run:
    """What a command line asks for.

    Attributes:
        arguments: all of it; `rounds`, `threads` and `tiny` where the benchmark takes times.
        out: CSV to write, or None: print only.
    """

    arguments: argparse.Namespace
    out: Path | None

    @classmethod
    def parse(
        cls,
        name: str,
        doc: str | None,
        argv: Sequence[str] | None = None,
        *,
        add: Callable[[argparse.ArgumentParser], object] | None = None,
        timed: bool = True,
    ) -> Run:
        """Read the command line of the benchmark `name`; `add` gives it options of its own.

        Raises:
            SystemExit: it asks for what cannot be, a file that cannot be written included.
        """
        parser = argparse.ArgumentParser(
            prog=f"python -m tests.benchmarks.{name}",
            description=doc,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if add is not None:
            add(parser)
        if timed:
            parser.add_argument("--rounds", type=positive, default=7, help="of all sides")
            parser.add_argument("--threads", type=positive, help="of torch, for every case alike")
            parser.add_argument("--tiny", action="store_true", help="tiny sizes: does it run?")
        where = parser.add_mutually_exclusive_group()
        stored = FOLDER / f"{name}.csv"
        where.add_argument("--save", action="store_true", help=f"write {stored.relative_to(ROOT)}")
        where.add_argument("--out", type=Path, help="write another CSV; default: print only")
        arguments = parser.parse_args(argv)
        out = stored if arguments.save else arguments.out
        if out is not None:
            if timed and arguments.tiny and out.resolve().parent == FOLDER:
                parser.error("tiny sizes say nothing of speed and are not stored; use --out")
            if why := unwritable(out):
                parser.error(f"cannot write {out}: {why}")
            if git_commit().endswith("-dirty"):
                print("warning: uncommitted changes; the rows say -dirty", file=sys.stderr)
        return cls(arguments, out)

    def take(
        self, work: Mapping[str, Callable[[], object]], warm_up: int = 2
    ) -> dict[str, list[float]]:
        """Return :func:`paired` seconds of as many rounds as asked for; tiny ones are brief."""
        rounds = self.arguments.rounds
        if self.arguments.tiny:
            return paired(work, rounds, warm_up=1, least=0.0)
        return paired(work, rounds, warm_up=warm_up)

    def machine(self, threads: int, precision: str = "") -> dict[str, Any]:
        """Set the threads asked for, else `threads`; return :func:`use_machine`'s columns."""
        return use_machine(self.arguments.threads or threads, precision, self.arguments.tiny)

    def save(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows where the command line says, and say so."""
        if self.out is not None:
            write_csv(self.out, rows)
            print(f"\nwrote {self.out}")


def positive(text: str) -> int:
    """Return the number that an argument spells, at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, found {number}")
    return number


def unwritable(path: Path) -> str:
    """Return why a file cannot be written there, or nothing; folders are made as needed."""
    if path.is_dir():
        return "it is a folder"
    parent = next(folder for folder in path.absolute().parents if folder.exists())
    if not parent.is_dir():
        return f"{parent} is no folder"
    return "" if os.access(parent, os.W_OK) else f"{parent} is write-protected"


def write_csv(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, all with the columns of the first; ValueError where they differ.

    Floats keep six significant digits, more than a timing means.
    """
    if not rows or any(list(row) != list(rows[0]) for row in rows):
        raise ValueError(f"expected rows of the same columns, found {[list(row) for row in rows]}")
    with atomic(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow(f"{v:.6g}" if isinstance(v, float) else v for v in row.values())

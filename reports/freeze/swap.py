"""Put a finished folder in the place of another, so that one of them is always there complete.

Usage: python -m reports.freeze.swap --new DIR --place DIR

A kill between the two renames leaves both complete, aside. The next call does not ask what it
finds there: the folder that comes is made anew, and git has the one that goes.
"""

from __future__ import annotations

import argparse
import os
import shutil
from contextlib import suppress
from pathlib import Path

from dlvae.stage.runtime import run_stage, stage_parser
from reports.freeze.stored import SUBMISSIONS

ASIDE = ".swap"
"""Folder beside the place that holds what comes and what goes."""


def swap(new: Path, place: Path) -> None:
    """Put a copy of the folder ``new`` in the place of the folder ``place``, if there is one.

    Results of candidates that lie in ``place`` stay where ``new`` has none: they are not those of
    the run that comes, and whether they still fit is for the verification to say.
    """
    coming, going = (place.parent / ASIDE / f"{place.name}.{name}" for name in ("new", "old"))
    shutil.rmtree(coming, ignore_errors=True)
    # Beside its place: only within a file system is a rename one step.
    shutil.copytree(new, coming)
    if (place / SUBMISSIONS).is_dir() and not (new / SUBMISSIONS).exists():
        shutil.copytree(place / SUBMISSIONS, coming / SUBMISSIONS)
    shutil.rmtree(going, ignore_errors=True)
    if place.exists():
        os.rename(place, going)
    os.rename(coming, place)
    shutil.rmtree(going, ignore_errors=True)
    with suppress(OSError):  # it may hold what a killed call left of another place
        (place.parent / ASIDE).rmdir()


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    swap(args.new, args.place)
    print(f"stored in {args.place}")


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--new", type=Path, required=True, help="finished folder")
    parser.add_argument("--place", type=Path, required=True, help="where it goes")
    run_stage(main, parser)

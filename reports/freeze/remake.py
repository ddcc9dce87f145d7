"""Make the pages of stored results again, from the stored rows alone.

Usage: python -m reports.freeze.remake --preset NAME [--stored DIR]

For a change of the code behind pages, of a published number or of a claim's threshold: nothing is
trained or scored, and rows, manifests and judges have to be as they were frozen. What the results
came from stays on record (commit, command, machine); the hashes of pages, and of the files beside
that they rest on, become the present ones.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from reports.freeze.__main__ import write_index
from reports.freeze.checks import check
from reports.freeze.machine import ROOT
from reports.freeze.recompute import make_page
from reports.freeze.stored import STORED, Part, Stored, load_stored
from reports.freeze.swap import swap


def remake(stored: Stored, root: Path = ROOT) -> list[str]:
    """Make every page again and swap the folder; return the names of the files that changed.

    Args:
        root: of the checkout, for the files beside.

    Raises:
        UserError: rows, manifests, judges or the protocol are not as they were frozen, or a page
            cannot be made of them.
    """
    before, files = stored.index, [file for page in stored.pages for file in page.files]
    may_change = {*before["beside"], *(stored.finding(file, "").file for file in files)}
    if wrong := [found for found in check(stored, root) if found.file not in may_change]:
        raise UserError(
            f"{stored.folder}: expected rows, manifests and judges as they were frozen, found "
            f"{len(wrong)} that are not: {wrong[0]}"
        )
    beside = [root / name for name in before["beside"]]
    with TemporaryDirectory() as scratch:
        new = Path(scratch, "new")
        shutil.copytree(stored.folder, new)
        for page in stored.pages:
            make_page(page, stored.folder, stored.lines, Path(scratch))
        for file in files:  # a table has more than are stored
            shutil.copyfile(Path(scratch, file), new / file)
        for rules in (path for path in beside if path.parent.name == "protocol"):
            shutil.copyfile(rules, new / Part.PROTOCOL)  # its comments may have changed
            if (found := replace(stored, folder=new).protocol.label) != before["protocol"]:
                raise UserError(
                    f"{rules}: expected protocol {before['protocol']}, by which the rows were "
                    f"scored, found {found}; restore it, or score and freeze again: "
                    f"{before['command']}"
                )
        write_index(new, before, beside, root)
        after = read_json(new / Part.INDEX)
        swap(new, stored.folder)
    parts = ("files", "beside")
    return [k for part in parts for k, v in after[part].items() if before[part].get(k) != v]


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    stored = load_stored(args.preset, args.stored)
    changed = remake(stored)
    print(f"{stored.folder}: {'made again' if changed else 'nothing has changed'}")
    for name in changed:
        print(f"changed: {name}")


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--preset", required=True, help="preset whose pages are made again")
    parser.add_argument("--stored", type=Path, default=STORED, help="folder of stored results")
    run_stage(main, parser)

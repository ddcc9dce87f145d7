"""Make the pages of stored results again, from the stored rows alone.

Usage: python -m reports.freeze.repage --preset NAME [--stored DIR]

For a change of the code behind pages, of a published number or of a claim's threshold: nothing is
trained or scored, and rows, manifests and judges have to be as they were frozen. What the results
came from stays on record (commit, command, machine); the hashes of pages, and of the files beside
that they rest on, become the present ones.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from dlvae.stage.artefact import read_json, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from eval.protocol import load_protocol
from reports.freeze.__main__ import write_index
from reports.freeze.checks import Content, check
from reports.freeze.machine import ROOT
from reports.freeze.pages import make_page
from reports.freeze.stored import INDEX, PROTOCOL, STORED, Stored, load_stored
from reports.freeze.swap import swap

KEPT = ("commit", "command", "protocol", "machine")


def repage(stored: Stored, root: Path = ROOT) -> list[str]:
    """Make every page again and swap the folder; return the names of the files that changed.

    Args:
        root: of the checkout, for the files beside.

    Raises:
        UserError: rows, manifests, judges or the protocol are not as they were frozen, or a page
            cannot be made of them.
    """
    content = Content(stored)
    may_change = {content.finding(file, "").file for page in content.pages for file in page.files}
    may_change |= set(stored.index["beside"])
    if wrong := [found for found in check(content, root) if found.file not in may_change]:
        raise UserError(
            f"{stored.folder}: expected rows, manifests and judges as they were frozen, found "
            f"{len(wrong)} that are not: {wrong[0]}"
        )
    with TemporaryDirectory() as scratch:
        new, made = Path(scratch, "new"), Path(scratch, "made")
        shutil.copytree(stored.folder, new)
        for page in content.pages:
            make_page(page, content.folder, content.lines, made)
            for file in page.files:
                shutil.copyfile(made / file, new / file)
        beside = [root / name for name in stored.index["beside"]]
        for rules in (path for path in beside if path.parent.name == "protocol"):
            _same_rules(stored, rules)
            shutil.copyfile(rules, new / PROTOCOL)  # its comments may have changed
        write_index(new, {key: stored.index[key] for key in KEPT}, beside, root)
        before, after = stored.index, read_json(new / INDEX)
        swap(new, stored.folder)
    parts = ("files", "beside")
    return [k for part in parts for k, v in after[part].items() if before[part].get(k) != v]


def _same_rules(stored: Stored, rules: Path) -> None:
    bn_eval = stored.config.get("bn_eval")
    found = load_protocol(rules, {} if bn_eval is None else {"bn_eval": bn_eval}).label
    if found != stored.index["protocol"]:
        raise UserError(
            f"{rules}: expected protocol {stored.index['protocol']}, by which the rows were "
            f"scored, found {found}; restore it, or score and freeze again: "
            f"{stored.index['command']}"
        )


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    stored = load_stored(args.preset, args.stored)
    before = sha256_file(stored.folder / INDEX)
    changed = repage(stored)
    same = sha256_file(stored.folder / INDEX) == before
    print(f"{stored.folder}: {'nothing has changed' if same else 'made again'}")
    for name in changed:
        print(f"changed: {name}")


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--preset", required=True, help="preset whose pages are made again")
    parser.add_argument("--stored", type=Path, default=STORED, help="folder of stored results")
    run_stage(main, parser)

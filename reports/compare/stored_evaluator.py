"""The evaluator behind the stored results, taken from git or rebuilt by its recipe.

Usage: python -m reports.compare.stored_evaluator --stored DIR --judge NAME --data DIR
    [--built DIR] --out DIR

Small weights are stored and must have the hash that their card says. Of larger ones the hash is
stored alone: ``--built`` is then the evaluator that the recipe gives here. If its hash differs it
is taken all the same; whatever it judges cannot be compared, which the page of the comparison says.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlvae.data.dataset import load_card
from dlvae.stage.artefact import atomic, read_json, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.runtime import run_stage, stage_parser
from dlvae.stage.weights import check_named_hash
from eval.rows import HASH
from reports.freeze.stored import Part, Stored, load_stored


def take_evaluator(
    stored: Stored, judge: str, data_card: Mapping[str, Any], out: Path, built: Path | None = None
) -> str:
    """Copy weights and card of the evaluator to judge by to ``out``; return what was done.

    Args:
        judge: name of the evaluator.
        data_card: of the prepared data set.
        built: folder of the evaluator that was trained here; None where weights are stored.

    Raises:
        UserError: stored files, or the built weights, that have not the hash they should have; an
            evaluator that was trained on other data than the prepared ones.
    """
    path, restore = stored.evaluator(judge) / Part.CARD, f"git checkout -- {stored.folder}"
    expected = read_json(path)
    if sha256_file(path) != stored.index["files"].get(f"{Part.EVALUATOR}/{judge}/{Part.CARD}"):
        raise UserError(
            f"{path}: expected the file of {stored.folder / Part.INDEX}, found another; restore it "
            f"with {restore}"
        )
    if expected["data_sha256"] != data_card["sha256"]:
        there, here = (_short(part) for part in (expected["data_sha256"], data_card["sha256"]))
        raise UserError(
            f"{data_card['dataset']}: expected the prepared data of the stored results, {there}, "
            f"found {here}: other images, so that no score can be compared. Another `data` "
            "section, another data_root or other files in it, or another version of a package that "
            "reads or renders them may be the cause; go back to the stored configuration, or make "
            "and freeze results of your own data"
        )
    folder = built or path.parent
    check_named_hash(folder / WEIGHTS)
    found = read_json(folder / Part.CARD)["weights_sha256"]
    for name in (WEIGHTS, Part.CARD):
        with atomic(out / name) as temporary:
            shutil.copyfile(folder / name, temporary)
    names = f"{judge}: evaluator {found[:HASH]}"
    if built is None:
        return f"{names}, as stored"
    if found == expected["weights_sha256"]:
        return f"{names}, rebuilt by its recipe, is the one behind the stored scores"
    return (
        f"{names}, rebuilt by the recipe, is not the one behind the stored scores, "
        f"{expected['weights_sha256'][:HASH]}: what it judges cannot be compared with them"
    )


def _short(hashes: Mapping[str, str]) -> str:
    return "/".join(f"{split} {text[:HASH]}" for split, text in sorted(hashes.items()))


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    stored = load_stored(args.stored.name, args.stored.parent)
    print(take_evaluator(stored, args.judge, load_card(args.data), args.out, args.built))


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--stored", type=Path, required=True, help="stored results of the preset")
    parser.add_argument("--judge", required=True, help="name of the evaluator")
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--built", type=Path, help="evaluator that was trained here")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and card")
    return parser


if __name__ == "__main__":
    run_stage(main, command())

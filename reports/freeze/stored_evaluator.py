"""The evaluator behind the stored results, taken from git or rebuilt by its recipe.

Usage: python -m reports.freeze.stored_evaluator --stored DIR --dataset NAME --judge NAME --data DIR
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
from eval.rows import HASH
from reports.compare.comparable import other_data
from reports.freeze.stored import EVALUATOR, Stored, load_stored

CARD = "card.json"


def take_evaluator(
    stored: Stored,
    dataset: str,
    data_card: Mapping[str, Any],
    out: Path,
    built: Path | None = None,
    judge: str | None = None,
) -> str:
    """Copy weights and card of the evaluator to judge by to ``out``; return what was done.

    Args:
        data_card: of the prepared data set.
        built: folder of the evaluator that was trained here; None where weights are stored.
        judge: name of the evaluator; None for that of the data set's name, the robust one.

    Raises:
        UserError: stored files, or the built weights, that have not the hash they should have; an
            evaluator that was trained on other data than the prepared ones.
    """
    judge = judge or dataset
    expected = _card(stored, judge)
    if expected["data_sha256"] != data_card["sha256"]:
        hashes = [_short(part) for part in (expected["data_sha256"], data_card["sha256"])]
        raise UserError(other_data(dataset, *hashes))
    folder = stored.evaluator(judge) if built is None else built
    card = expected if built is None else read_json(folder / CARD)
    found = sha256_file(folder / WEIGHTS)
    if found != card["weights_sha256"]:
        raise UserError(
            f"{folder / WEIGHTS}: expected the weights that its card names, "
            f"{card['weights_sha256'][:HASH]}, found {found[:HASH]}; {_fix(stored, built)}"
        )
    for name in (WEIGHTS, CARD):
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


def _card(stored: Stored, judge: str) -> dict[str, Any]:
    """Return the card of the stored evaluator, as unchanged as its index says."""
    path = stored.evaluator(judge) / CARD
    expected = stored.index["files"].get(f"{EVALUATOR}/{judge}/{CARD}")
    card = read_json(path)
    if sha256_file(path) != expected:
        raise UserError(
            f"{path}: expected the file of {stored.folder / 'index.json'}, found another; "
            f"{_fix(stored, None)}"
        )
    return card


def _fix(stored: Stored, built: Path | None) -> str:
    if built is None:
        return f"restore it with git checkout -- {stored.folder}"
    return f"delete {built} and run the command again"


def _short(hashes: Mapping[str, str]) -> str:
    return "/".join(f"{split} {text[:HASH]}" for split, text in sorted(hashes.items()))


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    stored = load_stored(args.stored.name, args.stored.parent)
    card = load_card(args.data)
    print(take_evaluator(stored, args.dataset, card, args.out, args.built, args.judge))


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--stored", type=Path, required=True, help="stored results of the preset")
    parser.add_argument("--dataset", required=True, help="data set of the evaluator")
    parser.add_argument("--judge", help="name of the evaluator; the data set's by default")
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--built", type=Path, help="evaluator that was trained here")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and card")
    return parser


if __name__ == "__main__":
    run_stage(main, command())

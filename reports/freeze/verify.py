"""Verify stored results: nothing is trained here, and nothing is written among them.

Usage: python -m reports.freeze.verify --preset NAME [--stored DIR] [--config JSON]
    [--cell NAME --retrained DIR | --no-cell REASON]

1. Every file, and every file beside that pages rest on, has the hash of ``index.json``; judges,
   manifests and rows agree with each other, and nothing is left out or put in
   (:mod:`reports.freeze.checks`).
2. Every page follows from the stored rows, byte by byte (:mod:`reports.freeze.remake`), and so
   do the leaderboard and the README's tables.
3. One small training, made again by the workflow, gave the same bytes
   (:mod:`reports.freeze.retraining`).

Every difference is named with its file and what to do; the exit status then is 2. The config JSON
holds fingerprints of the present code, ``scores`` by ``<family>`` or, where the model's own code is
part of it, ``<model>.<family>``, and ``models`` by model. Where rows and models were made by other
code, and no run shows that it gives the same numbers (:mod:`reports.freeze.evidence`), a note says
so; it is no difference.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from reports import leaderboard
from reports.compare.submission import check_submissions, submissions_of
from reports.freeze.checks import check, tried
from reports.freeze.evidence import TRAINED, read_same_numbers, same_code
from reports.freeze.lineage import stage_of
from reports.freeze.machine import ROOT
from reports.freeze.pictures import pictures
from reports.freeze.remake import first_difference, recompute
from reports.freeze.retraining import compare_training
from reports.freeze.stored import STORED, Finding, Part, Stored, load_stored

INDEXED = ("preset", "commit", "command", "machine", "protocol", "files", "beside", "sha256")


def verify(stored: Stored, root: Path = ROOT) -> list[Finding]:
    """Return everything about stored results that does not fit, without training.

    Args:
        root: of the checkout, for the files that lie elsewhere.

    Raises:
        UserError: the index says too little to check anything by it.
    """
    if missing := [key for key in INDEXED if key not in stored.index]:
        raise UserError(
            f"{stored.folder / Part.INDEX}: expected the entries {', '.join(INDEXED)}, missing "
            f"{', '.join(missing)}; restore it with: git checkout -- {stored.folder / Part.INDEX}"
        )
    # A page that is missing is found twice. The leaderboard is made of what was just found to be
    # right, or it is not worth a look.
    found = [*check(stored, root), *tried(stored, pictures), *tried(stored, recompute)]
    found = dict.fromkeys([*found, *check_submissions(stored)])
    return list(found) or tried(stored, outdated)


def outdated(stored: Stored) -> Iterator[Finding]:
    """Hold the leaderboard, and the README's tables if there are any, against the rows."""
    root = stored.folder.parent
    checkout = root.resolve().parents[1]
    readme = checkout / "README.md"
    for path, expected in leaderboard.texts(root, readme if readme.is_file() else None).items():
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text != expected:
            said = first_difference(expected, text, path.suffix) if text else "found none"
            name = path.resolve().relative_to(checkout).as_posix()
            yield Finding(name, said, "Write it anew: snakemake --cores all leaderboard")


def code_notes(stored: Stored, codes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Say which scores and models come from other code than the present one.

    Code that gave the same numbers is no other, see :mod:`reports.freeze.evidence`.

    Args:
        codes: present fingerprints, see the module's docstring.
    """
    scored, trained, same = set(), set(), read_same_numbers(stored)
    present, models = codes.get("scores", {}), codes.get("models", {})
    for name, rows in stored.lines.items():
        _, model, file = name.split("/")
        family = file.partition(".")[2]
        now = present.get(f"{model}.{family}", present.get(family))
        if now is not None and not same_code(same, family, {row[-1] for row in rows}, {now}):
            scored.add(family)
    for artefact, manifest in stored.manifests.items():
        model = artefact.split("/")[2] if stage_of(artefact) == "models" else ""
        code = manifest.get("code", "")
        if not same_code(same, TRAINED, {code}, {models.get(model, code)}):
            trained.add(model)
    return [
        f"made by other code than the present: {what} {', '.join(sorted(names))}"
        for what, names in (("scores of the families", scored), ("models", trained))
        if names
    ]


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    stored = load_stored(args.preset, args.stored)
    found, notes = verify(stored), [f"no training was made again: {args.no_cell}"]
    if args.cell:
        differing, notes = compare_training(stored, args.cell, args.retrained)
        found += differing
    index = stored.index
    print(f"{stored.folder}: commit {index['commit']}, protocol {index['protocol']}")
    if not found:
        rows, notes = sum(map(len, stored.lines.values())), notes + code_notes(stored, args.config)
        print(
            f"checked: {len(index['files'])} files, {len(index['beside'])} beside, {rows} score "
            f"rows, {len(stored.manifests)} manifests, {len(stored.pages)} pages made again, "
            f"{len(submissions_of(stored))} submissions"
        )
        if same := read_same_numbers(stored):
            print(f"given again by other code, held against it at {same.commit}: {same.text}")
    for note in notes:
        print(f"note: {note}")
    for number, finding in enumerate(found, 1):
        print(f"difference {number}: {finding}")
    if found:
        files = list(dict.fromkeys(finding.file for finding in found))
        raise UserError(
            f"{stored.folder}: expected stored results as they were frozen, found "
            f"{len(found)} difference{'s' * (len(found) > 1)}, in {', '.join(files)}"
        )
    print("everything is as it was frozen")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = stage_parser(__doc__)
    found.add_argument("--preset", required=True, help="preset whose results are verified")
    found.add_argument("--stored", type=Path, default=STORED, help="folder of stored results")
    found.add_argument("--cell", help="training that was made again, of --retrained")
    found.add_argument("--retrained", type=Path, help="folder with data, models and samples")
    found.add_argument("--no-cell", default="not asked for", help="why there is no --cell")
    return found


if __name__ == "__main__":
    run_stage(main, parser())

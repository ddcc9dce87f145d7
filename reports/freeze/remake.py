"""Pages of stored results made again from the stored rows: compared, or put in their place.

Pictures are drawn again from their panels or their page, and put in their place too.

Usage: python -m reports.freeze.remake --preset NAME [--stored DIR]

The command is for a change of the code behind pages, of a published number or of a claim's
threshold: nothing is trained or scored, and rows, manifests and judges have to be as they were
frozen. What the results came from stays on record (commit, command, machine); the hashes of pages,
and of the files beside that they rest on, become the present ones.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from os.path import commonprefix
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dlvae.stage.artefact import read_json, write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from eval.rows import PLAIN
from reports.claims import __main__ as claims
from reports.freeze.checks import check, write_index
from reports.freeze.machine import ROOT
from reports.freeze.pictures import draw_stored, picture_of
from reports.freeze.stored import (
    STORED,
    UNREADABLE,
    Finding,
    Lines,
    Page,
    Part,
    Stored,
    load_stored,
    scores_text,
)
from reports.freeze.stored_models import model_pages
from reports.freeze.swap import swap
from reports.studies import ablations, evaluator_noise, learning_curves, table2_scale
from reports.tables import __main__ as tables

MAKERS = {
    "claims": claims.main,
    "ablations": ablations.main,
    "table2_scale": table2_scale.main,
    "evaluator_noise": evaluator_noise.main,
    "learning_curves": learning_curves.main,
}
AROUND = 60  # characters shown of a text, around the first that differs


def make_page(page: Page, folder: Path, lines: Lines, out: Path) -> None:
    """Make a page from stored rows by the function that made it in the run.

    Args:
        folder: of the stored results, with the protocol and the cards of the judges.
        lines: score rows by score file.
        out: the page's files land there, see :attr:`Page.files`.

    Raises:
        UserError: rows are missing, or cannot stand together; see the page's own module.
    """
    # Report cards of its evaluators, of both kinds; toy data have none.
    datasets = page.config.get("datasets") or [page.config["dataset"]]
    judges = [f"{name}{kind}" for kind in ("", f"_{PLAIN}") for name in datasets]
    cards = [folder / Part.EVALUATOR / judge / Part.REPORT for judge in judges]
    name = page.name.removeprefix(f"{Part.TABLES}/")
    with TemporaryDirectory() as scratch:
        scores = Path(scratch, Part.SCORES)
        write_text(scores, scores_text(lines, page.scores))
        arguments = argparse.Namespace(
            scores=[scores],
            cards=[path for path in cards if path.is_file()],
            protocol=str(folder / Part.PROTOCOL),
            config=page.config,
            csv=out / page.files[0],
            markdown=out / page.files[1],
            table=name,
            out=out / Part.TABLES,
        )
        (MAKERS[name] if name == page.name else tables.main)(arguments)


def recompute(stored: Stored) -> Iterator[Finding]:
    """Make every page again, and say where a stored one differs from it."""
    again = f"python -m reports.freeze.remake --preset {stored.preset}"
    for page in stored.pages:
        with TemporaryDirectory() as scratch:
            try:
                make_page(page, stored.folder, stored.lines, Path(scratch))
            except UNREADABLE as error:
                text = f"expected to be made again from the stored rows, found: {error}"
                yield stored.finding(page.files[0], text)
                continue
            for file in page.files:
                expected, path = Path(scratch, file).read_bytes(), stored.folder / file
                if not path.is_file():
                    yield stored.finding(file, "expected this file, found none")
                elif (found := path.read_bytes()) != expected:
                    texts = (part.decode("utf-8", errors="replace") for part in (expected, found))
                    said = first_difference(*texts, path.suffix)
                    yield stored.finding(file, said, f"after a change of its code: {again}")
    for file, expected in model_pages(stored).items():
        path = stored.folder / file
        found = path.read_text(encoding="utf-8") if path.is_file() else ""
        if found != expected:
            said = first_difference(expected, found, path.suffix) if found else "found none"
            yield stored.finding(file, said, f"after a change of its code: {again}")


def remake(stored: Stored, root: Path = ROOT) -> list[str]:
    """Make every page again and swap the folder; return the names of the files that changed.

    Args:
        root: of the checkout, for the files beside.

    Raises:
        UserError: rows, manifests, judges or the protocol are not as they were frozen, or a page
            cannot be made of them.
    """
    before, files = stored.index, [file for page in stored.pages for file in page.files]
    drawn, cards = map(picture_of, stored.figures), model_pages(stored)
    again = [*files, *drawn, *cards]
    may_change = {*before["beside"], *(stored.finding(file, "").file for file in again)}

    def change(new: Path) -> None:
        for page in stored.pages:
            make_page(page, stored.folder, stored.lines, new.parent)
        for file in files:  # a table has more than are stored
            shutil.copyfile(new.parent / file, new / file)
        for figure, datasets in stored.figures.items():
            draw_stored(new, figure, datasets, new / picture_of(figure))
        for file, text in cards.items():
            write_text(new / file, text)
        shipped = [root / name for name in before["beside"]]
        for rules in (path for path in shipped if path.parent.name == "protocol"):
            shutil.copyfile(rules, new / Part.PROTOCOL)  # its comments may have changed
            if (found := replace(stored, folder=new).protocol.label) != before["protocol"]:
                raise UserError(
                    f"{rules}: expected protocol {before['protocol']}, by which the rows were "
                    f"scored, found {found}; restore it, or score and freeze again: "
                    f"{before['command']}"
                )

    after, parts = rewrite(stored, change, may_change, root), ("files", "beside")
    return [k for part in parts for k, v in after[part].items() if before[part].get(k) != v]


def rewrite(
    stored: Stored, change: Callable[[Path], None], may_change: Collection[str], root: Path = ROOT
) -> dict[str, Any]:
    """Change a copy of stored results, write its index anew, put it in their place.

    Args:
        change: is given the copy, alone in a folder that vanishes.
        may_change: names of files, as findings have them, that need not be as they were frozen.
        root: of the checkout, for the files beside.

    Returns:
        The new index.

    Raises:
        UserError: another file is not as it was frozen.
    """
    if wrong := [found for found in check(stored, root) if found.file not in may_change]:
        raise UserError(
            f"{stored.folder}: expected rows, manifests and judges as they were frozen, found "
            f"{len(wrong)} that are not: {wrong[0]}"
        )
    with TemporaryDirectory() as scratch:
        new = Path(scratch, "new")
        shutil.copytree(stored.folder, new)
        change(new)
        write_index(new, stored.index, [root / name for name in stored.index["beside"]], root)
        after = read_json(new / Part.INDEX)
        swap(new, stored.folder)
    return after


def first_difference(expected: str, found: str, suffix: str) -> str:
    """Say in which line and cell two pages differ first, with both texts.

    Args:
        expected, found: contents of two files that differ.
        suffix: ``.csv`` or ``.md``; how lines are divided into cells.
    """
    lines, others = expected.split("\n"), found.split("\n")
    number = len(commonprefix([lines, others]))
    if number == min(len(lines), len(others)):
        return f"expected {len(lines) - 1} lines from the stored rows, found {len(others) - 1}"
    where, texts = f"line {number + 1}", [lines[number], others[number]]
    cells, other_cells = (_cells(text, suffix) for text in texts)
    if len(cells) == len(other_cells) > 1:
        place, head = len(commonprefix([cells, other_cells])), 0 if suffix == ".csv" else number
        while suffix != ".csv" and head > 0 and lines[head - 1].startswith("| "):
            head -= 1
        heads, texts = _cells(lines[head], suffix), [cells[place], other_cells[place]]
        where += f", column '{heads[place]}'" if len(heads) == len(cells) else f", cell {place + 1}"
    if max(map(len, texts)) > AROUND:
        start = max(0, len(commonprefix(texts)) - AROUND // 2)
        texts = [text[start : start + AROUND] for text in texts]
    return f"{where}: expected {texts[0]!r} from the stored rows, found {texts[1]!r}"


def _cells(line: str, suffix: str) -> list[str]:
    if suffix == ".csv":
        return next(csv.reader([line]), [""])
    return line[2:-2].split(" | ") if line.startswith("| ") else [line]


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

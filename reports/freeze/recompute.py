"""Stored pages, made again from the stored rows and compared byte by byte."""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Iterator
from os.path import commonprefix
from pathlib import Path
from tempfile import TemporaryDirectory

from dlvae.stage.artefact import write_text
from eval.rows import PLAIN
from reports.claims import __main__ as claims
from reports.freeze.stored import UNREADABLE, Finding, Lines, Page, Part, Stored, scores_text
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
        arguments = Namespace(
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

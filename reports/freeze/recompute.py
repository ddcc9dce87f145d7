"""Stored pages, made again from the stored rows and compared byte by byte."""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from dlvae.stage.artefact import write_text
from eval.rows import PLAIN
from reports.claims import __main__ as claims
from reports.freeze.checks import Finding, finding
from reports.freeze.stored import (
    EVALUATOR,
    PROTOCOL,
    REPORT,
    SCORES,
    TABLES,
    UNREADABLE,
    Lines,
    Page,
    Stored,
    scores_text,
)
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
    cards = [folder / EVALUATOR / judge / REPORT for judge in judges]
    name = page.name.removeprefix(f"{TABLES}/")
    with TemporaryDirectory() as scratch:
        scores = Path(scratch, SCORES)
        write_text(scores, scores_text(lines, page.scores))
        arguments = Namespace(
            scores=[scores],
            cards=[path for path in cards if path.is_file()],
            protocol=str(folder / PROTOCOL),
            config=page.config,
            csv=out / page.files[0],
            markdown=out / page.files[1],
            table=name,
            out=out / TABLES,
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
                yield finding(stored, page.files[0], text)
                continue
            for file in page.files:
                if not (stored.folder / file).is_file():
                    continue  # named already, as missing
                expected, found = (Path(at, file).read_bytes() for at in (scratch, stored.folder))
                if expected != found:
                    texts = (part.decode("utf-8", errors="replace") for part in (expected, found))
                    said = first_difference(*texts, Path(file).suffix)
                    yield finding(stored, file, said, f"after a change of its code: {again}")


def first_difference(expected: str, found: str, suffix: str) -> str:
    """Say in which line and cell two pages differ first, with both texts.

    Args:
        expected, found: contents of two files that differ.
        suffix: ``.csv`` or ``.md``; how lines are divided into cells.
    """
    one, other = expected.split("\n"), found.split("\n")
    number = _first(one, other)
    if number == min(len(one), len(other)):
        return f"expected {len(one) - 1} lines from the stored rows, found {len(other) - 1}"
    where, texts = f"line {number + 1}", (one[number], other[number])
    cells, others = (_cells(text, suffix) for text in texts)
    if len(cells) == len(others) > 1:
        place, heads = _first(cells, others), _cells(_head(one, number, suffix), suffix)
        named = f"column '{heads[place]}'" if len(heads) == len(cells) else f"cell {place + 1}"
        where, texts = f"{where}, {named}", (cells[place], others[place])
    if max(map(len, texts)) > AROUND:
        start = max(0, _first(*texts) - AROUND // 2)
        texts = tuple(text[start : start + AROUND] for text in texts)
    return f"{where}: expected {texts[0]!r} from the stored rows, found {texts[1]!r}"


def _cells(line: str, suffix: str) -> list[str]:
    if suffix == ".csv":
        return next(csv.reader([line]), [""])
    return line[2:-2].split(" | ") if line.startswith("| ") else [line]


def _head(lines: list[str], number: int, suffix: str) -> str:
    """Return the heading above a line: the first of a CSV, the first of a Markdown table."""
    if suffix == ".csv":
        return lines[0]
    while number > 0 and lines[number - 1].startswith("| "):
        number -= 1
    return lines[number]


def _first(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the first place where two sequences differ, their common length where none does."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))

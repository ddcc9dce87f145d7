"""Stored pages, made again from the stored rows and compared byte by byte."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from reports.freeze.checks import Content, Finding
from reports.freeze.pages import Page, make_page
from reports.freeze.stored import UNREADABLE

AROUND = 60  # characters shown of a text, around the first that differs


def recompute(content: Content) -> Iterator[Finding]:
    """Make every page again, and say where a stored one differs from it."""
    for page in content.pages:
        with TemporaryDirectory() as scratch:
            yield from _differences(content, page, Path(scratch))


def _differences(content: Content, page: Page, scratch: Path) -> Iterator[Finding]:
    again = (
        "Restore it: git checkout -- {}; after a change of its code: "
        f"python -m reports.freeze.repage --preset {content.stored.preset}"
    )
    try:
        make_page(page, content.folder, content.lines, scratch)
    except UNREADABLE as error:
        text = f"expected to be made again from the stored rows, found: {error}"
        yield content.finding(page.files[0], text)
        return
    for file in page.files:
        stored = content.folder / file
        if not stored.is_file():
            continue  # named already, as missing
        expected, found = (path.read_bytes() for path in (scratch / file, stored))
        if expected != found:
            texts = (part.decode("utf-8", errors="replace") for part in (expected, found))
            finding = content.finding(file, first_difference(*texts, stored.suffix))
            yield Finding(finding.file, finding.text, again.format(finding.file))


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
    cells, others = (_cells(side[number], suffix) for side in (one, other))
    where = f"line {number + 1}"
    if len(cells) == len(others) > 1:
        cell = _first(cells, others)
        heads = _cells(_head(one, number, suffix), suffix)
        where += f", column '{heads[cell]}'" if len(heads) == len(cells) else f", cell {cell + 1}"
        cells, others = [cells[cell]], [others[cell]]
    else:
        cells, others = [one[number]], [other[number]]
    texts = _around(cells[0], others[0])
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


def _around(one: str, other: str) -> tuple[str, str]:
    """Cut two texts that differ down to what is around their first difference."""
    start = max(0, _first(one, other) - AROUND // 2)
    if max(len(one), len(other)) <= AROUND:
        start = 0
    return one[start : start + AROUND], other[start : start + AROUND]


def _first(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the first place where two sequences differ, their common length where none does."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))

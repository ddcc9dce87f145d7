"""A table of results set anew for the report: in groups, with short cells and a short caption.

What a table holds stays as ``python -m reports.tables`` printed it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from dlvae.stage.errors import UserError

# "Table 1. " is no sentence of its own.
SENTENCE = re.compile(r"(?<!^Table \d\.)(?<!^Figure \d\.)(?<=[.!?]) (?=[A-Z'(])")
CELL = re.compile(
    r"(?P<value>[^\[(]*?)(?: (?P<interval>\[[^\]]*\]))?(?P<unit> %)?(?: (?P<note>\(.*\)))?"
)


@dataclass(frozen=True)
class TableCell:
    """A printed cell in the parts between which a line may break; the last two may be empty."""

    value: str
    interval: str
    note: str


@dataclass(frozen=True)
class ShownTable:
    """A table of the report.

    Attributes:
        caption: its first sentence.
        notes: the other sentences.
        label: what the first column holds.
        heads: of the other columns.
        groups: title, which may be empty, and rows: a label and its cells.
    """

    caption: str
    notes: list[str]
    label: str
    heads: list[str]
    groups: list[tuple[str, list[tuple[str, list[TableCell]]]]]


def sentences(text: str) -> list[str]:
    """Return the sentences of a caption, the first with its number."""
    return SENTENCE.split(text.strip())


def read_table(path: Path) -> ShownTable:
    """Return the table of an HTML page of ``python -m reports.tables``.

    Raises:
        UserError: there is none, or one of another shape.
    """
    found = re.search(r"<table.*?</table>", path.read_text(encoding="utf-8"), re.DOTALL)
    try:
        # One element has no DOCTYPE, so it can declare no entities.
        table = ElementTree.fromstring(found[0] if found else "")  # nosec B314
        (head,) = table.findall("thead/tr")
        caption, *notes = sentences(_text(table.find("caption")))
    except (ElementTree.ParseError, ValueError) as error:
        raise UserError(
            f"{path}: expected a table with a caption and one line of heads ({error}); delete it, "
            "and the next run sets it again"
        ) from None
    heads = [_text(cell) for cell in head]
    labels = next((index for index, text in enumerate(heads) if text), len(heads))
    groups: list[tuple[str, list[tuple[str, list[TableCell]]]]] = []
    for title, label, cells in _rows(table, labels):
        if title is not None or not groups:
            groups.append((title or "", []))
        groups[-1][1].append((label, cells))
    return ShownTable(caption, notes, "model", heads[labels:], groups)


def _rows(
    table: ElementTree.Element, labels: int
) -> Iterator[tuple[str | None, str, list[TableCell]]]:
    """Yield the title of a group where one begins, the label of a row and its cells."""
    for row in table.findall("tbody/tr"):
        names, cells = ([_text(cell) for cell in row.findall(kind)] for kind in ("th", "td"))
        begins = labels > 1 and len(names) == labels
        yield names[0] if begins else None, names[-1], [_cell(text) for text in cells]


def _cell(text: str) -> TableCell:
    parts = CELL.fullmatch(text)
    if parts is None:
        return TableCell(text, "", "")
    return TableCell(
        parts["value"] + (parts["unit"] or ""), parts["interval"] or "", parts["note"] or ""
    )


def _text(element: ElementTree.Element | None) -> str:
    if element is None:
        raise ValueError("none of the two found")
    return " ".join("".join(element.itertext()).split())

"""A page of headings, texts, lists, tables and a picture: as Markdown, and as one HTML file."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports.tables.formats import PrintedTable
from reports.text import document


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title of the page."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph. Like every text of a page, it may hold `code` and **what stands out**."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A printed table, one text per cell; ``heads`` stand above the labels of its rows."""

    table: pd.DataFrame
    caption: str
    heads: tuple[str, ...] = ("model",)


@dataclass(frozen=True)
class Picture:
    """A PNG that lies beside the page, and what it shows."""

    path: Path
    text: str


Block = Heading | Text | Points | Grid | Picture


def page_markdown(blocks: Sequence[Block]) -> str:
    """Return the page as Markdown, to lie in the folder of its pictures."""
    return "\n".join(map(_markdown, blocks))


def page_html(title: str, blocks: Sequence[Block]) -> str:
    """Return the page as HTML with its pictures inside."""
    return document(title, "\n".join(map(_html, blocks)))


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {text}\n"
        case Text(text):
            return f"{text}\n"
        case Points(items):
            return "".join(f"- {item}\n" for item in items)
        case Grid(table, caption, heads):
            return PrintedTable(table, caption, heads).markdown()
        case Picture(path, text):
            return f"![{text}]({path.name})\n"


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{_inline(text)}</h{level}>"
        case Text(text):
            return f"<p>{_inline(text)}</p>"
        case Points(items):
            return "<ul>\n" + "".join(f"<li>{_inline(item)}</li>\n" for item in items) + "</ul>"
        case Grid(table, caption, _):
            return f'<div style="overflow-x: auto">{PrintedTable(table, caption).html()}</div>'
        case Picture(path, text):
            data = base64.b64encode(path.read_bytes()).decode("ascii")
            source = f'src="data:image/png;base64,{data}" alt="{html.escape(text)}"'
            return f'<p><img style="max-width: 100%" {source}></p>'


def _inline(text: str) -> str:
    text = html.escape(text, quote=False)
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", text)

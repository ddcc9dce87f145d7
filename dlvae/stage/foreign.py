"""Names from outside (of files, folders, classes, people) as texts of pages, tables and figures."""

from __future__ import annotations

import re

# A line between two letters or digits is none of emphasis; an ampersand is a mark before a name.
_MARKS = re.compile(r"[\\`*\[\]<>|$#~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|^[-+](?=\s)")
_ESCAPED = re.compile(r"\\(&(?:lt|gt|amp);|[\\`*\[\]|$#~_+-])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def markdown_of(name: object) -> str:
    """Return a name for a line of Markdown, where none of its characters is a mark or a tag."""
    return _MARKS.sub(r"\\\g<0>", _one_line(name))


def html_of_escapes(text: str) -> str:
    """Return Markdown, escaped for HTML, with a reference for each character that it escapes."""
    return _ESCAPED.sub(lambda f: f[1] if len(f[1]) > 1 else f"&#{ord(f[1])};", text)


def cell_of(name: object) -> object:
    """Return a name for a cell of a table that people open: what a spreadsheet would compute gets
    an apostrophe before it, which spreadsheets read as "this is text". Numbers stay numbers."""
    return f"'{name}" if isinstance(name, str) and name.startswith(_FORMULA) else name


def drawn(name: object) -> str:
    """Return a name for a text of Matplotlib, where a pair of dollars would be a formula."""
    return _one_line(name).replace("$", r"\$")


def _one_line(name: object) -> str:
    printable = (c if c.isprintable() else " " for c in str(name))
    return " ".join("".join(printable).split())

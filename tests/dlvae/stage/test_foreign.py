"""Names from outside do nothing in pages, tables and figures but stand there."""

import html
import re

import pytest

from dlvae.stage.errors import UserError
from dlvae.stage.foreign import cell_of, drawn, html_of_escapes, markdown_of
from dlvae.stage.registry import check_entry_point

NASTY = ["<script>alert(1)</script>", "a|b", "**bold**", "`code`", "[x](javascript:1)", "a\nb"]
NASTY += ["$x_{$", "\\", "\\<b>", "&lt;"]


@pytest.mark.parametrize("name", NASTY)
def test_markdown_shows_a_name_as_it_is(name):
    marked = markdown_of(name)
    assert not re.search(r"(?<!\\)[<>|*`\[\]$]", marked)
    # Escapes undone, as a reader of Markdown does, it is the name; breaks of lines are spaces.
    assert re.sub(r"\\(.)", r"\1", marked) == name.replace("\n", " ")
    shown = html_of_escapes(html.escape(marked, quote=False))
    assert "<" not in shown and html.unescape(shown) == name.replace("\n", " ")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", '=HYPERLINK("a")'])
def test_a_spreadsheet_computes_no_name(name):
    assert cell_of(name) == f"'{name}"


@pytest.mark.parametrize("value", ["cvae", "a=b", "person 1", -1.5, 3, None])
def test_other_cells_stay_as_they_are(value):
    assert cell_of(value) is value


def test_dollars_are_no_formula():
    assert drawn("a $x_{$ b") == r"a \$x_{\$ b"


@pytest.mark.parametrize("name", ["=cmd", "<b>", "a|b", "a/b", "../x", "a b", "{x}", "", "_x"])
def test_models_are_plain_words(name):
    with pytest.raises(UserError, match="expected a name of letters, digits"):
        check_entry_point(name)

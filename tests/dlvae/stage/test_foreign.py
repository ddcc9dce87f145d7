"""Names from outside do nothing in pages, tables and figures but stand there."""

import html
import re

import pytest
from markdown_it import MarkdownIt

from dlvae.stage.errors import UserError
from dlvae.stage.foreign import cell_of, drawn, html_of_escapes, markdown_of
from dlvae.stage.registry import check_entry_point

NASTY = ["<script>alert(1)</script>", "a|b", "**bold**", "`code`", "[x](javascript:1)", "a\nb"]
NASTY += ["$x_{$", "\\", "\\<b>", "&lt;", "_x_", "a _b_", "a_b_c", "~~x~~", "![a](b)", "- a", "# a"]
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@pytest.mark.parametrize("name", NASTY)
def test_a_reader_of_markdown_shows_a_name_as_it_is(name):
    shown = name.replace("\n", " ")
    assert READER.renderInline(markdown_of(name)) == html.escape(shown)
    listed = READER.render(f"- {markdown_of(name)}")
    assert listed.replace("\n", "") == f"<ul><li>{html.escape(shown)}</li></ul>"
    # Dollars are mathematics on some pages, which that reader does not know.
    assert not re.search(r"(?<!\\)\$", markdown_of(name))


@pytest.mark.parametrize("name", NASTY)
def test_a_page_shows_a_name_as_it_is(name):
    shown = html_of_escapes(html.escape(markdown_of(name), quote=False))
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

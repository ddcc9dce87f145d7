"""Templates: paragraphs that flow, and one page in two formats."""

import html

import pandas as pd
import pytest
from jinja2 import DictLoader
from markdown_it import MarkdownIt
from PIL import Image

from reports import text
from reports.tables.formats import PrintedTable

TABLE = PrintedTable(pd.DataFrame({"IS": ["7.1 [7, 7.2]"]}, index=["a<b"]), "Its caption.")
PAGE = """\
{% import markup as page %}
{{ page.heading("A page", 1) }}
{% call page.text() %}
Of `code` &
**weight**.
{% endcall %}
{% call page.points() %}
{% for item in items %}
{% call page.point() %}
{{ item }}
{% endcall %}
{% endfor %}
{% endcall %}
{{ page.table(table) }}
{{ page.picture(path, 'a "dot"') }}
"""
PARAGRAPHS = """\
# A page

{% if long %}
One
  paragraph.
{% endif %}

{% if false %}
Nothing.
{% endif %}


- an item
  of two lines
- another
| no | row |
"""


@pytest.fixture(autouse=True)
def templates(monkeypatch):
    """Templates of this test beside those of the pages."""
    environment = text._environment().overlay()
    own = {"test.j2": PAGE, "test.md.j2": PARAGRAPHS}
    environment.loader = DictLoader(
        own | {name: environment.loader.get_source(environment, name)[0] for name in
               (*text.MARKUP, "document.html.j2", "tables.css.j2")}
    )  # fmt: skip
    monkeypatch.setattr(text, "_environment", lambda: environment)


@pytest.fixture
def page(tmp_path):
    Image.new("RGB", (2, 2), "red").save(tmp_path / "dot.png")
    values = {"items": ["one <tag>", "two"], "table": TABLE, "path": tmp_path / "dot.png"}
    return text.render_page("test.j2", "A <page>", **values)


def test_paragraphs_and_items_become_lines():
    expected = "# A page\n\nOne paragraph.\n\n- an item of two lines\n- another\n| no | row |\n"
    assert text.render("test.md.j2", long=True) == expected


def test_a_value_that_is_not_given_is_an_error():
    with pytest.raises(Exception, match="'long' is undefined"):
        text.render("test.md.j2")


def test_markdown(page):
    assert page[0] == (
        "# A page\n\nOf `code` & **weight**.\n\n- one <tag>\n- two\n\n"
        "| model | IS |\n| --- | ---: |\n| a\\<b | 7.1 [7, 7.2] |\n\nIts caption.\n\n"
        '![a "dot"](dot.png)\n'
    )


def test_html_is_one_file_and_escapes_what_it_is_given(page):
    found = page[1]
    assert found.startswith("<!DOCTYPE html>") and "<title>A &lt;page&gt;</title>" in found
    assert "<h1>A page</h1>" in found
    assert "<p>Of <code>code</code> &amp; <strong>weight</strong>.</p>" in found
    assert "<li>one &lt;tag&gt;</li>" in found and "<th>a&lt;b</th>" in found
    assert "Its caption.</caption>" in found
    assert 'src="data:image/png;base64,iVBOR' in found and "dot.png" not in found
    assert 'alt="a &quot;dot&quot;"' in found or 'alt="a &#34;dot&#34;"' in found


def test_names_from_outside_are_no_marks_in_either_format():
    source = "{% import markup as page %}{% call page.text() %}{{ name | foreign }}{% endcall %}"
    template = text._environment().from_string(source)
    name = "<b>**x**</b> `|` [y](z)"
    shown = [template.render(markup=markup, name=name).strip() for markup in text.MARKUP]
    assert shown[0] == r"\<b\>\*\*x\*\*\</b\> \`\|\` \[y\](z)"
    assert "<b>" not in shown[1] and "<strong>" not in shown[1] and "<code>" not in shown[1]
    assert html.unescape(shown[1]) == f"<p>{name}</p>"


def test_a_label_of_a_table_is_no_mark_in_markdown_html_and_latex():
    name = r"<b>|**x**_{$y$}% \z"
    table = PrintedTable(pd.DataFrame({"IS": ["1"]}, index=[name]), f"Of {name}.")
    reader = MarkdownIt("commonmark").enable("table")
    shown = reader.render(table.markdown().split("\n\n")[0])
    assert f">{html.escape(name)}</td>" in shown
    assert table.html().count(html.escape(name, quote=False)) == 2
    tex = table.latex("t")
    escaped = r"<b>|**x**\_\{\$y\$\}\% \textbackslash{}z"
    assert tex.count(escaped) == 2 and name not in tex

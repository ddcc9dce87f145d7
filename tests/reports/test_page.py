"""One page in two formats."""

import pandas as pd
from PIL import Image

from reports.page import Grid, Heading, Picture, Points, Text, page_html, page_markdown

TABLE = pd.DataFrame({"IS": ["7.1 [7, 7.2]"]}, index=["a<b"])


def blocks(folder):
    Image.new("RGB", (2, 2), "red").save(folder / "dot.png")
    return [
        Heading("A page", 1),
        Text("Of `code` & **weight**."),
        Points(("one <tag>", "two")),
        Grid(TABLE, "Its caption."),
        Picture(folder / "dot.png", 'a "dot"'),
    ]


def test_markdown(tmp_path):
    assert page_markdown(blocks(tmp_path)) == (
        "# A page\n\nOf `code` & **weight**.\n\n- one <tag>\n- two\n\n"
        "| model | IS |\n| --- | ---: |\n| a<b | 7.1 [7, 7.2] |\n\nIts caption.\n\n"
        '![a "dot"](dot.png)\n'
    )


def test_html_is_one_file_and_escapes_what_it_is_given(tmp_path):
    text = page_html("A <page>", blocks(tmp_path))
    assert text.startswith("<!DOCTYPE html>") and "<title>A &lt;page&gt;</title>" in text
    assert "<h1>A page</h1>" in text
    assert "<p>Of <code>code</code> &amp; <strong>weight</strong>.</p>" in text
    assert "<li>one &lt;tag&gt;</li>" in text and "<th>a&lt;b</th>" in text
    assert "Its caption.</caption>" in text
    assert 'src="data:image/png;base64,iVBOR' in text and 'alt="a &quot;dot&quot;"' in text
    assert "dot.png" not in text

"""Text of pages: Jinja2 templates, which lie beside the modules that name them.

In a template of Markdown (``.md.j2``) a paragraph may be wrapped: its lines become one. A template
for both formats (``.page.j2``) writes its page with the macros of ``markup``, of which there is a
set per format, ``markup.md.j2`` and ``markup.html.j2``::

    {% import markup as page %}
    {{ page.heading("Provenance") }}
    {{ page.table(scores) }}

Every template may use the filters ``model`` and ``dataset`` (printed names), ``capital``, of names
from outside ``foreign`` (in Markdown and HTML) and ``drawn`` (in captions of pictures), and the
function ``pipe_table``.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path

import jinja2
import markupsafe

from dlvae.stage.foreign import drawn, html_of_escapes, markdown_of
from reports.names import capital, dataset_title, model_title
from reports.tables.formats import MISSING, pipe_table

ROOMS = [
    Path(__file__).parent / name
    for name in ("", "tables", "claims", "compare", "studies", "figures", "report", "freeze")
]
MARKUP = ("markup.md.j2", "markup.html.j2")


def render(template: str, **values: object) -> str:
    """Return a template with its values; one of Markdown with a paragraph per line."""
    text = _environment().get_template(template).render(values)
    return one_line_each(text) if template.endswith(".md.j2") else text


def render_block(template: str, block: str, **values: object) -> str:
    """Return one block of a template as a single line of text."""
    found = _environment().get_template(template)
    return one_line("".join(found.blocks[block](found.new_context(values))))


def render_page(template: str, title: str, **values: object) -> tuple[str, str]:
    """Return a page as Markdown, to lie beside its pictures, and as HTML that holds them."""
    markdown, html = (render(template, markup=name, **values) for name in MARKUP)
    body = "\n".join(line for line in html.splitlines() if line)
    return one_line_each(markdown), document(title, body)


def document(title: str, body: str) -> str:
    """Return a complete HTML page around HTML."""
    return render("document.html.j2", title=title, body=body)


def one_line(text: str) -> str:
    """Return a text without breaks of lines."""
    return " ".join(text.split())


def one_line_each(text: str) -> str:
    """Join the lines of every paragraph and every item of a list; tables stay as they are."""
    paragraphs = (
        re.sub(r"\n\s*(?![|\s]|- )", " ", paragraph.strip())
        for paragraph in re.split(r"\n\s*\n", text)
    )
    return "\n\n".join(filter(None, paragraphs)) + "\n"


@cache
def _environment() -> jinja2.Environment:
    # Escaped are the templates of HTML; bandit takes no function for an answer.
    environment = jinja2.Environment(  # nosec B701
        loader=jinja2.FileSystemLoader(ROOMS),
        undefined=jinja2.StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"model": model_title, "dataset": dataset_title, "capital": capital}
    environment.filters |= {"one_line": one_line, "inline": _inline, "plain": _plain}
    environment.filters |= {"foreign": markdown_of, "drawn": drawn}
    environment.filters |= {"base64": lambda path: base64.b64encode(path.read_bytes()).decode()}
    environment.globals |= {"pipe_table": pipe_table, "style_of_tables": "tables.css.j2"}
    return environment


def _inline(text: str) -> markupsafe.Markup:
    """Return a text of Markdown as HTML: `code` and **what stands out**."""
    escaped = str(markupsafe.escape(text)).replace("&#34;", '"').replace("&#39;", "'")
    escaped = html_of_escapes(escaped)
    escaped = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escaped)
    # Escaped above.
    return markupsafe.Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", escaped))  # nosec B704


def _plain(value: object, spec: str = "") -> str:
    """Return an entry of a card or manifest: as ``spec`` says, by itself in four digits."""
    if value is None:
        return MISSING
    return format(value, spec or ".4g") if spec or isinstance(value, float) else str(value)

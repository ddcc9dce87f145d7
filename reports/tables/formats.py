"""A table as Markdown, HTML and LaTeX; every format carries the caption."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import pandas as pd

MISSING = "–"

STYLE = """\
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; text-align: left; padding-top: .7em; color: #555;
  font-size: .86em; line-height: 1.45; }
th, td { padding: .3em .85em; text-align: right; white-space: nowrap; }
.scores tbody th { text-align: left; font-weight: normal; vertical-align: top; }
.scores thead th { font-weight: 600; border-bottom: 1px solid #999; }
.scores thead th[colspan] { text-align: center; }
.scores thead tr:first-child th { border-top: 2px solid #222; }
.scores tbody tr:last-child > *, .scores tbody th[rowspan] { border-bottom: 2px solid #222; }
.scores tbody tr:has(th[rowspan]) > * { border-top: 1px solid #bbb; }
"""

# A printed table has a text per cell. Its columns are (data set, heading) and its rows models, or
# its columns are headings and its rows (data set, model).


def markdown(table: pd.DataFrame, caption: str, names: Sequence[str] = ()) -> str:
    """Return a pipe table, the caption below; ``names`` head the rows' labels."""
    names = list(names) or (["data set", "model"] if table.index.nlevels == 2 else ["model"])
    heads = [*names, *(": ".join(_parts(column)) for column in table.columns)]
    cells = zip(table.index, table.to_numpy(), strict=True)
    rows = [[*_parts(name), *map(str, row)] for name, row in cells]
    return f"{pipe_table(heads, rows, len(names))}\n\n{caption}\n"


def pipe_table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Return a Markdown table of texts; the first ``left`` columns stand left, others right."""
    rule = ["---"] * left + ["---:"] * (len(heads) - left)
    lines = ["| " + " | ".join(_pipe(c) for c in row) + " |" for row in [heads, rule, *rows]]
    return "\n".join(lines)


def html_table(table: pd.DataFrame, caption: str) -> str:
    """Return the ``<table>`` element with its caption."""
    text = _unnamed(table).to_html(border=0, classes="scores", escape=True)
    text = text.replace(' style="text-align: right;"', "").replace(' halign="left"', "")
    text = text.replace(' valign="top"', "")
    head, rest = text.split("\n", 1)
    return f"{head}\n  <caption>{html.escape(caption, quote=False)}</caption>\n{rest}"


def html_page(table: pd.DataFrame, name: str, caption: str) -> str:
    """Return a complete page with one table."""
    return html_document(name, html_table(table, caption))


def html_document(title: str, body: str) -> str:
    """Return a complete page around HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>\nbody {{ font-family: sans-serif; "
        f"margin: 2em; max-width: 70em; }}\n{STYLE}</style>\n</head>\n<body>\n"
        f"{body}\n</body>\n</html>\n"
    )


def latex(table: pd.DataFrame, name: str, caption: str) -> str:
    """Return a ``table*`` environment that needs the package booktabs."""
    body = _unnamed(table).map(_tex)
    body.columns, body.index = _tex_labels(table.columns), _tex_labels(table.index)
    text = body.style.to_latex(
        hrules=True,
        clines="skip-last;data" if table.index.nlevels == 2 else None,
        caption=_tex(caption),
        label=f"tab:{name}",
        environment="table*",
        column_format="l" * table.index.nlevels + "r" * table.shape[1],
        multicol_align="c",
        multirow_align="naive",
        position="t",
    )
    # Between groups a rule of booktabs instead of the plain line; none before the last one.
    text = re.sub(r"\\cline\{.*?\}\n(?=\\bottomrule)", "", text)
    text = re.sub(r"\\cline\{.*?\}", r"\\midrule", text)
    return f"% needs \\usepackage{{booktabs}}\n{text}"


def _parts(label: object) -> list[str]:
    return [str(part) for part in label] if isinstance(label, tuple) else [str(label)]


def _unnamed(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename_axis(index=[None] * table.index.nlevels).rename_axis(
        columns=[None] * table.columns.nlevels
    )


def _tex_labels(labels: pd.Index) -> pd.Index:
    if labels.nlevels == 1:
        return labels.map(_tex)
    return pd.MultiIndex.from_tuples([tuple(map(_tex, label)) for label in labels])


def _pipe(text: str) -> str:
    return text.replace("|", "\\|")


def _tex(text: object) -> str:
    special = {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}"}
    special |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "–": "--"}
    return "".join(special.get(character, character) for character in str(text))

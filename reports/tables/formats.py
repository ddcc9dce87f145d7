"""A printed table as Markdown, HTML and LaTeX; every format carries the caption."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlvae.stage.foreign import markdown_of

if TYPE_CHECKING:
    import pandas as pd

MISSING = "–"


@dataclass(frozen=True)
class PrintedTable:
    """A table with one text per cell.

    Attributes:
        cells: models x (data set, heading) or headings; or (data set, model) x headings.
        heads: stand above the labels of its rows where these are something else.
    """

    cells: pd.DataFrame
    caption: str
    heads: tuple[str, ...] = ()

    def markdown(self) -> str:
        """Return a pipe table, the caption below."""
        grouped = self.cells.index.nlevels == 2
        heads = self.heads or (("data set", "model") if grouped else ("model",))
        titles = [": ".join(_parts(column)) for column in self.cells.columns]
        labelled = zip(self.cells.index, self.cells.to_numpy(), strict=True)
        rows = [[*map(markdown_of, _parts(label)), *map(str, texts)] for label, texts in labelled]
        return f"{pipe_table([*heads, *titles], rows, len(heads))}\n\n{self.caption}\n"

    def html(self) -> str:
        """Return the ``<table>`` element with its caption."""
        text = self.cells.to_html(border=0, classes="scores", escape=True, index_names=False)
        text = re.sub(r' (style="text-align: right;"|halign="left"|valign="top")', "", text)
        head, rest = text.split("\n", 1)
        return f"{head}\n  <caption>{html.escape(self.caption, quote=False)}</caption>\n{rest}"

    def latex(self, name: str) -> str:
        """Return a ``table*`` environment that needs the package booktabs."""
        cells = self.cells
        body = cells.map(_tex).rename(index=_tex, columns=_tex)
        text = body.style.to_latex(
            hrules=True,
            clines="skip-last;data" if cells.index.nlevels == 2 else None,
            caption=_tex(self.caption),
            label=f"tab:{name}",
            environment="table*",
            column_format="l" * cells.index.nlevels + "r" * cells.shape[1],
            multicol_align="c",
            multirow_align="naive",
            position="t",
        )
        # Between groups a rule of booktabs instead of the plain line; none before the last one.
        text = re.sub(r"\\cline\{.*?\}\n(?=\\bottomrule)", "", text)
        text = re.sub(r"\\cline\{.*?\}", r"\\midrule", text)
        return f"% needs \\usepackage{{booktabs}}\n{text}"


@dataclass(frozen=True)
class Table:
    """A finished table: its data, tidy, and what is printed of them."""

    name: str
    data: pd.DataFrame
    printed: PrintedTable


def pipe_table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Return a Markdown table of texts; the first ``left`` columns stand left, others right."""
    rule = ["---"] * left + ["---:"] * (len(heads) - left)
    lines = [[re.sub(r"(?<!\\)\|", r"\\|", text) for text in row] for row in [heads, rule, *rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _parts(label: object) -> list[str]:
    return [str(part) for part in label] if isinstance(label, tuple) else [str(label)]


def _tex(text: object) -> str:
    special = {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}"}
    special |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "–": "--"}
    return str(text).translate(str.maketrans(special))

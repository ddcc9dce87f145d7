"""The README's tables of results: short ones, each between two marks that name its preset."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import replace

from dlvae.stage.errors import UserError, nearest
from reports.leaderboard_section import COLUMNS, LeaderboardSection, title
from reports.names import dataset_title, in_paper_order
from reports.tables.captions import prose, seeds_text
from reports.tables.formats import pipe_table
from reports.tables.marks import marks_values

MARK = re.compile(r"<!-- /?results\b[^\n]*")
BLOCK = re.compile(
    r"(?P<head><!-- results: (?P<preset>[^\s>]+) -->\n).*?(?P<tail><!-- /results -->)", re.DOTALL
)
# IS and d_intra with their intervals, top-1 without: there is room for no more.
SHORT = (COLUMNS[0], replace(COLUMNS[1], interval=False), replace(COLUMNS[2], digits=3))
WIDTH = 100


def block(section: LeaderboardSection) -> str:
    """Return the text between the marks: models in the paper's order, data sets side by side."""
    stored, rows = section.stored, section.rows
    heads = ["model"]
    for dataset in section.datasets:
        first, *others = (column.title for column in SHORT)
        heads += [f"{dataset_title(dataset)}: {first}", *others]
    lines = [
        [title(model), *(t for name in section.datasets for t in section.texts(name, model, SHORT))]
        for model in in_paper_order(list(dict.fromkeys(rows["model"])))
    ]
    titles = {column.metric: column.title for column in SHORT if column.interval}
    shown = rows[rows["metric"].isin(list(titles))]
    known = {"protocol": stored.protocol.label, "commit": stored.index["commit"]}
    note = prose(
        "readme", seeds=seeds_text(shown, titles), **known, **marks_values(stored.protocol)
    )
    text = textwrap.fill(note, WIDTH, break_long_words=False, break_on_hyphens=False)
    return f"{pipe_table(heads, lines, 1)}\n\n{text}\n"


def with_results(text: str, blocks: Mapping[str, str]) -> str:
    """Return the README with every block of results replaced by that of its preset.

    Args:
        text: of the README.
        blocks: what to put between the marks, by preset.

    Raises:
        UserError: a mark without its partner, or a preset that has no stored results.
    """
    pairs = list(BLOCK.finditer(text))
    marks = MARK.findall(text)
    if len(marks) != 2 * len(pairs) or any(len(MARK.findall(p[0])) != 2 for p in pairs):
        raise UserError(
            "README: expected pairs of lines <!-- results: PRESET --> and <!-- /results -->, found "
            f"{', '.join(marks)}; write one of either around every table"
        )
    for preset in (pair["preset"] for pair in pairs):
        if preset not in blocks:
            raise UserError(
                f"README: expected results of a stored preset ({', '.join(blocks) or 'none is'}), "
                f"found the mark of '{preset}'.{nearest(preset, blocks)} Store its results with: "
                "snakemake --cores all freeze, or remove the two marks"
            )
    return BLOCK.sub(lambda pair: f"{pair['head']}{blocks[pair['preset']]}{pair['tail']}", text)

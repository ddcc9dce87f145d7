"""The leaderboard of all stored results, and the README's tables of results.

Usage: python -m reports.leaderboard [--root DIR] [--readme FILE]

Reads the stored results of every preset, see :mod:`reports.freeze.stored`, and writes
``leaderboard.{md,csv}`` beside them, one section per preset and its protocol. In the README the
text between ``<!-- results: PRESET -->`` and ``<!-- /results -->`` becomes the short table of that
preset. Nothing is scored: equal stored rows give equal bytes.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from dlvae.stage.artefact import write_text
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.runtime import run_stage, stage_parser
from reports.freeze.stored import STORED, load_stored, stored_presets
from reports.leaderboard_section import COLUMNS, FIELDS, LeaderboardSection, records, title
from reports.names import dataset_title, in_paper_order
from reports.tables.captions import prose, seeds_text
from reports.tables.formats import pipe_table
from reports.tables.marks import marks_values
from reports.text import render

README = STORED.parents[1] / "README.md"
MARK = re.compile(r"<!-- /?results\b[^\n]*")
BLOCK = re.compile(
    r"(?P<head><!-- results: (?P<preset>[^\s>]+) -->\n).*?(?P<tail><!-- /results -->)", re.DOTALL
)
# Of the README. IS and d_intra with their intervals, top-1 without: there is room for no more.
SHORT = (COLUMNS[0], replace(COLUMNS[1], interval=False), replace(COLUMNS[2], digits=3))
WIDTH = 100


def texts(root: Path = STORED, readme: Path | None = README) -> dict[Path, str]:
    """Return the texts of all files that follow from the stored results.

    Args:
        root: folder of the stored results.
        readme: left alone if None.

    Raises:
        UserError: nothing is stored, rows of a preset cannot stand in one section, or see
            :func:`with_results`.
    """
    presets = stored_presets(root)
    if not presets:
        raise UserError(
            f"expected stored results in {root}, found none. Make them with: snakemake --cores all "
            "freeze"
        )
    sections = {name: LeaderboardSection(load_stored(name, root)) for name in presets}
    found = [record for section in sections.values() for record in records(section)]
    data = pd.DataFrame(found, columns=list(FIELDS))
    made = {
        root / "leaderboard.md": render("leaderboard.md.j2", sections=sections.values()),
        root / "leaderboard.csv": data.to_csv(index=False, lineterminator="\n"),
    }
    if readme is not None:
        blocks = {name: block(section) for name, section in sections.items()}
        made[readme] = with_results(_read(readme), blocks)
    return made


def block(section: LeaderboardSection) -> str:
    """Return the README's table: models in the paper's order, data sets side by side."""
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


def _read(readme: Path) -> str:
    try:
        return readme.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"expected a README at {readme}: {error}; name it with --readme") from error


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    for path, text in texts(args.root, args.readme).items():
        write_text(path, text)
        print(f"wrote {path}")


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--root", type=Path, default=STORED, help="folder of the stored results")
    parser.add_argument("--readme", type=Path, default=README)
    run_stage(main, parser)

"""The leaderboard of all stored results, and the README's tables of results.

Usage: python -m reports.leaderboard [--root DIR] [--readme FILE]

Reads the stored results of every preset, see :mod:`reports.freeze.stored`, and writes
``leaderboard.{md,csv}`` beside them, one section per preset and its protocol. In the README the
text between ``<!-- results: PRESET -->`` and ``<!-- /results -->`` becomes the short table of that
preset. Nothing is scored: equal stored rows give equal bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dlvae.stage.artefact import write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from reports.freeze.stored import STORED, load_stored, stored_presets
from reports.leaderboard_section import FIELDS, LeaderboardSection, records
from reports.readme import block, with_results
from reports.text import render

README = STORED.parents[1] / "README.md"
NAME = "leaderboard"


@dataclass(frozen=True)
class Leaderboard:
    """All that is made from the stored results.

    Attributes:
        markdown, csv: text of the two files.
        blocks: what the README shows, by preset.
    """

    markdown: str
    csv: str
    blocks: dict[str, str]


def leaderboard(root: Path = STORED) -> Leaderboard:
    """Make the leaderboard of the stored results under ``root``.

    Raises:
        UserError: nothing is stored, or rows of a preset cannot stand in one section.
    """
    presets = stored_presets(root)
    if not presets:
        raise UserError(
            f"expected stored results in {root}, found none. Make them with: snakemake --cores all "
            "freeze"
        )
    sections = {name: LeaderboardSection(load_stored(name, root)) for name in presets}
    found = [record for section in sections.values() for record in records(section)]
    return Leaderboard(
        render("leaderboard.md.j2", sections=sections.values()),
        pd.DataFrame(found, columns=list(FIELDS)).to_csv(index=False, lineterminator="\n"),
        {name: block(section) for name, section in sections.items()},
    )


def write_leaderboard(root: Path = STORED, readme: Path | None = README) -> list[Path]:
    """Write ``leaderboard.{md,csv}`` under ``root`` and the README's tables; return the files.

    Args:
        root: folder of the stored results.
        readme: left alone if None.

    Raises:
        UserError: see :func:`leaderboard` and :func:`reports.readme.with_results`; nothing is
            written then.
    """
    texts = _texts(root, readme)
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def outdated(root: Path, readme: Path | None) -> Iterator[tuple[Path, str, str]]:
    """Yield the files that do not follow from the stored rows: path, text expected, text found.

    Args:
        root: folder of the stored results.
        readme: not looked at if None.

    Raises:
        UserError: see :func:`write_leaderboard`.
    """
    for path, expected in _texts(root, readme).items():
        found = path.read_text(encoding="utf-8") if path.is_file() else ""
        if found != expected:
            yield path, expected, found


def _texts(root: Path, readme: Path | None) -> dict[Path, str]:
    made = leaderboard(root)
    texts = {root / f"{NAME}.md": made.markdown, root / f"{NAME}.csv": made.csv}
    if readme is not None:
        texts[readme] = with_results(_read(readme), made.blocks)
    return texts


def _read(readme: Path) -> str:
    try:
        return readme.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"expected a README at {readme}: {error}; name it with --readme") from error


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    for path in write_leaderboard(args.root, args.readme):
        print(f"wrote {path}")


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--root", type=Path, default=STORED, help="folder of the stored results")
    parser.add_argument("--readme", type=Path, default=README)
    run_stage(main, parser)

"""The command line of a page made of score rows: a CSV and a Markdown file."""

from __future__ import annotations

import argparse
from pathlib import Path

from dlvae.stage.runtime import stage_parser


def page_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a stage's parser with ``--protocol``, ``--csv`` and ``--markdown``."""
    parser = stage_parser(doc)
    parser.add_argument("--protocol", required=True, help="protocol file")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    return parser


def scores_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a page's parser with ``--scores`` and ``--cards``."""
    parser = page_parser(doc)
    parser.add_argument("--scores", nargs="+", required=True, help="score rows, CSV")
    parser.add_argument("--cards", nargs="*", default=[], help="evaluator reports, JSON")
    return parser

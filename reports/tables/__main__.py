"""Tables 1 and 2, and those of more metrics, from score rows: CSV, Markdown, HTML and LaTeX.

Usage: python -m reports.tables table1|table2|metrics|imagenet|disentanglement
    --scores CSV ... --cards JSON ... --protocol FILE
    --config '{"preset", "datasets", "models"}' --out DIR
"""

from __future__ import annotations

import argparse

from dlvae.stage.runtime import run_stage
from reports.tables.inputs import TableInputs, read_scores, scores_parser
from reports.tables.specs import TABLES
from reports.tables.table import build_table, write_table


def main(args: argparse.Namespace) -> None:
    """Run the table stage."""
    rows, protocol, cards = read_scores(args)
    scores = TableInputs(rows, args.config["datasets"], args.config["models"], cards)
    write_table(build_table(TABLES[args.table], scores, protocol), args.out)


if __name__ == "__main__":
    parser = scores_parser(__doc__)
    parser.add_argument("table", choices=sorted(TABLES))
    parser.add_argument("--out", required=True, help="folder to write")
    run_stage(main, parser)

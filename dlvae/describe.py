"""Describe a prepared data set: `croissant.json`, a data card that other tools read, in its folder.

Beside `card.json`, which stays as it is: scores and models are known by what they read, and that is
no part of it.

Example:
    python -m dlvae.describe --data results/quick/data/digits
"""

import argparse

from dlvae.data.croissant.document import NAME, write_croissant
from dlvae.stage.runtime import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Command line: describe, then say in one line what was written."""
    document = write_croissant(args.data)
    print(f"{document['name']}: {args.data}/{NAME}")


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--data", required=True, help="folder of a prepared data set")
    run_stage(main, parser)

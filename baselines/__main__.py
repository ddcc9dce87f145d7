"""Start a model of your own: ``python -m baselines new NAME``."""

from __future__ import annotations

import argparse

from baselines.new import create, next_steps
from dlvae.stage.runtime import run_stage


def main(args: argparse.Namespace) -> None:
    """Run the command."""
    print(next_steps(create(args.name)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m baselines", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="write a folder of baselines/ with a model that works")
    new.add_argument("name", metavar="NAME", help="a lower-case Python identifier")
    run_stage(main, parser)

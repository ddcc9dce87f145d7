"""A candidate beside the stored results: is my model better?

Usage: python -m reports.compare page --stored DIR --runs JSON --config JSON --out PATH
       python -m reports.compare verdict --page PATH

``page`` writes ``PATH.csv``, ``.md``, ``.html`` and ``.png``. Its config JSON holds ``name`` of the
candidate, ``samples`` (file or folder from outside, or null), ``datasets``, ``seeds`` and
``fail_below``. ``--runs`` is a list with an entry per data set and seed: ``dataset``, ``seed``, and
the files ``scores`` (a list), ``samples`` and ``model`` (manifests; null where nothing was trained)
and ``duplicates``.

``verdict`` prints the Markdown; its exit status is 1 where the candidate is below a threshold.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

from dlvae.candidate import Candidate
from dlvae.stage.artefact import read_json, write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from eval.rows import read_rows
from reports.compare.comparison import Run, beside_stored, tidy
from reports.compare.comparison_page import comparison_page
from reports.compare.conditions import thresholds
from reports.figures.draw_comparison import draw_comparison
from reports.freeze.stored import load_stored


def page(args: argparse.Namespace) -> None:
    """Run the subcommand ``page``."""
    config = args.config
    samples = None if config["samples"] is None else Path(config["samples"])
    candidate = Candidate(
        config["name"], samples, tuple(config["datasets"]), tuple(config["seeds"])
    )
    stored = load_stored(args.stored.name, args.stored.parent)
    rows = read_rows([path for entry in args.runs for path in entry["scores"]])
    least = thresholds(config["fail_below"], candidate.datasets)
    runs = []
    for entry in args.runs:
        parts = [entry[key] and read_json(entry[key]) for key in ("samples", "duplicates", "model")]
        runs.append(Run(entry["dataset"], entry["seed"], *parts))
    found = beside_stored(stored, candidate, rows, runs, least)
    figure = Path(f"{args.out}.png")
    draw_comparison(found, figure)
    markdown, html = comparison_page(found, figure)
    write_text(f"{args.out}.csv", tidy(found).to_csv(index=False, lineterminator="\n"))
    write_text(f"{args.out}.html", html)
    write_text(f"{args.out}.md", markdown)


def verdict(args: argparse.Namespace) -> None:
    """Run the subcommand ``verdict``."""
    try:
        text = Path(f"{args.page}.md").read_text(encoding="utf-8")
        data = pd.read_csv(f"{args.page}.csv")
    except OSError as error:
        raise UserError(f"expected a page, {error}; make it with snakemake compare") from error
    print(text)
    failed = [
        f"{row.metric} on {row.dataset}: expected {row.threshold:g} or more, found "
        f"{row.note if pd.isna(row.value) else f'{row.value:.6g}'}"
        for row in data[data["passed"].eq(False)].itertuples()
    ]
    if failed:
        print(f"error: below fail_below: {'; '.join(failed)}", file=sys.stderr)
        sys.exit(1)


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True)
    write = parts.add_parser("page", parents=[stage_parser(None)], add_help=False)
    write.add_argument("--stored", type=Path, required=True, help="stored results of the preset")
    write.add_argument("--runs", type=json.loads, required=True, help="files of every run, JSON")
    write.add_argument("--out", type=Path, required=True, help="page without its ending")
    write.set_defaults(run=page)
    tell = parts.add_parser("verdict")
    tell.add_argument("--page", type=Path, required=True, help="page without its ending")
    tell.set_defaults(run=verdict)
    return parser


if __name__ == "__main__":
    run_stage(lambda args: args.run(args), command())

"""Collect a candidate's results for the repository: rows, manifests and what follows from them.

Usage: python -m reports.compare.submit --stored DIR --results results/PRESET --runs JSON
    --config JSON --protocol FILE --commit HASH --command TEXT --out DIR

``--runs`` and ``--config`` are those of ``python -m reports.compare page``. The layout is that of
:mod:`reports.compare.submission`; ``python -m reports.freeze.swap`` puts the folder in its place.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlvae.config.preset import canonical
from dlvae.stage.artefact import read_json, sha256_file, write_json, write_text
from dlvae.stage.runtime import run_stage, stage_parser
from eval.rows import read_texts
from reports.compare.submission import (
    DUPLICATES,
    MANIFESTS,
    TABLE,
    Submission,
    must_fit,
)
from reports.freeze.checks import families_of_rows, index_hash
from reports.freeze.lineage import OF_STORED, portable, trace
from reports.freeze.machine import machine
from reports.freeze.stored import Part, Stored, load_stored, scores_text


def collect(
    stored: Stored,
    results: Path,
    runs: Sequence[Mapping[str, Any]],
    candidate: Mapping[str, Any],
    protocol: Path,
    made: Mapping[str, str],
    out: Path,
) -> Submission:
    """Collect the results of a candidate in ``out``, which is made anew.

    Args:
        results: ``results/<preset>``, with a finished comparison.
        runs: files of every run, ``scores`` and ``duplicates`` among them.
        candidate: ``name``, ``samples`` (None where it was trained), ``datasets``, ``seeds``.
        protocol: file that the scores were taken by.
        made: commit and command.

    Raises:
        UserError: something is missing or out of date, or cannot stand beside the stored results.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    name, folder = candidate["name"], results / f"scores{OF_STORED}"
    files = [Path(path) for run in runs for path in run["scores"]]
    lines = {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}
    texts = {key: read_texts(path) for key, path in lines.items()}
    write_text(out / Part.SCORES, scores_text(texts, list(texts)))
    starts = [f"scores{OF_STORED}/{key}" for key in texts]
    manifests = trace(results, starts, protocol, ends=("data", Part.EVALUATOR))
    for run in runs:
        place = f"{DUPLICATES}/{run['dataset']}/{name}/seed{run['seed']}"
        manifests[place] = portable(read_json(run["duplicates"]))
    text = [canonical({"artefact": key, **own}) + "\n" for key, own in sorted(manifests.items())]
    write_text(out / MANIFESTS, "".join(text))
    index = {
        "preset": stored.preset,
        "name": name,
        "trained": candidate["samples"] is None,
        "datasets": list(candidate["datasets"]),
        "seeds": list(candidate["seeds"]),
        "families": families_of_rows(texts),
        "protocol": stored.protocol.label,
        "machine": machine(),
        **made,
    }
    write_json(out / Part.INDEX, index | {"files": {}})
    must_fit(found := Submission(out, stored))
    write_text(out / TABLE, found.table())
    index["files"] = {path: sha256_file(out / path) for path in (Part.SCORES, MANIFESTS, TABLE)}
    write_json(out / Part.INDEX, index | {"sha256": index_hash(index)})
    return Submission(out, stored)


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    stored = load_stored(args.stored.name, args.stored.parent)
    made = {"commit": args.commit, "command": args.command}
    parts = (args.results, args.runs, args.config, args.protocol, made, args.out)
    found = collect(stored, *parts)
    print(
        f"{found.index['name']}: {len(found.rows)} score rows, {len(found.manifests)} manifests, "
        f"of {', '.join(found.index['datasets'])}, seeds {found.index['seeds']}"
    )


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--stored", type=Path, required=True, help="stored results of the preset")
    parser.add_argument("--results", type=Path, required=True, help="results/<preset>")
    parser.add_argument("--runs", type=json.loads, required=True, help="files of every run, JSON")
    parser.add_argument("--protocol", type=Path, required=True, help="protocol file")
    parser.add_argument("--commit", default="unknown", help="commit of the checkout")
    parser.add_argument("--command", required=True, help="what submits it again")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    return parser


if __name__ == "__main__":
    run_stage(main, command())

"""Score images or a model by one family of metrics, as rows of a CSV.

Usage: python -m eval.scores FAMILY --inputs JSON --data DIR --protocol FILE --config JSON --out CSV

The config JSON holds ``preset``, ``dataset``, ``model``, ``seed`` and optionally
``protocol_overrides``; the model ``real`` means the data set's own images. The inputs that a family
reads stand in :mod:`eval.families`; of inpainting the config may hold ``landmarks``, see
:mod:`dlvae.data.masks`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from pathlib import Path

from dlvae.stage.artefact import write_manifest
from dlvae.stage.runtime import device, run_stage, stage_parser, use_threads
from eval.families import FAMILIES
from eval.request import ScoreRequest
from eval.rows import score_rows, write_rows


def main(args: argparse.Namespace) -> None:
    """Run the scoring stage."""
    started, where, family = time.time(), "cpu", FAMILIES[args.family]
    if not family.of_logits:  # importing torch would take longer than the score
        use_threads(args.threads)
        where = str(device())
    request = ScoreRequest(args.family, args.config, args.inputs, args.data, args.protocol)
    scores = getattr(importlib.import_module(family.module_name), args.family)(request)
    shared = scores.shared(request, args.fingerprint)
    write_rows(args.out, score_rows(scores.values, shared, scores.columns))
    write_manifest(
        args.out.with_suffix(".manifest.json"),
        inputs={"data": args.data / "card.json", "protocol": args.protocol, **scores.files},
        config=args.config,
        started=started,
        seed=args.config["seed"],
        threads=args.threads,
        precision="fp32",
        device=where,
        extra={"protocol": request.protocol.label, **scores.extra},
    )


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("family", choices=[*FAMILIES])
    parser.add_argument("--inputs", type=json.loads, required=True, help="name to path, as JSON")
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--protocol", type=Path, required=True, help="protocol file")
    parser.add_argument("--out", type=Path, required=True, help="score rows, .csv")
    parser.add_argument("--fingerprint", default="", help="fingerprint of the code")
    return parser


if __name__ == "__main__":
    run_stage(main, command())

"""Train one model: ``python -m dlvae.train --data DIR --config JSON --out DIR ...``."""

from __future__ import annotations

from pathlib import Path

from dlvae.stage.runtime import run_stage, stage_parser
from dlvae.train.trainer import train

if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--resume-root", type=Path, required=True, help="resumable states")
    parser.add_argument("--run-log", type=Path, required=True, help="JSON-lines log")
    parser.add_argument("--init", type=Path, help="trained model to start from")
    parser.add_argument("--fingerprint", default="", help="fingerprint of the code")
    parser.add_argument("--save-seconds", type=float, default=30.0, help="between saved states")
    parser.add_argument("--keep-state", action="store_true", help="for a longer training to go on")
    run_stage(train, parser)

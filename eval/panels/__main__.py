"""Decode the panel of one figure, or of the swap explorer.

Usage: python -m eval.panels figure<k>|explorer --config JSON --inputs JSON --out DIR --threads N

Inputs, by name: figure2 {data, models: {name: folder}}; figure3 {data, samples: {name: file}};
figure4 {models, data}; figure5 {models, data, factors or null}; figure6 {model, unlabelled};
figure7 {ours, cvae_gan, data}; explorer {model, data}. Of figures 4 and 5, `models` are the forms
of one model, as published first.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from pathlib import Path

from dlvae.stage.artefact import save_npz, write_json, write_manifest
from dlvae.stage.runtime import device, run_stage, stage_parser, use_threads
from eval.panels.common import Panel, PanelRequest

FIGURES = tuple(f"figure{number}" for number in range(2, 8))
PANELS = (*FIGURES, "explorer")


def make_panel(request: PanelRequest) -> Panel:
    """Return the panel of ``request.name``, one of ``PANELS``."""
    return getattr(importlib.import_module(f"eval.panels.{request.name}"), request.name)(request)


def main(args: argparse.Namespace) -> None:
    """Run the panel stage."""
    started = time.time()
    use_threads(args.threads)
    config = args.config
    panel = make_panel(PanelRequest(args.figure, config, args.inputs))
    shared = {key: config[key] for key in ("preset", "dataset", "seed", "bn_eval")}
    save_npz(args.out / "panel.npz", **panel.arrays)
    write_json(args.out / "panel.json", {"figure": args.figure, **shared, **panel.meta})
    write_manifest(
        args.out / "manifest.json",
        inputs=panel.files,
        config=config,
        started=started,
        seed=config["seed"],
        threads=args.threads,
        precision="fp32",
        device=str(device()),
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("figure", choices=PANELS)
    parser.add_argument("--inputs", type=json.loads, required=True, help="name to path, as JSON")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    run_stage(main, parser)

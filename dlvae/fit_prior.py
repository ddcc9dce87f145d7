"""Set a trained model's priors to its codes: ``python -m dlvae.fit_prior --model-dir DIR ...``.

As published, priors are what training has left of them: N(0, I), and a mixture that moves by the
learning rate per update. Here each is set in closed form to the codes of the training images, so
that samples of the prior lie where the decoder has seen codes; of every snapshot of the training to
the codes of that snapshot. No other weight changes. Batch norms are re-estimated when the model is
sampled, as those of any model.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from dlvae.base import GenerativeModel
from dlvae.data.batches import to_model_range
from dlvae.data.dataset import Split, load_split
from dlvae.stage.artefact import read_json, write_manifest
from dlvae.stage.errors import UserError
from dlvae.stage.registry import (
    DEFINITION,
    SNAPSHOTS,
    WEIGHTS,
    Snapshots,
    load_model,
    load_snapshots,
    save_model,
    save_snapshots,
)
from dlvae.stage.runtime import run_stage, stage_parser, use_threads
from dlvae.stage.weights import MANIFEST

COSTS = ("steps", "images_seen", "epochs_seen", "cpu_seconds")  # of the training


def fit_to(model: GenerativeModel, train: Split) -> None:
    """Fit a model's priors, in place, to a training split.

    Raises:
        UserError: the model has no codes to fit a prior to.
    """
    if not hasattr(model, "fit_priors"):
        raise UserError(
            f"{type(model).__name__}: expected a model with fit_priors, found one without; leave "
            "it out of the preset's key 'fitted'"
        )
    points = train.images is None
    values = torch.from_numpy(train.points) if points else to_model_range(train.images)
    labels = torch.from_numpy(train.labels)
    model.fit_priors(values.to(model.device), labels.to(model.device))


def fitted_snapshots(model: GenerativeModel, snapshots: Snapshots, train: Split) -> Snapshots:
    """Return snapshots with priors fitted to their own codes; the model is left as the last one."""
    found = {}
    for step, weights in snapshots.items():
        model.load_state_dict(weights)
        fit_to(model, train)
        found[step] = {name: tensor.cpu().clone() for name, tensor in model.state_dict().items()}
    return found


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    started = time.time()
    use_threads(args.threads)
    model, train = load_model(args.model_dir), load_split(args.data, "train")
    definition = read_json(args.model_dir / DEFINITION)
    fit_to(model, train)
    section = definition["section"] | {"priors": "fitted"}
    save_model(args.out, definition["model"], model, section)
    save_snapshots(args.out, fitted_snapshots(model, load_snapshots(args.model_dir), train))
    trained = read_json(args.model_dir / MANIFEST)
    inputs = {name: args.model_dir / name for name in (WEIGHTS, DEFINITION, SNAPSHOTS)}
    write_manifest(
        args.out / MANIFEST,
        inputs=inputs | {"data": args.data / "card.json"},
        config=args.config,
        started=started,
        seed=section["seed"],
        threads=args.threads,
        precision="fp32",
        device=str(model.device),
        extra={key: trained[key] for key in COSTS},
        files=[args.out / name for name in (WEIGHTS, SNAPSHOTS)],
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--model-dir", type=Path, required=True, help="folder of the model")
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--out", type=Path, required=True, help="folder for the fitted model")
    run_stage(main, parser)

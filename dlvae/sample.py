"""Sample a trained model: ``python -m dlvae.sample --model-dir DIR --config JSON --out FILE``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dlvae.base import GenerativeModel
from dlvae.data.batches import to_uint8
from dlvae.data.sample_sets import save_samples
from dlvae.stage.artefact import read_json, write_manifest
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import DEFINITION, WEIGHTS, load_model
from dlvae.stage.runtime import run_stage, stage_parser, use_threads
from dlvae.stage.seeds import generator

BN_EVAL = ("recalibrated", "batch", "running")
BATCH = 256


def ready(
    model: GenerativeModel,
    bn_eval: str,
    draws: torch.Generator,
    source: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> GenerativeModel:
    """Put a model's batch norms in the state that samples and panels are made with.

    Args:
        bn_eval: ``recalibrated`` re-estimates the decoder's statistics on prior samples,
            ``batch`` uses those of each batch (as the authors' code), ``running`` keeps those
            of the training.
        source: images and labels whose codes will be decoded, where it is not prior samples.
    """
    if bn_eval not in BN_EVAL:
        raise UserError(
            f"bn_eval: expected one of {', '.join(BN_EVAL)}, found '{bn_eval}'."
            f"{nearest(bn_eval, BN_EVAL)}"
        )
    model.eval()
    if bn_eval == "recalibrated":
        model.recalibrate(draws, source=source)
    model.batch_statistics = bn_eval == "batch"
    return model


def sample_set(
    model: GenerativeModel, per_class: int, draws: torch.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``per_class`` images of every class.

    Labels cycle through the classes, so that every batch holds every class equally often (or as
    nearly as its size allows), which the ``batch`` rule for batch norms needs.

    Returns:
        ``images`` uint8 (N, H, W, 3) and ``labels`` int64 (N), N = per_class * C.
    """
    labels = torch.arange(model.task.classes).repeat(per_class)
    return draw_images(model, labels, draws), labels.numpy()


def draw_images(model: GenerativeModel, labels: torch.Tensor, draws: torch.Generator) -> np.ndarray:
    """Draw one image per label, int64 (N,): uint8 (N, H, W, 3), in batches of whole rounds."""
    classes = model.task.classes
    batches = labels.to(model.device).split(classes * max(1, BATCH // classes))
    return np.concatenate([to_uint8(model.sample(batch, draws)) for batch in batches])


def main(args: argparse.Namespace) -> None:
    """Run the sampling stage."""
    started = time.time()
    use_threads(args.threads)
    config: dict[str, Any] = args.config
    parts = [config[key] for key in ("preset", "dataset", "model", "seed")]
    model = load_model(args.model_dir)
    ready(model, config["bn_eval"], generator(*parts, "recalibrate"))
    # The protocol's rule: the number of classes is known only now.
    rule = config["per_class"]
    per_class = rule["few"] if model.task.classes <= rule["few_classes"] else rule["many"]
    images, labels = sample_set(model, per_class, generator(*parts, "sample"))
    save_samples(args.out, images, labels)
    write_manifest(
        args.out.with_suffix(".manifest.json"),
        inputs={name: args.model_dir / name for name in (WEIGHTS, DEFINITION)},
        config=config,
        started=started,
        seed=config["seed"],
        threads=args.threads,
        # Of the training: sampling is fp32 always, and tells nothing apart.
        precision=read_json(args.model_dir / DEFINITION)["section"].get("precision"),
        device=str(model.device),
    )


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--model-dir", type=Path, required=True, help="folder of the model")
    parser.add_argument("--out", type=Path, required=True, help="sample set, .npz")
    return parser


if __name__ == "__main__":
    run_stage(main, command())

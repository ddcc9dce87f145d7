"""Train one model: ``python -m dlvae.train --data DIR --config JSON --out DIR ...``."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from dlvae.base import Batch, GenerativeModel
from dlvae.config.method_keys import Method
from dlvae.data.batches import BatchStream
from dlvae.data.dataset import Split, load_card, load_split
from dlvae.stage.artefact import read_json, write_manifest
from dlvae.stage.errors import UserError
from dlvae.stage.progress import RunLog
from dlvae.stage.registry import (
    DEFINITION,
    SNAPSHOTS,
    WEIGHTS,
    build_seeded,
    save_model,
    save_snapshots,
    weights_hash,
)
from dlvae.stage.runtime import device, resolve_precision, run_stage, stage_parser, use_threads
from dlvae.stage.weights import MANIFEST, load_weights
from dlvae.task import Task
from dlvae.train.loop import Resume, fit


def train(args: argparse.Namespace) -> None:
    """Train one model on one data set with one seed, and save it.

    Args:
        args: those of the command line. Their ``config`` holds ``preset``, ``dataset``,
            ``model``, ``seed``, ``stage`` and the sections ``network``, ``train``, ``method`` and
            ``options``; ``fast`` where it is false. ``train`` holds ``batch_size`` and either
            ``steps`` and ``snapshots`` (after how many of them weights are copied) or, for points,
            ``epochs`` and ``snapshot_epochs``.
    """
    started, config = time.time(), args.config
    use_threads(args.threads, config.get("fast", True))
    split, card = load_split(args.data, "train"), load_card(args.data)
    where = device()
    task, method = make_task(config, split, args.init), Method.read(config["method"], "method")
    names = [config[key] for key in ("preset", "dataset", "model", "seed")]
    model = build_seeded(config["model"], task, method, config["options"], "init", *names)
    step_function = _to_stage(model, config["stage"], args.init)
    model.to(where).train()
    precision = args.precision
    if precision == "auto" and task.kind == "point":
        precision = "fp32"  # casting to bf16 takes longer than layers of 64 units gain by it
    model.precision = resolve_precision(precision, where)
    seed_parts = (config["preset"], config["stage"], *names[1:])
    per_step, flip = model.batches_per_step, bool(card.get("flip"))
    stream = BatchStream(split, task.batch_size, per_step, flip, 0, seed_parts, where)
    steps, snapshots = _schedule(config["train"], len(split))
    label = "/".join(args.out.parts[-3:])  # data set, model or ablation, seed
    endless = config | {"train": {"batch_size": task.batch_size}}
    key = [endless, card["sha256"]["train"], args.fingerprint, model.precision, args.threads]
    # The label too: two names for one method (an ablation may change nothing) share no state.
    key += [where.type, args.init and weights_hash(args.init), label]
    resume = Resume(args.resume_root, key)
    log = RunLog(args.run_log, steps, label)
    options = {"save_seconds": args.save_seconds, "keep_state": args.keep_state}
    taken = fit(model, step_function, stream, steps, log, resume, snapshots, **options)
    log.close()
    if snapshots:
        save_snapshots(args.out, taken.snapshots)
    section = {k: config[k] for k in ("preset", "dataset", "seed", "stage")}
    save_model(args.out, config["model"], model, {**section, "precision": model.precision})
    write_manifest(
        args.out / MANIFEST,
        inputs={"data": args.data / "card.json"},
        config=config,
        started=started,
        seed=config["seed"],
        threads=args.threads,
        precision=model.precision,
        device=str(where),
        extra={
            "code": args.fingerprint,
            "steps": steps,
            "images_seen": steps * per_step * task.batch_size,
            "epochs_seen": steps * per_step * task.batch_size / len(split),
            "cpu_seconds": {str(step): seconds for step, seconds in taken.cpu_seconds.items()},
        },
        files=[args.out / name for name in (WEIGHTS, *[SNAPSHOTS] * bool(snapshots))],
    )
    if not args.keep_state:
        resume.clear()


def make_task(config: dict[str, Any], split: Split, init: Path | None = None) -> Task:
    """Describe data and networks to a model; classes come from ``init`` for unlabelled data."""
    points = split.images is None
    classes = len(split.classes)
    if init is not None:
        classes = read_json(init / DEFINITION)["task"]["classes"]
    return Task(
        kind="point" if points else "image",
        size=2 if points else split.images.shape[1],
        classes=classes,
        batch_size=config["train"]["batch_size"],
        train_images=len(split),
        fast=config.get("fast", True),
        **{key: config["network"][key] for key in ("backbone", "width", "d_s", "d_u")},
    )


def _to_stage(
    model: GenerativeModel, stage: str, init: Path | None
) -> Callable[[Batch, int], dict[str, Tensor]]:
    """Bring a fresh model to a stage of training; return what its steps are."""
    if stage == "semi_supervised" and init is None:
        raise UserError("the semi-supervised stage continues a trained model: give it with --init")
    if init is not None:
        model.load_state_dict(load_weights(init / WEIGHTS))
    if stage == "supervised":
        return model.training_step
    if not hasattr(model, "semi_supervised_step"):
        raise UserError(f"{type(model).__name__} has no semi-supervised stage")
    model.start_semi_supervised()
    return model.semi_supervised_step


def _schedule(train: dict[str, Any], images: int) -> tuple[int, list[int]]:
    """Return the number of steps and the steps of the snapshots.

    A schedule in epochs counts the passes that updates of the decoder make over the data: one
    batch per step, whatever a model reads besides.
    """
    if train.get("epochs") is None:
        return train["steps"], train.get("snapshots", [])
    steps_per_epoch = images / train["batch_size"]
    steps = math.ceil(train["epochs"] * steps_per_epoch)
    return steps, [math.ceil(e * steps_per_epoch) for e in train.get("snapshot_epochs", [])]


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--resume-root", type=Path, required=True, help="resumable states")
    parser.add_argument("--run-log", type=Path, required=True, help="JSON-lines log")
    parser.add_argument("--init", type=Path, help="trained model to start from")
    parser.add_argument("--fingerprint", default="", help="fingerprint of the code")
    parser.add_argument("--save-seconds", type=float, default=30.0, help="between saved states")
    parser.add_argument("--keep-state", action="store_true", help="for a longer training to go on")
    return parser


if __name__ == "__main__":
    run_stage(train, command())

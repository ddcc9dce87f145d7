"""The training stage: from a prepared data set and a config slice to saved weights."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlvae.base import GenerativeModel, Method, Task
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
    load_weights,
    save_model,
    save_weights,
    weights_hash,
)
from dlvae.stage.runtime import device, resolve_precision
from dlvae.train.checkpoint import Resume
from dlvae.train.loop import fit

STAGES = ("supervised", "semi_supervised")


@dataclass(frozen=True)
class Paths:
    """Files of one training.

    Attributes:
        data: prepared data set.
        out: folder for ``weights.safetensors``, ``model.json``, ``manifest.json`` and, where
            snapshots are asked for, ``snapshots.safetensors``.
        resume_root: folder of resumable states.
        run_log: JSON-lines log.
        init: folder of a trained model to start from; needed by the semi-supervised stage.
    """

    data: Path
    out: Path
    resume_root: Path
    run_log: Path
    init: Path | None = None


def train_model(
    paths: Paths,
    config: dict[str, Any],
    *,
    threads: int,
    precision: str,
    fingerprint: str,
    save_seconds: float = 30.0,
    keep_state: bool = False,
) -> None:
    """Train one model on one data set with one seed, and save it.

    Args:
        config: ``preset``, ``dataset``, ``model``, ``seed``, ``stage`` and the sections
            ``network``, ``train``, ``method`` and ``options``. ``train`` holds ``batch_size`` and
            either ``steps`` and ``snapshots`` (after how many of them weights are copied) or, for
            points, ``epochs`` and ``snapshot_epochs``.
        keep_state: leave the last state, from which a longer training continues.
        fingerprint: of the code; part of what a resumed state must match.
    """
    started = time.time()
    split, card = load_split(paths.data, "train"), load_card(paths.data)
    where = device()
    model = _initial_model(config, split, paths).to(where)
    if precision == "auto" and model.task.kind == "point":
        precision = "fp32"  # casting to bf16 takes longer than layers of 64 units gain by it
    resolved = model.precision = resolve_precision(precision, where)
    step_function, per_step = _stage(model, config["stage"])
    seed_parts = tuple(config[k] for k in ("preset", "stage", "dataset", "model", "seed"))
    batch_size = config["train"]["batch_size"]
    stream = BatchStream(split, batch_size, per_step, bool(card.get("flip")), 0, seed_parts, where)
    steps, snapshots = _schedule(config["train"], len(split))
    label = "/".join(paths.out.parts[-3:])  # data set, model or ablation, seed
    endless = config | {"train": {"batch_size": batch_size}}
    key = [endless, card["sha256"]["train"], fingerprint, resolved, threads, where.type]
    # The label too: two names for one method (an ablation may change nothing) share no state.
    key += [_init_hash(paths.init), label]
    resume = Resume(paths.resume_root, key)
    log = RunLog(paths.run_log, steps, label, resumed=resume.exists)
    model.train()
    taken = fit(
        model, step_function, stream, steps, log, resume, snapshots, save_seconds, keep_state
    )
    log.close()
    if snapshots:
        states = taken.snapshots.items()
        flat = {f"{step}/{name}": t for step, state in states for name, t in state.items()}
        save_weights(paths.out / SNAPSHOTS, flat)
    section = {k: config[k] for k in ("preset", "dataset", "seed", "stage")}
    save_model(paths.out, config["model"], model, {**section, "precision": resolved})
    write_manifest(
        paths.out / "manifest.json",
        inputs={"data": paths.data / "card.json"},
        config=config,
        started=started,
        seed=config["seed"],
        threads=threads,
        precision=resolved,
        device=str(where),
        extra={
            "code": fingerprint,
            "steps": steps,
            "images_seen": steps * per_step * batch_size,
            "epochs_seen": stream.epoch(steps),
            "cpu_seconds": {str(step): seconds for step, seconds in taken.cpu_seconds.items()},
        },
    )
    if not keep_state:
        resume.clear()


def _initial_model(config: dict[str, Any], split: Split, paths: Paths) -> GenerativeModel:
    unlabelled = config["stage"] == "semi_supervised"
    if config["stage"] not in STAGES:
        raise UserError(f"stage: expected one of {', '.join(STAGES)}, found '{config['stage']}'")
    if unlabelled and paths.init is None:
        raise UserError("the semi-supervised stage continues a trained model: give it with --init")
    task, method = make_task(config, split, paths.init), Method(**config["method"])
    seed_parts = [config[k] for k in ("preset", "dataset", "model", "seed")]
    model = build_seeded(config["model"], task, method, config["options"], "init", *seed_parts)
    if paths.init is not None:
        model.load_state_dict(load_weights(paths.init / WEIGHTS))
    return model


def make_task(config: dict[str, Any], split: Split, init: Path | None = None) -> Task:
    """Describe data and networks to a model; classes come from ``init`` for unlabelled data."""
    points = split.images is None
    classes = len(split.classes)
    if init is not None:
        classes = read_json(init / DEFINITION)["task"]["classes"]
    network = config["network"]
    return Task(
        kind="point" if points else "image",
        backbone=network["backbone"],
        size=2 if points else split.images.shape[1],
        classes=classes,
        width=network["width"],
        d_s=network["d_s"],
        d_u=network["d_u"],
        batch_size=config["train"]["batch_size"],
        train_images=len(split),
    )


def _stage(model: GenerativeModel, stage: str):
    if stage == "supervised":
        return model.training_step, model.batches_per_step
    if not hasattr(model, "semi_supervised_step"):
        raise UserError(f"{type(model).__name__} has no semi-supervised stage")
    model.start_semi_supervised()
    return model.semi_supervised_step, 1


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


def _init_hash(init: Path | None) -> str | None:
    return None if init is None else weights_hash(init)

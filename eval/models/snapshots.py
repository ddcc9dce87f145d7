"""Points or images of a model at each of its snapshots, as the last weights are sampled too."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import torch

from dlvae.sample import ready, sample_set
from dlvae.stage.artefact import read_json, sha256_arrays
from dlvae.stage.registry import (
    DEFINITION,
    WEIGHTS,
    load_model,
    load_snapshots,
    load_weights,
)
from dlvae.stage.seeds import generator
from eval.models.decoding import ready_model
from eval.request import Request
from eval.scored_images import ScoredImages, training_precision

MANIFEST = "manifest.json"
POINTS = 2100  # per frame of Figure 2; enough to show the spread, few enough to see single points


def snapshot_points(
    request: Request, folder: Path, name: str, labels: np.ndarray
) -> tuple[list[int], np.ndarray]:
    """Sample points of a toy model once per snapshot, from the same codes at each (Figure 2).

    Args:
        folder: of the saved model and its snapshots.
        labels: int64 (N,), the classes asked for, the same at every snapshot.

    Returns:
        The epochs, ascending, and the points, float32 (epochs, N, 2).
    """
    model, epochs, frames = ready_model(request, folder, name), [], []
    for step, weights in load_snapshots(folder).items():
        model.load_state_dict(weights)
        asked = torch.from_numpy(labels).to(model.device)
        points = model.sample(asked, request.draws("codes", name))
        epochs.append(round(step * model.task.batch_size / model.task.train_images))
        frames.append(points.float().cpu().numpy())
    return epochs, np.stack(frames)


def snapshot_images(
    request: Request, folder: Path, per_class: int, steps: Collection[int] | None = None
) -> Iterator[tuple[int, ScoredImages]]:
    """Sample an image model at its snapshots and at the end, as the sampling stage samples it.

    The draws are those of that stage: the last weights give its sample set, and all others are
    drawn from the same codes.

    Args:
        folder: of the saved model, its snapshots and the manifest of its training.
        per_class: images per class.
        steps: after which of the updates; by default all that weights were kept of.

    Yields:
        The step and the images.
    """
    config, model = request.config, load_model(folder)
    # Not the name of this request: a fitted form or an ablation is sampled by the name of ours.
    name = read_json(folder / DEFINITION)["model"]
    parts = [config["preset"], config["dataset"], name, config["seed"]]
    precision = training_precision(folder)
    kept = load_snapshots(folder)
    kept.setdefault(read_json(folder / MANIFEST)["steps"], load_weights(folder / WEIGHTS))
    for step, weights in kept.items():
        if steps is None or step in steps:
            model.load_state_dict(weights)
            ready(model, request.bn_eval, generator(*parts, "recalibrate"))
            images, labels = sample_set(model, per_class, generator(*parts, "sample"))
            sha256 = sha256_arrays(images=images, labels=labels)
            yield step, ScoredImages(images, labels, sha256, precision)

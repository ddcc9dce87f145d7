"""Points or images of a model at each of its snapshots, as the last weights are sampled too."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import torch

from dlvae.artefact import read_json, sha256_arrays
from dlvae.registry import DEFINITION, SNAPSHOTS, load_model
from dlvae.sample import ready, sample_set
from dlvae.seeds import generator
from dlvae.snapshots import load_snapshots
from eval.decoding import model_files, ready_model, training_precision
from eval.request import Request
from eval.scored_images import Scored

POINTS = 2100  # per frame of Figure 2; enough to show the spread, few enough to see single points


def snapshot_files(name: str, folder: Path) -> dict[str, Path]:
    """Return the files that define a saved model and its snapshots, for the manifest."""
    return model_files(name, folder) | {f"{name}/{SNAPSHOTS}": folder / SNAPSHOTS}


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
) -> Iterator[tuple[int, Scored]]:
    """Sample an image model at its snapshots, each as the sampling stage samples the last weights.

    The draws are those of that stage: a snapshot after the last step gives its sample set, and all
    of them the same codes.

    Args:
        folder: of the saved model and its snapshots.
        per_class: images per class.
        steps: which snapshots; all by default.

    Yields:
        The step and the images.
    """
    config, model = request.config, load_model(folder)
    # Not the name of this request: a fitted form or an ablation is sampled by the name of ours.
    name = read_json(folder / DEFINITION)["model"]
    parts = [config["preset"], config["dataset"], name, config["seed"]]
    precision = training_precision(folder)
    for step, weights in load_snapshots(folder).items():
        if steps is None or step in steps:
            model.load_state_dict(weights)
            ready(model, request.bn_eval, generator(*parts, "recalibrate"))
            images, labels = sample_set(model, per_class, generator(*parts, "sample"))
            sha256 = sha256_arrays(images=images, labels=labels)
            yield step, Scored(images, labels, sha256, precision)

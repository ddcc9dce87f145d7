"""Points or images of a model at each of its snapshots, as the last weights are sampled too."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import torch

from dlvae.sample import ready, sample_set
from dlvae.stage.artefact import read_json, sha256_arrays
from dlvae.stage.registry import DEFINITION, WEIGHTS, load_model, load_snapshots
from dlvae.stage.seeds import generator
from dlvae.stage.weights import MANIFEST, load_weights
from eval.models.decoding import ready_model
from eval.request import Request, ScoreRequest
from eval.scored_images import ScoredImages, training_precision

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
    request: ScoreRequest, folder: Path, steps: Collection[int]
) -> Iterator[tuple[int, ScoredImages]]:
    """Sample an image model at its snapshots and at the end, as the sampling stage samples it.

    The draws are those of that stage: the last weights give its sample set, and all others are
    drawn from the same codes.

    Args:
        folder: of the saved model, its snapshots and the manifest of its training.
        steps: after which of the updates, where weights were kept.

    Yields:
        The step and the images.
    """
    config, model = request.config, load_model(folder)
    parts = [config["preset"], config["dataset"], trained_name(folder), config["seed"]]
    precision, kept = training_precision(folder), load_snapshots(folder)
    kept.setdefault(read_json(folder / MANIFEST)["steps"], load_weights(folder / WEIGHTS))
    for step in (step for step in kept if step in steps):
        model.load_state_dict(kept[step])
        ready(model, request.bn_eval, generator(*parts, "recalibrate"))
        images, labels = sample_set(model, request.per_class, generator(*parts, "sample"))
        sha256 = sha256_arrays(images=images, labels=labels)
        yield step, ScoredImages(images, labels, sha256, precision)


def trained_name(folder: Path) -> str:
    """Return the name that a saved model was trained by.

    A model with fitted priors, or an ablation, has the name of ours, so that draws by this name are
    the same for both.
    """
    return read_json(folder / DEFINITION)["model"]

"""Points of a toy model at each of its snapshots, from the same codes at every epoch (Figure 2)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from dlvae.registry import load_weights
from eval.decoding import ready_model
from eval.request import Request

SNAPSHOTS = "snapshots.safetensors"
POINTS = 2100  # per frame; enough to show the spread, few enough to see single points


def snapshot_points(
    request: Request, folder: Path, name: str, labels: np.ndarray
) -> tuple[list[int], np.ndarray]:
    """Sample a model once per snapshot.

    Args:
        folder: of the saved model; holds `SNAPSHOTS`, weights by training step.
        labels: int64 (N,), the classes asked for, the same at every snapshot.

    Returns:
        The epochs, ascending, and the points, float32 (epochs, N, 2).
    """
    model = ready_model(request, folder, name)
    states: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in load_weights(folder / SNAPSHOTS).items():
        step, _, parameter = key.partition("/")
        states.setdefault(int(step), {})[parameter] = tensor
    epochs, frames = [], []
    for step in sorted(states):
        model.load_state_dict(states[step])
        asked = torch.from_numpy(labels).to(model.device)
        points = model.sample(asked, request.draws("codes", name))
        epochs.append(round(step * model.task.batch_size / model.task.train_images))
        frames.append(points.float().cpu().numpy())
    return epochs, np.stack(frames)

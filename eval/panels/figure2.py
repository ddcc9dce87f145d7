"""Figure 2: points of the toy models at each snapshot, from the same codes at every epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from dlvae.base import GenerativeModel
from dlvae.data.dataset import load_split
from dlvae.errors import UserError
from dlvae.registry import load_weights
from dlvae.seeds import numpy_generator
from eval.decoding import model_files, model_hash, ready_model
from eval.panels.common import Panel, PanelRequest

SNAPSHOTS = "snapshots.safetensors"
POINTS = 2100  # per frame; enough to show the spread, few enough to see single points


def figure2(request: PanelRequest) -> Panel:
    """Return ``real`` (n, 2) and ``samples`` (models, epochs, n, 2), float32, with labels."""
    folders = {name: Path(path) for name, path in request.inputs["models"].items()}
    names = list(request.section.get("models") or folders)
    test = load_split(request.path("data"), "test")
    order = numpy_generator(*request.seed_parts("real")).permutation(len(test))[:POINTS]
    labels = np.arange(POINTS) % len(test.classes)
    samples, epochs = [], None
    for name in names:
        model = ready_model(request, folders[name], name)
        found, frames = _frames(request, model, folders[name], name, labels)
        if epochs is not None and found != epochs:
            raise UserError(f"figure2: '{name}' has snapshots at {found}, others at {epochs}")
        epochs = found
        samples.append(frames)
    meta = {
        "models": names,
        "epochs": epochs,
        "classes": test.classes.tolist(),
        "codes": {"seed_parts": [request.seed_parts("codes", name) for name in names]},
        "selection": "Real points are a random subset; a model's codes are the same throughout.",
        "model_hashes": {name: model_hash(folders[name]) for name in names},
    }
    arrays = {"real": test.points[order], "real_labels": test.labels[order]}
    arrays |= {"samples": np.stack(samples), "sample_labels": labels}
    files = {"data/test.npz": request.path("data") / "test.npz"}
    for name in names:
        files |= model_files(name, folders[name])
        files[f"{name}/{SNAPSHOTS}"] = folders[name] / SNAPSHOTS
    return Panel(arrays, meta, files)


def _frames(
    request: PanelRequest, model: GenerativeModel, folder: Path, name: str, labels: np.ndarray
) -> tuple[list[int], np.ndarray]:
    """Return the epochs of the snapshots and the points (epochs, n, 2) at each."""
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

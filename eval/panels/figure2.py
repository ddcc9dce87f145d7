"""Figure 2: points of the toy models at each snapshot, from the same codes at every epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlvae.data.dataset import load_split
from dlvae.errors import UserError
from dlvae.seeds import numpy_generator
from eval.decoding import model_hash
from eval.panels.common import Panel, PanelRequest
from eval.snapshots import POINTS, snapshot_files, snapshot_points


def figure2(request: PanelRequest) -> Panel:
    """Return ``real`` (n, 2) and ``samples`` (models, epochs, n, 2), float32, with labels."""
    folders = {name: Path(path) for name, path in request.inputs["models"].items()}
    names = list(request.section.get("models") or folders)
    test = load_split(request.path("data"), "test")
    order = numpy_generator(*request.seed_parts("real")).permutation(len(test))[:POINTS]
    labels = np.arange(POINTS) % len(test.classes)
    samples, epochs = [], None
    for name in names:
        found, frames = snapshot_points(request, folders[name], name, labels)
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
        files |= snapshot_files(name, folders[name])
    return Panel(arrays, meta, files)

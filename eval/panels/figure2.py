"""Figure 2: points of the toy models at each snapshot, from the same codes at every epoch."""

from __future__ import annotations

import numpy as np

from dlvae.data.dataset import load_split
from dlvae.stage.errors import UserError
from dlvae.stage.registry import SNAPSHOTS
from eval.models.snapshots import POINTS, snapshot_points, trained_name
from eval.panels.common import Panel, PanelRequest


def figure2(request: PanelRequest) -> Panel:
    """Return ``real`` (n, 2) and ``samples`` (models, epochs, n, 2), float32, with labels.

    Models are those of the inputs, in their order; the forms of a model draw the same noise.
    """
    folders, files = request.paths("models"), request.splits("test")
    test = load_split(request.data, "test")
    order = request.numpy_draws("real").permutation(len(test))[:POINTS]
    labels = np.arange(POINTS) % len(test.classes)
    samples, seed_parts, epochs = [], [], None
    for name, folder in folders.items():
        own = trained_name(folder)
        found, frames = snapshot_points(request, folder, own, labels)
        if epochs is not None and found != epochs:
            raise UserError(f"figure2: '{name}' has snapshots at {found}, others at {epochs}")
        epochs = found
        samples.append(frames)
        seed_parts.append(request.seed_parts("codes", own))
        files |= {f"{name}/{SNAPSHOTS}": folder / SNAPSHOTS}
    meta = {
        "models": list(folders),
        "epochs": epochs,
        "classes": test.classes.tolist(),
        "codes": {"seed_parts": seed_parts},
        "selection": "Real points are a random subset; a model's codes are the same throughout.",
    }
    arrays = {"real": test.points[order], "real_labels": test.labels[order]}
    arrays |= {"samples": np.stack(samples), "sample_labels": labels}
    return Panel(arrays, meta, files, folders)

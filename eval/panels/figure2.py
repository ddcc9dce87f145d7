"""Figure 2: points of the toy models at each snapshot, from the same codes at every epoch."""

from __future__ import annotations

import numpy as np

from dlvae.data.dataset import load_split
from dlvae.stage.errors import UserError
from dlvae.stage.registry import SNAPSHOTS
from dlvae.stage.seeds import numpy_generator
from eval.models.decoding import model_files, model_hash
from eval.models.snapshots import POINTS, snapshot_points
from eval.panels.common import Panel, PanelRequest, model_folders, registered_name


def figure2(request: PanelRequest) -> Panel:
    """Return ``real`` (n, 2) and ``samples`` (models, epochs, n, 2), float32, with labels.

    Models are those of the inputs, in their order; the forms of a model draw the same noise.
    """
    folders = model_folders(request)
    owns = {name: registered_name(folder) for name, folder in folders.items()}
    test = load_split(request.path("data"), "test")
    order = numpy_generator(*request.seed_parts("real")).permutation(len(test))[:POINTS]
    labels = np.arange(POINTS) % len(test.classes)
    samples, epochs = [], None
    for name, folder in folders.items():
        found, frames = snapshot_points(request, folder, owns[name], labels)
        if epochs is not None and found != epochs:
            raise UserError(f"figure2: '{name}' has snapshots at {found}, others at {epochs}")
        epochs = found
        samples.append(frames)
    meta = {
        "models": list(folders),
        "epochs": epochs,
        "classes": test.classes.tolist(),
        "codes": {"seed_parts": [request.seed_parts("codes", own) for own in owns.values()]},
        "selection": "Real points are a random subset; a model's codes are the same throughout.",
        "model_hashes": {name: model_hash(folder) for name, folder in folders.items()},
    }
    arrays = {"real": test.points[order], "real_labels": test.labels[order]}
    arrays |= {"samples": np.stack(samples), "sample_labels": labels}
    files = {"data/test.npz": request.path("data") / "test.npz"}
    for name, folder in folders.items():
        files |= model_files(name, folder, SNAPSHOTS)
    return Panel(arrays, meta, files)

"""Figure 3: images of one class, real and of every model."""

from __future__ import annotations

import math

import numpy as np

from dlvae.data.dataset import load_split
from dlvae.data.sample_sets import load_samples
from dlvae.stage.artefact import sha256_arrays
from dlvae.stage.errors import UserError
from eval.panels.common import Panel, PanelRequest, choose_classes
from eval.rows import HASH

SIDE = 3  # images along each side of a block


def figure3(request: PanelRequest) -> Panel:
    """Return ``grids`` uint8 (blocks, 3, 3, H, W, 3): real training images, then each model's.

    The class is ``classes: {<data set>: <name>}`` of the figure's section, else the first one.
    """
    train = load_split(request.data, "train")
    asked = (request.section.get("classes") or {}).get(request.config["dataset"])
    label = 0 if asked is None else int(choose_classes(train.classes, [asked], 1)[0])
    paths = request.paths("samples")
    blocks, hashes = {"real": train.images[train.labels == label]}, {}
    for name, path in paths.items():
        images, labels = load_samples(path)
        blocks[name] = images[labels == label]
        hashes[name] = sha256_arrays(images=images, labels=labels)[:HASH]
        if len(blocks[name]) == 0:
            raise UserError(f"{path}: expected samples of class {label}, found none")
    side = min(SIDE, math.isqrt(min(map(len, blocks.values()))))
    grids = [images[: side**2].reshape(side, side, *images.shape[1:]) for images in blocks.values()]
    meta = {
        "titles": list(blocks),
        "label": label,
        "class_name": str(train.classes[label]),
        "selection": "The first images of the class in each set, none picked by hand.",
        "sample_hashes": hashes,
    }
    return Panel({"grids": np.stack(grids)}, meta, request.splits("train") | paths)

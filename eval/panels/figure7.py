"""Figure 7: inpainting of held-out images under the four masks."""

from __future__ import annotations

import numpy as np

from dlvae.data.dataset import load_split
from dlvae.data.masks import face_masks
from eval.models.decoding import (
    corrupt,
    evenly_spaced,
    inpaint,
    model_files,
    model_hash,
    ready_model,
)
from eval.panels.common import Panel, PanelRequest

IMAGES = 3


def figure7(request: PanelRequest) -> Panel:
    """Return ``original``, ``corrupted``, ``cvae_gan``, ``ours`` (4 masks, n, H, W, 3), ``masks``.

    See `inpaint`; cVAE-GAN is given the true label, ours is given none.
    """
    train, test = (load_split(request.path("data"), name) for name in ("train", "test"))
    chosen = evenly_spaced(len(test), IMAGES)
    images = test.images[chosen]
    masks = face_masks(images.shape[1], request.section.get("landmarks"))
    stacked = np.stack(list(masks.values()))
    corrupted = np.stack([corrupt(images, mask) for mask in stacked])
    arrays = {"original": np.broadcast_to(images, corrupted.shape), "corrupted": corrupted}
    folders = {name: request.path(name) for name in ("cvae_gan", "ours")}
    labels = {"cvae_gan": test.labels[chosen], "ours": None}
    files = {f"data/{name}.npz": request.path("data") / f"{name}.npz" for name in ("train", "test")}
    for name, folder in folders.items():
        model = ready_model(request, folder, name, source=train, needs=("reconstruct",))
        arrays[name] = np.stack(
            [
                inpaint(model, broken, mask, labels[name])
                for broken, mask in zip(corrupted, stacked, strict=True)
            ]
        )
        files |= model_files(name, folder)
    meta = {
        "masks": list(masks),
        "image_indices": chosen.tolist(),
        "labels": test.labels[chosen].tolist(),
        "classes": [str(test.classes[label]) for label in test.labels[chosen]],
        "codes": {"z_s": "Encoder_s of the corrupted image", "z_u": "posterior mean of it"},
        "selection": "Images are evenly spaced over the held-out set.",
        "model_hashes": {name: model_hash(folder) for name, folder in folders.items()},
    }
    return Panel(arrays | {"masks": stacked}, meta, files)

"""Figure 7: inpainting of held-out images under the four masks."""

from __future__ import annotations

import numpy as np

from dlvae.data.dataset import load_split
from dlvae.data.masks import face_masks
from eval.models.decoding import corrupt, evenly_spaced, inpaint, ready_model
from eval.panels.common import Panel, PanelRequest

IMAGES = 3


def figure7(request: PanelRequest) -> Panel:
    """Return ``original``, ``corrupted``, ``cvae_gan``, ``ours`` (4 masks, n, H, W, 3), ``masks``.

    See `inpaint`; cVAE-GAN is given the true label, ours is given none.
    """
    train, test = (load_split(request.data, name) for name in ("train", "test"))
    chosen = evenly_spaced(len(test), IMAGES)
    images, given = test.images[chosen], {"cvae_gan": test.labels[chosen], "ours": None}
    masks = face_masks(images.shape[1], request.section.get("landmarks"))
    corrupted = np.stack([corrupt(images, mask) for mask in masks.values()])
    arrays = {"original": np.broadcast_to(images, corrupted.shape), "corrupted": corrupted}
    folders = {name: request.path(name) for name in given}
    for name, labels in given.items():
        model = ready_model(request, folders[name], name, source=train, needs=("reconstruct",))
        pairs = zip(corrupted, masks.values(), strict=True)
        arrays[name] = np.stack([inpaint(model, broken, mask, labels) for broken, mask in pairs])
    meta = {
        "masks": list(masks),
        "image_indices": chosen.tolist(),
        "labels": test.labels[chosen].tolist(),
        "classes": [str(test.classes[label]) for label in test.labels[chosen]],
        "codes": {"z_s": "Encoder_s of the corrupted image", "z_u": "posterior mean of it"},
        "selection": "Images are evenly spaced over the held-out set.",
    }
    arrays["masks"] = np.stack(list(masks.values()))
    return Panel(arrays, meta, request.splits("train", "test"), folders)

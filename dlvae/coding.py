"""uint8 images to the codes of a model, and codes to uint8 images, a bounded number at once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dlvae.base import GenerativeModel
from dlvae.data.batches import to_model_range, to_uint8

CHUNK = 256  # images encoded or decoded at once


def encode_images(model: GenerativeModel, images: np.ndarray) -> dict[str, Tensor]:
    """Encode uint8 images (N, H, W, 3) to the codes of ``model.encode``, each (N, d)."""
    batches = (images[start : start + CHUNK] for start in range(0, len(images), CHUNK))
    parts = [model.encode(to_model_range(batch, model.device)) for batch in batches]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def decode_grid(model: GenerativeModel, z_s: Tensor, z_u: Tensor) -> np.ndarray:
    """Decode codes (..., d_s) and (..., d_u) to uint8 images (..., H, W, 3).

    Leading dimensions may be broadcast against each other.
    """
    shape = torch.broadcast_shapes(z_s.shape[:-1], z_u.shape[:-1])
    flat = [
        code.expand(*shape, code.shape[-1]).reshape(-1, code.shape[-1]).to(model.device)
        for code in (z_s, z_u)
    ]
    chunks = zip(*(code.split(CHUNK) for code in flat), strict=True)
    images = np.concatenate([to_uint8(model.decode(*chunk)) for chunk in chunks])
    return images.reshape(*shape, *images.shape[1:])

"""uint8 images through a network, in batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from dlvae.artefact import check_samples
from dlvae.data.batches import to_model_range
from dlvae.errors import UserError

BATCH = 256


def check_images(images: np.ndarray, size: int | None) -> None:
    """Refuse anything but uint8 (N, H, W, 3), N > 0, with H = W = ``size`` unless that is None."""
    check_samples(images, np.zeros(images.shape[:1], np.int64), "images")
    if size is not None and images.shape[1:3] != (size, size):
        height, width = images.shape[1:3]
        raise UserError(
            f"images: expected {size} x {size} pixels, the size this network was trained on, "
            f"found {height} x {width}; resize them or train on a data set of that size"
        )


@torch.inference_mode()
def in_batches(
    forward: Callable[[Tensor], tuple[Tensor, ...]],
    images: np.ndarray,
    where: torch.device,
    batch_size: int = BATCH,
) -> tuple[np.ndarray, ...]:
    """Run ``forward`` over uint8 (N, H, W, 3) images; its outputs, joined, as float32 arrays.

    Args:
        forward: float (B, 3, H, W) in [-1, 1] -> tuple of tensors (B, ...).
        where: device that batches are put on.
    """
    parts = [
        forward(to_model_range(images[start : start + batch_size], where))
        for start in range(0, len(images), batch_size)
    ]
    return tuple(torch.cat(outputs).float().cpu().numpy() for outputs in zip(*parts, strict=True))

"""uint8 images through a network, in batches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dlvae.data.batches import to_model_range
from dlvae.data.sample_sets import check_samples
from dlvae.stage.errors import UserError

BATCH = 128


class Features(NamedTuple):
    """What the evaluator says of images, in their order.

    Attributes:
        features: float32 (N, D), the embedding before the last layer, side by side of an ensemble.
        logits: float32 (N, C), or (N, M, C) of an ensemble.
    """

    features: np.ndarray
    logits: np.ndarray


def check_images(images: np.ndarray, size: int | None) -> None:
    """Refuse anything but uint8 (N, H, W, 3), N > 0, with H = W = ``size`` unless that is None."""
    check_samples(images, np.zeros(images.shape[:1], np.int64), "images")
    if size is not None and images.shape[1:3] != (size, size):
        height, width = images.shape[1:3]
        raise UserError(
            f"images: expected {size} x {size} pixels, the size that this judge is made for, found "
            f"{height} x {width}; resize them or use a data set of that size"
        )


@torch.inference_mode()
def outputs_of(images: np.ndarray, network: nn.Module) -> tuple[np.ndarray, ...]:
    """Run uint8 (N, H, W, 3) images through a network, in batches: its outputs, float32 (N, ...).

    Args:
        network: maps float (B, 3, H, W) in [-1, 1] to a tensor (B, ...), or to several; the images
            must have its ``image_size``, where it has one. It is put into evaluation mode.

    Raises:
        UserError: images of a wrong dtype, shape or size, or output that is not finite.
    """
    check_images(images, getattr(network, "image_size", None))
    where, parts = next(iter(network.eval().parameters()), torch.empty(0)).device, []
    for at in range(0, len(images), BATCH):
        outputs = network(to_model_range(images[at : at + BATCH], where))
        parts.append((outputs,) if isinstance(outputs, Tensor) else outputs)
    joined = (torch.cat(outputs).float() for outputs in zip(*parts, strict=True))
    found = tuple(output.cpu().numpy() for output in joined)
    if not all(np.isfinite(array).all() for array in found):
        raise UserError(
            "the judge's output is not finite; train it again with a smaller learning rate"
        )
    return found

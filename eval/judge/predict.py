"""uint8 images through a network, in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dlvae.data.batches import to_model_range
from dlvae.stage.artefact import check_samples
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
def in_batches(
    forward: Callable[[Tensor], tuple[Tensor, ...]], images: np.ndarray, where: torch.device
) -> tuple[np.ndarray, ...]:
    """Run ``forward`` over uint8 (N, H, W, 3) images; its outputs, joined, as float32 arrays.

    Args:
        forward: float (B, 3, H, W) in [-1, 1] -> tuple of tensors (B, ...).
        where: device that batches are put on.
    """
    starts = range(0, len(images), BATCH)
    parts = [forward(to_model_range(images[at : at + BATCH], where)) for at in starts]
    return tuple(torch.cat(outputs).float().cpu().numpy() for outputs in zip(*parts, strict=True))


def extract(images: np.ndarray, evaluator: nn.Module) -> Features:
    """Features and logits of uint8 (N, H, W, 3) images under an evaluator.

    Args:
        evaluator: maps float (B, 3, H, W) in [-1, 1] to features (B, D) and logits (B, C), or
            (B, M, C) of an ensemble; the images must have its ``image_size``, where it has one.
            It is put into evaluation mode.

    Raises:
        UserError: images of a wrong dtype, shape or size, or output that is not finite.
    """
    check_images(images, getattr(evaluator, "image_size", None))
    where = next(iter(evaluator.parameters()), torch.empty(0)).device
    found = Features(*in_batches(evaluator.eval(), images, where))
    if not np.isfinite(found.logits).all() or not np.isfinite(found.features).all():
        raise UserError(
            "the evaluator's output is not finite; train it again with a smaller learning rate"
        )
    return found

"""Sharpness of images, without an evaluator."""

from __future__ import annotations

import numpy as np

from dlvae.stage.errors import UserError
from eval.judge.predict import check_images
from eval.metrics.measured import Measured

GREY = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in the grey value: luma of ITU-R BT.601."""

BATCH = 1024  # images turned into float64 at once


def sharpness(images: np.ndarray) -> Measured:
    """Mean over images of the variance of the Laplacian of each grey image.

    Blurred images have less. With g = 0.299 R + 0.587 G + 0.114 B, the Laplacian is g(y-1, x) +
    g(y+1, x) + g(y, x-1) + g(y, x+1) - 4 g(y, x) at the pixels that have four neighbours; the
    variance is over those pixels, divided by their number.

    Args:
        images: uint8 (N, H, W, 3), H and W at least 3.

    Returns:
        The value in squared grey levels of 0..255; it depends on the image size.

    Raises:
        UserError: images of another dtype or shape.
    """
    check_images(images, None)
    if min(images.shape[1:3]) < 3:
        raise UserError(
            f"sharpness: expected images of at least 3 x 3 pixels, found {images.shape[1]} x "
            f"{images.shape[2]}; use a data set of larger images"
        )
    parts = []
    for start in range(0, len(images), BATCH):
        g = images[start : start + BATCH] @ GREY
        vertical = g[:, :-2, 1:-1] + g[:, 2:, 1:-1]
        horizontal = g[:, 1:-1, :-2] + g[:, 1:-1, 2:]
        parts.append((vertical + horizontal - 4 * g[:, 1:-1, 1:-1]).var(axis=(1, 2)))
    return Measured(float(np.concatenate(parts).mean()), len(images))

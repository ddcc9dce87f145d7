"""What mends arrays of images that are not uint8 (N, H, W, 3), told from what they hold."""

from __future__ import annotations

import numpy as np

GREY = "numpy.repeat(images[..., None], 3, axis=-1)"
CHANNELS_FIRST = "images.transpose(0, 2, 3, 1)"


def type_hint(images: np.ndarray) -> str:
    """Say how to turn images of another type than uint8 into it, by the range of their values."""
    if images.dtype == bool:
        return "convert them with images.astype('uint8') * 255"
    if not np.issubdtype(images.dtype, np.number) or images.size == 0:
        return "save numbers from 0 to 255 with images.astype('uint8')"
    if np.issubdtype(images.dtype, np.complexfloating):
        return "save real numbers from 0 to 255"
    if not np.isfinite(images).all():
        return "some are NaN or infinity: mend what makes the images"
    low, high = images.min(), images.max()
    if np.issubdtype(images.dtype, np.integer):
        if low >= 0 and high <= 255:
            return "all are from 0 to 255: convert them with images.astype('uint8')"
    elif low >= 0 and high <= 1:
        return "all are in [0, 1]: convert them with (x * 255).round().astype('uint8')"
    elif low >= -1 and high <= 1:
        return (
            "all are in [-1, 1]: convert them with ((x + 1) * 127.5).round().clip(0, 255)"
            ".astype('uint8')"
        )
    elif low >= 0 and high <= 255:
        return "all are in [0, 255]: convert them with x.round().clip(0, 255).astype('uint8')"
    return f"they lie in [{low:g}, {high:g}]: bring them to 0 to 255 as their maker meant them"


def shape_hint(shape: tuple[int, ...]) -> str:
    """Say how to turn images of another shape than (N, H, W, 3) into it."""
    if 0 in shape:
        return "there is no image in it: generate some"
    if len(shape) == 3:
        if shape[-1] == 3:
            return "one image alone is images[None]"
        return f"grey images become RGB with {GREY}"
    if len(shape) == 4 and shape[-1] == 1:
        return "grey images become RGB with numpy.repeat(images, 3, axis=-1)"
    if len(shape) == 4 and shape[-1] == 4:
        return "leave out an alpha channel that is 255 throughout with images[..., :3]"
    if len(shape) == 4 and shape[1] == 1:
        return f"grey images, channels first, become RGB with {CHANNELS_FIRST}.repeat(3, axis=-1)"
    if len(shape) == 4 and shape[1] == 3:
        return f"transpose channels-first images with {CHANNELS_FIRST}"
    return "save N images of H rows and W columns, red, green and blue in the last dimension"


def label_hint(labels: np.ndarray, count: int) -> str:
    """Say how to turn labels into one integer for each of ``count`` images."""
    if labels.ndim == 2 and len(labels) == count:
        return "one-hot labels become numbers with labels.argmax(axis=1)"
    if labels.shape == (count,) and np.issubdtype(labels.dtype, np.number):
        return "convert whole numbers with labels.astype('int64')"
    return "save the label number of each of these images"

"""Sample sets: images and the classes asked for, of a model here or of one from elsewhere.

A set that is refused is told how to mend it, from what its arrays hold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlvae.stage.artefact import load_npz, save_npz
from dlvae.stage.errors import UserError

GREY = "numpy.repeat(images[..., None], 3, axis=-1)"
CHANNELS_FIRST = "images.transpose(0, 2, 3, 1)"


def save_samples(path: str | Path, images: np.ndarray, labels: np.ndarray) -> None:
    """Save a sample set: ``images`` uint8 (N, H, W, 3) and the class asked for, int64 (N)."""
    check_samples(images, labels, str(path))
    save_npz(path, images=images, labels=labels)


def load_samples(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Load and check a sample set; see :func:`save_samples`."""
    arrays = load_npz(path)
    missing = {"images", "labels"} - arrays.keys()
    if missing:
        raise UserError(
            f"{path}: expected arrays 'images' and 'labels', found {sorted(arrays)}; save them "
            "with numpy.savez(path, images=..., labels=...)"
        )
    check_samples(arrays["images"], arrays["labels"], str(path))
    return arrays["images"], arrays["labels"].astype(np.int64)


def check_samples(images: np.ndarray, labels: np.ndarray, name: str) -> None:
    """Refuse anything but uint8 (N, H, W, 3) images with N non-negative integer labels."""
    if images.dtype != np.uint8:
        raise UserError(
            f"{name}: expected images of dtype uint8 (0 to 255), found {images.dtype}; "
            f"{type_hint(images)}"
        )
    if images.ndim != 4 or images.shape[-1] != 3 or len(images) == 0:
        raise UserError(
            f"{name}: expected images of shape (N, H, W, 3) with N > 0, found {images.shape}; "
            f"{shape_hint(images.shape)}"
        )
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            f"{name}: expected {len(images)} integer labels, found dtype {labels.dtype} of shape "
            f"{labels.shape}; {label_hint(labels, len(images))}"
        )
    if labels.min() < 0:
        raise UserError(f"{name}: labels out of range: expected >= 0, found {labels.min()}")


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

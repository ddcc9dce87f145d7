"""A sample set as it was handed in: an ``.npz``, or a folder ``<label or class name>/*.png``.

What can be known before images are read is checked first, and of the images only those that are
asked for are held in memory.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from dlvae.data.sample_sets import check_samples, label_hint
from dlvae.stage.artefact import BROKEN, array_header, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.text_files import found_at
from eval.intake.candidate_folders import class_folders, open_folder
from eval.intake.findings import NOTE, Remark
from eval.intake.picture import wrong_size
from eval.intake.unread_samples import Contents, UnreadSamples

MOST = 10_000_000
"""Images of an array. Far above any sample set; below what fills the memory with labels alone."""

HOW = "numpy.savez(path, images=images, labels=labels)"
LOOKED_AT = 16
MOST_LOOKED_AT = 1 << 26
"""Images whose values say what is wrong with their type, and bytes of them."""


def open_candidate(path: Path, size: int, class_names: Sequence[str]) -> UnreadSamples:
    """Open a sample set from outside.

    Args:
        size: side of the data set's images, pixels.
        class_names: in order of their label.

    Raises:
        UserError: it is none, or its labels are out of range.
    """
    folder = check_place(path) == "a folder"
    found = open_folder(path, size, class_names) if folder else open_npz(path, size)
    classes = len(class_names)
    if len(found.labels) and found.labels.max() >= classes:
        raise UserError(
            f"{path}: labels out of range: expected 0 ('{class_names[0]}') to {classes - 1} "
            f"('{class_names[-1]}'), found {found.labels.min()} to {found.labels.max()}; number "
            "the classes as card.json of the data set does"
        )
    return found


def check_place(path: Path) -> str:
    """Return what stands at the path of a candidate, "a folder" or "a file"."""
    if (found := found_at(path)) not in ("a folder", "a file"):
        raise UserError(
            f"candidate: expected an .npz file or a folder of PNG files, found {found} at {path}; "
            "give the path of one, and of a file a regular file"
        )
    return found


def check_candidate(path: Path, size: int) -> None:
    """Check what can be known of a candidate before there is a prepared data set.

    Args:
        size: side of the data set's images, pixels.

    Raises:
        UserError: it is no sample set, or one of images of another size.
    """
    if check_place(path) == "a file":
        open_npz(path, size)
    else:
        class_folders(path)


# Arrays.


def open_npz(path: Path, size: int) -> UnreadSamples:
    """Check the header of ``images`` uint8 (M, size, size, 3); read integer ``labels`` (M,).

    Raises:
        UserError: the file is no such sample set.
    """
    with _archive(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if missing := {"images", "labels"} - set(names):
            raise UserError(
                f"{path}: expected arrays 'images' and 'labels', found {sorted(names)[:10]} "
                f"without {' and '.join(sorted(missing))}; save them with {HOW}"
            )
        member, shape, fortran, dtype = _array(archive, "images", path)
        if shape and shape[0] > MOST:
            raise UserError(f"{path}: expected at most {MOST} images, found {shape[0]}; save fewer")
        few = (min(LOOKED_AT, shape[0]), *shape[1:]) if shape else ()
        if dtype != np.uint8 and math.prod(few) * dtype.itemsize < MOST_LOOKED_AT:
            # The first ones alone: what their values are says how to convert them.
            content = _exactly(member, math.prod(few) * dtype.itemsize, path)
            images = np.frombuffer(content, dtype).reshape(few)
        else:
            images = np.broadcast_to(np.zeros((), dtype), shape)  # of their type and shape alone
        check_samples(images, np.zeros(images.shape[:1], int), str(path))
        if fortran:
            raise UserError(
                f"{path}: expected images in C order, found Fortran order; save "
                "numpy.ascontiguousarray(images)"
            )
        if shape[1:3] != (size, size):
            raise UserError(wrong_size(str(path), shape[2], shape[1], size))
        labels = _labels(archive, path, shape[0])
    check_samples(images, labels, str(path))
    others = sorted(set(names) - {"images", "labels"})
    text = f"Arrays of the file that were not read: {len(others)}, e.g. {', '.join(others[:3])}."
    findings = [Remark("other_arrays", NOTE, text)] if others else []
    return UnreadSamples(labels, partial(_read_npz, path), findings)


def _labels(archive: zipfile.ZipFile, path: Path, count: int) -> np.ndarray:
    member, shape, _, dtype = _array(archive, "labels", path)
    if shape != (count,) or not np.issubdtype(dtype, np.integer):
        labels = np.broadcast_to(np.zeros((), dtype), shape)
        raise UserError(
            f"{path}: expected {count} integer labels, one per image, found {dtype} of shape "
            f"{shape}; {label_hint(labels, count)}"
        )
    labels = np.frombuffer(_exactly(member, count * dtype.itemsize, path), dtype)
    # A label beyond int64 stays out of range instead of becoming negative.
    return np.minimum(labels, min(np.iinfo(dtype).max, np.iinfo(np.int64).max)).astype(np.int64)


def _array(
    archive: zipfile.ZipFile, name: str, path: Path
) -> tuple[IO[bytes], tuple[int, ...], bool, np.dtype]:
    """Open an array: its bytes behind the header, shape, whether in Fortran order, type."""
    member = archive.open(f"{name}.npy")
    try:
        return member, *array_header(member)
    except ValueError as error:
        raise UserError(
            f"{path}: expected a plain array '{name}': {error}; save it with {HOW}"
        ) from error


def _read_npz(path: Path, chosen: np.ndarray) -> Contents:
    wanted, found = set(chosen.tolist()), bytearray()
    with _archive(path) as archive:
        member, shape, _, _ = _array(archive, "images", path)
        for index in range(shape[0]):
            pixels = _exactly(member, math.prod(shape[1:]), path)
            if index in wanted:
                found += pixels
        member.read(1)  # the checksum of the archive is compared at the end of a member
    images = np.frombuffer(found, np.uint8).reshape(-1, *shape[1:])
    return images, sha256_file(path), []


def _exactly(member: IO[bytes], count: int, path: Path) -> bytes:
    found = member.read(count)
    if len(found) < count:
        raise UserError(f"{path}: expected as many values as its header says; save it again")
    return found


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except BROKEN as error:
        raise UserError(
            f"{path}: expected a readable .npz of plain arrays, or a folder of PNG files, found "
            f"{type(error).__name__}: {error}; save it with {HOW}"
        ) from error

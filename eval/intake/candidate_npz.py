"""A sample set handed in as ``.npz``; its header is checked before any image is read."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from dlvae.stage.artefact import check_samples, sha256_file
from dlvae.stage.errors import UserError
from eval.intake.findings import NOTE, Finding
from eval.intake.handed_in import Candidate, Contents, wrong_size

MOST = 10_000_000
"""Images of a file. Far above any sample set; below what fills the memory with labels alone."""

HOW = "numpy.savez(path, images=images, labels=labels)"
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
BROKEN = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)


def open_npz(path: Path, size: int) -> Candidate:
    """Check the headers of a sample set and read its labels.

    Args:
        path: ``images`` uint8 (M, size, size, 3) and integer ``labels`` (M,); other arrays are not
            read.

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
        shape = _checked_images(archive, path, size)
        labels = _labels(archive, path, shape[0])
    # Of images, only their type and shape are looked at.
    check_samples(np.broadcast_to(np.uint8(0), shape), labels, str(path))
    others = sorted(set(names) - {"images", "labels"})
    text = f"Arrays of the file that were not read: {len(others)}, e.g. {', '.join(others[:3])}."
    findings = [Finding("other_arrays", NOTE, text)] if others else []
    return Candidate(labels, partial(_read, path), findings)


def _checked_images(archive: zipfile.ZipFile, path: Path, size: int) -> tuple[int, ...]:
    with archive.open("images.npy") as member:
        shape, fortran, dtype = _header(member, path, "images")
    if shape and shape[0] > MOST:
        raise UserError(f"{path}: expected at most {MOST} images, found {shape[0]}; save fewer")
    check_samples(np.broadcast_to(np.zeros((), dtype), shape), np.zeros(shape[:1], int), str(path))
    if fortran:
        raise UserError(
            f"{path}: expected images in C order, found Fortran order; save "
            "numpy.ascontiguousarray(images)"
        )
    if shape[1:3] != (size, size):
        raise UserError(wrong_size(str(path), shape[2], shape[1], size))
    return shape


def _labels(archive: zipfile.ZipFile, path: Path, count: int) -> np.ndarray:
    with archive.open("labels.npy") as member:
        shape, _, dtype = _header(member, path, "labels")
        if shape != (count,) or not np.issubdtype(dtype, np.integer):
            one_hot = len(shape) == 2 and shape[0] == count
            fix = "labels.argmax(axis=1)" if one_hot else "labels.astype('int64')"
            raise UserError(
                f"{path}: expected {count} integer labels, one per image, found {dtype} of shape "
                f"{shape}; save the label number of each of these images, e.g. {fix}"
            )
        labels = np.frombuffer(_exactly(member, count * dtype.itemsize, path), dtype)
    # A label beyond int64 stays out of range instead of becoming negative.
    most = min(np.iinfo(dtype).max, np.iinfo(np.int64).max)
    return np.minimum(labels, most).astype(np.int64)


def _header(member: IO[bytes], path: Path, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = npy.read_magic(member)
    if version not in HEADERS:
        raise UserError(f"{path}: expected a plain array '{name}'; save it with {HOW}")
    shape, fortran, dtype = HEADERS[version](member)
    if dtype.hasobject:
        raise UserError(
            f"{path}: expected numbers in '{name}', found pickled Python objects, which are never "
            f"loaded; save plain arrays with {HOW}"
        )
    return shape, fortran, dtype


def _read(path: Path, chosen: np.ndarray) -> Contents:
    with _archive(path) as archive, archive.open("images.npy") as member:
        shape, _, _ = _header(member, path, "images")
        images = np.empty((len(chosen), *shape[1:]), np.uint8)
        row_of = {int(index): row for row, index in enumerate(chosen)}
        for index in range(shape[0]):
            pixels = _exactly(member, math.prod(shape[1:]), path)
            if index in row_of:
                images[row_of[index]] = np.frombuffer(pixels, np.uint8).reshape(shape[1:])
        member.read(1)  # the checksum of the archive is compared at the end of a member
    return Contents(images, sha256_file(path))


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

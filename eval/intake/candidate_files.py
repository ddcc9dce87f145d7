"""A sample set as it was handed in: an ``.npz``, or a folder ``<label or class name>/*.png``.

What can be known before images are read is checked first, and of the images only those that are
asked for are held in memory.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from dlvae.data.listing import list_images
from dlvae.stage.artefact import check_samples, sha256_file
from dlvae.stage.errors import UserError, nearest
from eval.intake.findings import NOTE, Remark
from eval.intake.picture import KINDS, SUFFIXES, read_picture, wrong_size

Contents = tuple[np.ndarray, str, list[Remark]]
"""Images uint8 (N, S, S, 3), the SHA-256 of everything handed in, remarks about the files."""

MOST = 10_000_000
"""Images of an array. Far above any sample set; below what fills the memory with labels alone."""

MOST_BYTES = 1 << 24
"""Of one image file: pixels of a sample fill a thousandth of it."""

HOW = "numpy.savez(path, images=images, labels=labels)"
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
BROKEN = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)


@dataclass(frozen=True)
class UnreadSamples:
    """Labelled images from outside, not read yet.

    Attributes:
        labels: int64 (M,), of all images handed in.
        read: ascending indices -> these images; only they are held in memory.
        findings: about what lies beside the images.
    """

    labels: np.ndarray
    read: Callable[[np.ndarray], Contents]
    findings: list[Remark] = field(default_factory=list)


def open_candidate(path: Path, size: int, class_names: Sequence[str]) -> UnreadSamples:
    """Open a sample set from outside.

    Args:
        size: side of the data set's images, pixels.
        class_names: in order of their label.

    Raises:
        UserError: it is none, or its labels are out of range.
    """
    if not path.exists():
        raise UserError(
            f"candidate: expected an .npz file or a folder of PNG files, found nothing at {path}; "
            "give the path of one"
        )
    folder = path.is_dir()
    found = open_folder(path, size, class_names) if folder else open_npz(path, size)
    classes = len(class_names)
    if len(found.labels) and found.labels.max() >= classes:
        raise UserError(
            f"{path}: labels out of range: expected 0 ('{class_names[0]}') to {classes - 1} "
            f"('{class_names[-1]}'), found {found.labels.min()} to {found.labels.max()}; number "
            "the classes as card.json of the data set does"
        )
    return found


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
        _, shape, fortran, dtype = _array(archive, "images", path)
        if shape and shape[0] > MOST:
            raise UserError(f"{path}: expected at most {MOST} images, found {shape[0]}; save fewer")
        images = np.broadcast_to(np.zeros((), dtype), shape)  # of their type and shape alone
        check_samples(images, np.zeros(shape[:1], int), str(path))
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
        one_hot = len(shape) == 2 and shape[0] == count
        fix = "labels.argmax(axis=1)" if one_hot else "labels.astype('int64')"
        raise UserError(
            f"{path}: expected {count} integer labels, one per image, found {dtype} of shape "
            f"{shape}; save the label number of each of these images, e.g. {fix}"
        )
    labels = np.frombuffer(_exactly(member, count * dtype.itemsize, path), dtype)
    # A label beyond int64 stays out of range instead of becoming negative.
    return np.minimum(labels, min(np.iinfo(dtype).max, np.iinfo(np.int64).max)).astype(np.int64)


def _array(
    archive: zipfile.ZipFile, name: str, path: Path
) -> tuple[IO[bytes], tuple[int, ...], bool, np.dtype]:
    """Open an array: its bytes behind the header, shape, whether in Fortran order, type."""
    member = archive.open(f"{name}.npy")
    version = npy.read_magic(member)
    if version not in HEADERS:
        raise UserError(f"{path}: expected a plain array '{name}'; save it with {HOW}")
    shape, fortran, dtype = HEADERS[version](member)
    if dtype.hasobject:
        raise UserError(
            f"{path}: expected numbers in '{name}', found pickled Python objects, which are never "
            f"loaded; save plain arrays with {HOW}"
        )
    return member, shape, fortran, dtype


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


# Folders.


def open_folder(root: Path, size: int, class_names: Sequence[str]) -> UnreadSamples:
    """List the images of every class folder, by label and then by name.

    Args:
        class_names: in order of their label.

    Raises:
        UserError: no class folders or no images, a folder that is no class, two folders of one
            class, a link that leads out of ``root``.
    """
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not folders:
        raise UserError(
            f"{root}: expected folders <label number or class name>/*.png, found none; make one "
            f"folder for each of {len(class_names)} classes"
        )
    findings, by_label = _labelled(root, folders, class_names)
    paths, labels = [], []
    for label, folder in sorted(by_label.items()):
        found = [p for p in list_images(folder) if p.suffix.lower() in SUFFIXES]
        for path in (folder, *found):
            if not path.resolve().is_relative_to(root.resolve()):
                raise UserError(
                    f"{path}: expected a file or folder inside {root}, found a link to "
                    f"{path.resolve()}; copy what it leads to"
                )
        paths += found
        labels += [label] * len(found)
    known = {*folders, *paths}
    beside = [path for folder in (root, *folders) for path in folder.iterdir() if path not in known]
    others = sorted(path.relative_to(root).as_posix() for path in beside)
    text = (
        "Files or folders that were not read, for they are no PNG, JPEG or WebP file of a class: "
        f"{len(others)}, e.g. {', '.join(others[:3])}."
    )
    if not paths:
        found = text if others else "The folders are empty."
        raise UserError(f"{root}: expected PNG files in its folders, found none. {found} Save PNG")
    findings += [Remark("foreign_files", NOTE, text)] if others else []
    read = partial(_read_folder, root, paths, size)
    return UnreadSamples(np.array(labels, np.int64), read, findings)


def _labelled(
    root: Path, folders: Sequence[Path], class_names: Sequence[str]
) -> tuple[list[Remark], dict[int, Path]]:
    """Give every folder its label; a class of this name goes before the label of this number."""
    names = {_normal(name): label for label, name in enumerate(class_names)}
    by_label: dict[int, Path] = {}
    other_numbers = []
    for folder in folders:
        name = _normal(folder.name)
        number = int(name) if name.isascii() and name.isdecimal() else None
        label = names.get(name, number)
        if label is None or label >= len(class_names):
            raise UserError(
                f"{folder}: expected the name of a class or a label from 0 to "
                f"{len(class_names) - 1}, found '{folder.name}'.{nearest(name, names)} Rename or "
                "remove it"
            )
        if label in by_label:
            raise UserError(
                f"{root}: expected one folder for each class, found '{by_label[label].name}' and "
                f"'{folder.name}' for class '{class_names[label]}' (label {label}); a name goes "
                "before a number: name all folders by class"
            )
        by_label[label] = folder
        if number is not None and number != label:
            other_numbers.append(f"{folder.name} has label {label}")
    text = f"Numbers of folders were read as names of classes: {', '.join(other_numbers[:5])}."
    return [Remark("names_before_labels", NOTE, text)] if other_numbers else [], by_label


def _normal(name: str) -> str:
    # The same accented letter is one character on one system and two on another.
    return unicodedata.normalize("NFC", name)


def _read_folder(root: Path, paths: Sequence[Path], size: int, chosen: np.ndarray) -> Contents:
    wanted, images, digest = set(chosen.tolist()), [], hashlib.sha256()
    kinds: dict[str, list[str]] = defaultdict(list)
    for index, path in enumerate(paths):
        payload, name = _bytes(path), path.relative_to(root).as_posix()
        digest.update(f"{name}\0{hashlib.sha256(payload).hexdigest()}\n".encode())
        if index in wanted:
            image, found = read_picture(payload, str(path), size)
            images.append(image)
            for kind in found:
                kinds[kind].append(name)
    findings = [
        Remark(kind, severity, text.format(count=len(kinds[kind]), example=kinds[kind][0]))
        for kind, (severity, text) in KINDS.items()
        if kind in kinds
    ]
    return np.stack(images), digest.hexdigest(), findings


def _bytes(path: Path) -> bytes:
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise UserError(
                f"{path}: expected at most {MOST_BYTES} bytes, found {size}; save pixels alone"
            )
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: expected a readable file: {error}; make it readable") from error

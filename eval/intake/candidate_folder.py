"""A sample set handed in as a folder of folders: ``<label number or class name>/*.png``."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from dlvae.data.listing import Listing, list_images
from dlvae.stage.errors import UserError, nearest
from eval.intake.findings import NOTE, Finding
from eval.intake.handed_in import Candidate, Contents
from eval.intake.picture import KINDS, read_picture

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MOST_BYTES = 1 << 24
"""Of one file: pixels of a sample fill a thousandth of it."""


def open_folder(root: Path, size: int, class_names: Sequence[str]) -> Candidate:
    """List the images of every class folder, by label and then by name.

    Args:
        class_names: in order of their label.

    Raises:
        UserError: no class folders or no images, a folder that is no class, two folders of one
            class, a link that leads out of ``root``.
    """
    folders = sorted(path for path in root.iterdir() if _is_class_folder(path))
    if not folders:
        raise UserError(
            f"{root}: expected folders <label number or class name>/*.png, found none; make one "
            f"folder for each of {len(class_names)} classes"
        )
    findings, by_label = _labelled(root, folders, class_names)
    paths, labels = [], []
    for label in sorted(by_label):
        _require_inside(root, by_label[label])
        found = [p for p in list_images(by_label[label]) if p.suffix.lower() in SUFFIXES]
        for path in found:
            _require_inside(root, path)
        paths += found
        labels += [label] * len(found)
    where = [path.relative_to(root).as_posix() for path in paths]
    listing = Listing(paths, where, np.array(labels, np.int64), list(class_names))
    others = _foreign(root, folders, set(paths))
    if not paths:
        found = others[0].text if others else "The folders are empty."
        raise UserError(f"{root}: expected PNG files in its folders, found none. {found} Save PNG")
    findings += others
    return Candidate(listing.labels, partial(_read, root, listing, size), findings)


def _is_class_folder(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _labelled(
    root: Path, folders: Sequence[Path], class_names: Sequence[str]
) -> tuple[list[Finding], dict[int, Path]]:
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
    return [Finding("names_before_labels", NOTE, text)] if other_numbers else [], by_label


def _normal(name: str) -> str:
    # The same accented letter is one character on one system and two on another.
    return unicodedata.normalize("NFC", name)


def _require_inside(root: Path, path: Path) -> None:
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(
            f"{path}: expected a file or folder inside {root}, found a link to {path.resolve()}; "
            "copy what it leads to"
        )


def _foreign(root: Path, folders: Sequence[Path], read: set[Path]) -> list[Finding]:
    beside = [path for path in root.iterdir() if path not in set(folders)]
    inside = [path for folder in folders for path in folder.iterdir() if path not in read]
    others = sorted(path.relative_to(root).as_posix() for path in beside + inside)
    text = (
        "Files or folders that were not read, for they are no PNG, JPEG or WebP file of a class: "
    )
    text += f"{len(others)}, e.g. {', '.join(others[:3])}."
    return [Finding("foreign_files", NOTE, text)] if others else []


def _read(root: Path, listing: Listing, size: int, chosen: np.ndarray) -> Contents:
    images = np.empty((len(chosen), size, size, 3), np.uint8)
    row_of = {int(index): row for row, index in enumerate(chosen)}
    digest = hashlib.sha256()
    kinds: dict[str, list[str]] = defaultdict(list)
    for index, (path, name) in enumerate(zip(listing.payloads, listing.where, strict=True)):
        payload = _bytes(path)
        digest.update(f"{name}\0{hashlib.sha256(payload).hexdigest()}\n".encode())
        if index in row_of:
            images[row_of[index]], found = read_picture(payload, str(path), size)
            for kind in found:
                kinds[kind].append(name)
    findings = [
        Finding(kind, severity, text.format(count=len(kinds[kind]), example=kinds[kind][0]))
        for kind, (severity, text) in KINDS.items()
        if kind in kinds
    ]
    return Contents(images, digest.hexdigest(), findings)


def _bytes(path: Path) -> bytes:
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise UserError(
                f"{path}: expected at most {MOST_BYTES} bytes, found {size}; save pixels alone"
            )
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: expected a readable file: {error}; make it readable") from error

"""A sample set handed in as a folder ``<label or class name>/*.png``."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from dlvae.data.listing import list_images
from dlvae.stage.errors import UserError, nearest
from eval.intake.findings import NOTE, Remark
from eval.intake.picture import KINDS, SUFFIXES, read_picture
from eval.intake.unread_samples import Contents, UnreadSamples

MOST_BYTES = 1 << 24
"""Of one image file: pixels of a sample fill a thousandth of it."""


def open_folder(root: Path, size: int, class_names: Sequence[str]) -> UnreadSamples:
    """List the images of every class folder, by label and then by name.

    Args:
        class_names: in order of their label.

    Raises:
        UserError: no class folders or no images, a folder that is no class, two folders of one
            class, a link that leads out of ``root``.
    """
    folders = class_folders(root)
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


def class_folders(root: Path) -> list[Path]:
    """Return the folders of a candidate's classes, by name; :class:`UserError` without any."""
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not folders:
        raise UserError(
            f"{root}: expected folders <label number or class name>/*.png, found none; make one "
            "folder for each class"
        )
    return folders


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

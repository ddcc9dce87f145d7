"""What a prepared data set and its source are, measured on the files themselves."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dlvae.data.dataset import SPLITS, Split, load_card, load_split
from dlvae.data.images import Payload
from dlvae.data.local import list_root, list_unlabelled_root, source_files
from dlvae.data.people import identities
from dlvae.stage.artefact import read_json, sha256_arrays, sha256_file
from dlvae.stage.errors import UserError

JPEG = "JPEG"
PHOTO_FORMATS = "photo_formats"
"""Key of the manifest of `dlvae.photos`: formats of the photos, and how many were of each."""


@dataclass(frozen=True)
class SplitFacts:
    """One `.npz` file.

    Attributes:
        size: bytes of the file.
        sha256: of the file.
        arrays: dtype and shape of every array, by name.
        classes: images (or points) of each class, in label order; empty if unlabelled.
        people: images of each person of an unlabelled set, in descending order; None if nobody
            knows who is shown.
        repeats: how many are equal, value by value, to an earlier one of the split.
        in_train: how many are equal to one of the training split; 0 of that split itself.
        factors: names of the ground-truth factors.
    """

    size: int
    sha256: str
    arrays: dict[str, tuple[np.dtype, tuple[int, ...]]]
    classes: tuple[int, ...]
    people: tuple[int, ...] | None
    repeats: int
    in_train: int
    factors: tuple[str, ...]

    @property
    def count(self) -> int:
        """Images, or points."""
        return self.arrays["labels"][1][0]


@dataclass(frozen=True)
class Facts:
    """A prepared data set.

    Attributes:
        card: its `card.json`.
        card_sha256: of that file.
        card_size: bytes of that file.
        splits: by name, in the order of `SPLITS`.
        inputs: SHA-256 of the source's files by name, where the preparation recorded them.
        formats: file formats of the source's images, and how many are of each; None where the
            images were no files, or are not at hand any more.
        photo_formats: the same of the photos that `dlvae.photos` cut them out of; empty if none.
    """

    card: dict[str, Any]
    card_sha256: str
    card_size: int
    splits: dict[str, SplitFacts]
    inputs: dict[str, str]
    formats: dict[str, int] | None
    photo_formats: dict[str, int]

    @property
    def unlabelled(self) -> bool:
        """Whether the set has no classes."""
        return self.card["role"] == "unlabelled"

    @property
    def from_files(self) -> bool:
        """Whether its images were files of a local folder."""
        return "local folder" in self.card["source"]


def read_facts(folder: str | Path) -> Facts:
    """Measure a prepared data set.

    The source is looked at where the preparation found it. Parquet files there must be those that
    were prepared; image files are not known by their hashes, so for them the reader is trusted.

    Args:
        folder: written by `dlvae.prepare`.

    Raises:
        UserError: a file is missing, is not what the card says, or the source has changed.
    """
    folder = Path(folder)
    card, manifest = load_card(folder), read_json(folder / "manifest.json")
    inputs = {name: entry["sha256"] for name, entry in manifest["inputs"].items()}
    splits, train_rows = {}, set()
    for name in (name for name in SPLITS if name in card["counts"]):
        split = load_split(folder, name)
        if sha256_arrays(**split.arrays()) != card["sha256"][name]:
            raise UserError(
                f"{folder}: expected {name}.npz to hold what card.json says, found other arrays; "
                "remove the folder and prepare the data set again (python -m dlvae.prepare)"
            )
        rows = _row_hashes(split)
        splits[name] = _measure(folder / f"{name}.npz", split, rows, train_rows)
        train_rows = train_rows or set(rows)
    path = folder / "card.json"
    root = manifest["config"].get("root")
    return Facts(
        card=card,
        card_sha256=sha256_file(path),
        card_size=path.stat().st_size,
        splits=splits,
        inputs=inputs,
        formats=_source_formats(card, root, inputs),
        photo_formats=_photo_formats(root),
    )


def _row_hashes(split: Split) -> list[bytes]:
    return [hashlib.sha256(row.tobytes()).digest() for row in split.values]


def _measure(path: Path, split: Split, rows: list[bytes], train_rows: set[bytes]) -> SplitFacts:
    people = None if split.labelled else identities(split)
    return SplitFacts(
        size=path.stat().st_size,
        sha256=sha256_file(path),
        arrays={name: (array.dtype, array.shape) for name, array in split.arrays().items()},
        classes=tuple(np.bincount(split.labels, minlength=len(split.classes)).tolist())
        if split.labelled
        else (),
        people=None if people is None else tuple(n for _, n in Counter(people).most_common()),
        repeats=len(rows) - len(set(rows)),
        in_train=sum(row in train_rows for row in rows),
        factors=() if split.factor_names is None else tuple(split.factor_names.tolist()),
    )


def _source_formats(card: dict, root: str | None, inputs: dict[str, str]) -> dict[str, int] | None:
    """Count the file formats of a local source, by the first bytes of every image."""
    if root is None or "local folder" not in card["source"] or not Path(root).is_dir():
        return None
    for name, path in source_files(root).items():
        if sha256_file(path) != inputs.get(name):
            raise UserError(
                f"{path}: expected the file that was prepared, {str(inputs.get(name))[:12]}, found "
                "another one; prepare the data set again (python -m dlvae.prepare)"
            )
    if card["role"] == "unlabelled":
        listings = [list_unlabelled_root(Path(root))[0]]
    else:
        listings = list(list_root(Path(root))[0].values())
    found = Counter(_format(payload) for each in listings for payload in each.payloads)
    return dict(sorted(found.items()))


def _photo_formats(root: str | None) -> dict[str, int]:
    path = Path(root or "") / "manifest.json"
    return read_json(path).get(PHOTO_FORMATS, {}) if root and path.is_file() else {}


def _format(payload: Payload) -> str:
    with Image.open(io.BytesIO(payload) if isinstance(payload, bytes) else payload) as image:
        return image.format or "unknown"

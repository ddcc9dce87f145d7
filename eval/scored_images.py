"""The images behind a score, generated or real, and the choice of as many as the protocol says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlvae.data.dataset import Split, load_split
from dlvae.data.sample_sets import load_samples
from dlvae.stage.artefact import read_json, sha256_arrays
from dlvae.stage.errors import UserError
from dlvae.stage.registry import DEFINITION
from eval.rows import NONE, UNKNOWN


@dataclass(frozen=True)
class ScoredImages:
    """Labelled images to score.

    Attributes:
        images: uint8 (N, H, W, 3).
        labels: int64 (N,).
        sha256: of the content of the whole file.
        precision: see :class:`eval.rows.ScoreRow`.
    """

    images: np.ndarray
    labels: np.ndarray
    sha256: str
    precision: str

    def evenly(self, count: int) -> ScoredImages:
        """Return at most ``count`` images of each class; see `evenly_per_class`."""
        chosen = evenly_per_class(self.labels, count)
        return replace(self, images=self.images[chosen], labels=self.labels[chosen])


def sampled(path: Path, card: Mapping[str, Any]) -> ScoredImages:
    """Load a sample set, of ours or from elsewhere.

    Args:
        card: of the data set that the samples imitate.

    Raises:
        UserError: images of another dtype, shape or size than the data set's, labels out of range,
            a class without images.
    """
    images, labels = load_samples(path)
    manifest = path.with_suffix(".manifest.json")
    precision = read_json(manifest).get("precision") if manifest.exists() else None
    sha256 = sha256_arrays(images=images, labels=labels)
    return _checked(ScoredImages(images, labels, sha256, precision or UNKNOWN), str(path), card)


def real(data: Path, split: str, card: Mapping[str, Any]) -> ScoredImages:
    """Load a split of the real images.

    Raises:
        UserError: the data set has points or no labels, or a class has no image.
    """
    found = labelled_split(data, split)
    images = ScoredImages(found.images, found.labels, card["sha256"][split], NONE)
    return _checked(images, f"{data}, split {split}", card)


def labelled_split(data: Path, split: str) -> Split:
    """Load a split of labelled images with all that is known of them.

    Raises:
        UserError: the data set has points or no labels.
    """
    found = load_split(data, split)
    if found.images is None or not found.labelled:
        raise UserError(
            f"{data}, split {split}: expected labelled images, found points or no labels"
        )
    return found


def _checked(scored: ScoredImages, name: str, card: Mapping[str, Any]) -> ScoredImages:
    (_, height, width, _), labels = scored.images.shape, scored.labels
    size, classes = card["size"], card["classes"]
    if (height, width) != (size, size):
        raise UserError(
            f"{name}: expected {size} x {size} pixels, as the data set has, found {height} x "
            f"{width}"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise UserError(
            f"{name}: labels out of range: expected 0 to {classes - 1}, found {labels.min()} to "
            f"{labels.max()}"
        )
    missing = np.setdiff1d(np.arange(classes), labels)
    if len(missing):
        names = ", ".join(str(card["class_names"][label]) for label in missing[:5])
        raise UserError(f"{name}: {len(missing)} of {classes} classes have no image, e.g. {names}")
    return scored


def training_precision(folder: Path) -> str:
    """Return the precision that a saved model was trained in; ``unknown`` if it does not say."""
    return read_json(folder / DEFINITION)["section"].get("precision") or UNKNOWN


def evenly_per_class(labels: np.ndarray, count: int) -> np.ndarray:
    """Return ascending indices of at most ``count`` images of each class.

    They are spread evenly over the file, so that an order in it (by source, by date) does not
    decide which are taken; nothing is drawn.
    """
    chosen = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        taken = min(count, len(members))
        chosen.append(members[np.arange(taken) * len(members) // taken])
    return np.sort(np.concatenate(chosen))

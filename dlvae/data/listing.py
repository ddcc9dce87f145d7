"""Which images of a local data set are used, and on which side of the split they fall.

Every choice goes by the SHA-256 of the image file, so it depends on neither file names nor the
order in which a disk lists them, and two equal files of a class never end up on both sides.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from dlvae.data.images import Payload, read_bytes
from dlvae.stage.errors import UserError


@dataclass(frozen=True)
class Listing:
    """Images not yet decoded: `labels` int64 (N,) point into `classes`, or are all -1.

    `people` int64 (N,) is who each image of an unlabelled set shows, where the source knows: no
    training reads it, scores do.
    """

    payloads: list[Payload]
    where: list[str]
    labels: np.ndarray
    classes: list[str]
    people: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.payloads)

    def take(self, keep: np.ndarray) -> "Listing":
        """The images where the boolean mask `keep` is set, in the same order."""
        rows = np.flatnonzero(keep)
        return replace(
            self,
            payloads=[self.payloads[row] for row in rows],
            where=[self.where[row] for row in rows],
            labels=self.labels[rows],
            people=None if self.people is None else self.people[rows],
        )

    def first_classes(self, count: int | None) -> "Listing":
        """The first `count` classes (all when None) and their images."""
        if count is None or count >= len(self.classes):
            return self
        return replace(self.take(self.labels < count), classes=self.classes[:count])


@dataclass(frozen=True)
class Options:
    """Preparation keys that all local labelled sets share; see `faces` for their meaning."""

    size: int
    min_images_per_class: int = 10
    max_images_per_class: int | None = None
    max_classes: int | None = None
    test_fraction: float = 0.1


def choose(listings: dict[str, Listing], options: Options, where: str) -> dict[str, Listing]:
    """Apply the preparation keys: classes, held-out share, minimum, caps, in this order.

    Args:
        listings: "train" and, if the source has one, "test".
        options: the keys.
        where: the section's address in the preset, for messages.

    Returns:
        "train" and "test".

    Raises:
        UserError: a class with too few training images, or keys that leave nothing.
    """
    for key in ("max_classes", "max_images_per_class"):
        if getattr(options, key) == 0:
            raise UserError(f"{where}.{key}: expected at least 1 or null, found 0")
    chosen = {name: each.first_classes(options.max_classes) for name, each in listings.items()}
    if "test" not in chosen:
        chosen["train"], chosen["test"] = hold_out(chosen["train"], options.test_fraction, where)
    _require_images(chosen["train"], options, where)
    if options.max_images_per_class is not None:
        chosen = {n: cap(each, options.max_images_per_class) for n, each in chosen.items()}
    return chosen


def hold_out(listing: Listing, fraction: float, where: str) -> tuple[Listing, Listing]:
    """Split each class: the `fraction` with the lowest hashes, at least one image, is held out."""
    if not 0 < fraction < 1:
        raise UserError(
            f"{where}.test_fraction: expected a value between 0 and 1, found {fraction}; the "
            "source has no test split of its own"
        )
    held = _lowest_per_class(listing, lambda count: max(1, round(fraction * count)))
    return listing.take(~held), listing.take(held)


def cap(listing: Listing, count: int) -> Listing:
    """At most about `count` images of each class (or of all, unlabelled): the lowest hashes."""
    return listing.take(_lowest_per_class(listing, lambda _: count))


def _lowest_per_class(listing: Listing, how_many: Callable[[int], int]) -> np.ndarray:
    """Mark, in every class, the images with the `how_many(class size)` lowest hashes.

    Equal files count as one and are marked together.
    """
    hashes = [hashlib.sha256(read_bytes(payload)).hexdigest() for payload in listing.payloads]
    hashes = np.array(hashes, "S64")
    mask = np.zeros(len(listing), bool)
    for label in np.unique(listing.labels):
        members = np.flatnonzero(listing.labels == label)
        lowest = np.unique(hashes[members])[: how_many(len(members))]
        mask[members] = np.isin(hashes[members], lowest)
    return mask


def _require_images(train: Listing, options: Options, where: str) -> None:
    counts = np.bincount(train.labels, minlength=len(train.classes))
    for name, count in zip(train.classes, counts, strict=True):
        if count < max(options.min_images_per_class, 1):
            raise UserError(
                f"class '{name}': expected at least {max(options.min_images_per_class, 1)} "
                f"training images, found {count}; add images, remove the class, or lower "
                f"{where}.min_images_per_class"
            )

"""Images not yet decoded: what they are, and those of class folders `<root>/<class>/*`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlvae.data.images import Payload
from dlvae.stage.errors import UserError, nearest

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")


@dataclass(frozen=True)
class Listing:
    """Images not yet decoded: `labels` int64 (N,) point into `classes`, or are all -1.

    `where` is how to name each in a message. `people` int64 (N,) is who each image of an unlabelled
    set shows, where the source knows: no training reads it, scores do.
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


def list_class_folders(root: Path, classes: Sequence[str] | None = None) -> Listing:
    """List the images of every class folder; other files, hidden ones included, are ignored.

    Args:
        root: the folder of class folders.
        classes: the class names in label order; None: the folders' names, sorted.

    Raises:
        UserError: no class folders, a folder that is none of `classes`, or no image at all.
    """
    names = [folder.name for folder in _folders(root)]
    if not names:
        raise UserError(
            f"{root}: expected train.parquet or class folders <class>/<image files>, found neither"
        )
    classes = list(names if classes is None else classes)
    for name in names:
        if name not in classes:
            shown = ", ".join(classes[:12]) + (", ..." if len(classes) > 12 else "")
            raise UserError(
                f"{root / name}: expected one of the classes {shown}, found "
                f"'{name}'.{nearest(name, classes)}"
            )
    found = [list_images(root / name) if name in names else [] for name in classes]
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(images) for images in found])
    return _listing(root, [path for images in found for path in images], labels, classes)


def list_unlabelled(root: Path) -> Listing:
    """List the images directly in `root` and in its folders, without labels (-1).

    Where all are in folders, and in several, one folder is one person.
    """
    loose, inside = list_images(root), [list_images(folder) for folder in _folders(root)]
    paths = loose + [path for images in inside for path in images]
    counts = [len(images) for images in inside]
    several = not loose and np.count_nonzero(counts) > 1
    people = np.repeat(np.arange(len(counts)), counts) if several else None
    return _listing(root, paths, np.full(len(paths), -1, np.int64), [], people)


def list_images(folder: Path) -> list[Path]:
    """The image files directly in a folder, by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name[0] != ".")


def _listing(root: Path, paths: list[Path], *rest) -> Listing:
    if not paths:
        raise UserError(
            f"{root}: expected train.parquet or image files ({', '.join(SUFFIXES)}), found neither"
        )
    return Listing(paths, [str(path) for path in paths], *rest)

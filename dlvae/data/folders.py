"""Class folders: `<root>/<class>/*`, one folder of image files per class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlvae.data.listing import Listing
from dlvae.stage.errors import UserError, nearest

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")


def list_class_folders(root: Path, classes: Sequence[str] | None = None) -> Listing:
    """List the images of every class folder; other files, hidden ones included, are ignored.

    Args:
        root: the folder of class folders.
        classes: the class names in label order; None: the folders' names, sorted.

    Raises:
        UserError: no class folders, a folder that is none of `classes`, or no image at all.
    """
    names = sorted(path.name for path in root.iterdir() if _is_class_folder(path))
    if not names:
        raise UserError(
            f"{root}: expected train.parquet or class folders <class>/<image files>, found neither"
        )
    classes = list(names if classes is None else classes)
    for name in names:
        if name not in classes:
            raise UserError(
                f"{root / name}: expected one of the classes {_shorten(classes)}, found "
                f"'{name}'.{nearest(name, classes)}"
            )
    paths, labels = [], []
    for label, name in enumerate(classes):
        found = list_images(root / name) if name in names else []
        paths += found
        labels += [label] * len(found)
    _require_any(paths, root)
    return Listing(paths, [str(path) for path in paths], np.array(labels, np.int64), classes)


def list_unlabelled(root: Path) -> Listing:
    """List the images directly in `root` and in its folders, without labels (-1).

    Where all are in folders, and in several, one folder is one person.
    """
    folders = sorted(path for path in root.iterdir() if _is_class_folder(path))
    loose, inside = list_images(root), [list_images(folder) for folder in folders]
    paths = loose + [path for images in inside for path in images]
    _require_any(paths, root)
    counts = [len(images) for images in inside]
    several = not loose and np.count_nonzero(counts) > 1
    people = np.repeat(np.arange(len(folders)), counts) if several else None
    labels = np.full(len(paths), -1, np.int64)
    return Listing(paths, [str(path) for path in paths], labels, [], people)


def list_images(folder: Path) -> list[Path]:
    """The image files directly in a folder, by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _is_class_folder(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _require_any(paths: list[Path], root: Path) -> None:
    if not paths:
        raise UserError(
            f"{root}: expected train.parquet or image files ({', '.join(SUFFIXES)}), found neither"
        )


def _shorten(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")

"""Local image sets: find the layout of a root folder, choose images, decode them.

Layouts of a labelled root: `train.parquet` (or `train-*.parquet` shards) and, if there is one,
`test.parquet`; `train/<class>/*` and, if there is one, `test/<class>/*`; or `<class>/*`. Without
a test split a share of each class is held out. Unlabelled: `train.parquet`, `train/`, or image
files directly in the root or in folders of it.

Every choice of images goes by the SHA-256 of the file, so it depends on neither file names nor the
order in which a disk lists them, and two equal files of a class never end up on both sides.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from dlvae.config.section import Count, Fraction, Section, Side
from dlvae.data.dataset import PERSON, Prepared, Split
from dlvae.data.images import decode_all, read_bytes
from dlvae.data.listing import (
    Listing,
    list_class_folders,
    list_parquet,
    list_unlabelled,
    parquet_files,
)
from dlvae.stage.errors import UserError
from dlvae.stage.text_files import found_at


class LocalData(Section):
    """Keys that all local labelled sets share."""

    root: str | None = None
    """folder, instead of `data_root`"""
    size: Side
    """side of an image in pixels; images of another size are resized"""
    min_images_per_class: Count = 10
    """a class with fewer training images stops the preparation"""
    max_images_per_class: Count | None = None
    """use at most this many images of a class in each split"""
    max_classes: Count | None = None
    """use the first so many classes, in label order"""
    test_fraction: Fraction = 0.1
    """held-out share of each class, where the source has no test split"""


def check_root(root: str | Path | None, key: str, dataset: str) -> Path:
    """Return `root` as an existing folder, or say which key to set."""
    if root is None:
        raise UserError(
            f"data set '{dataset}': expected a local folder of images, found none configured; "
            f"give it with --config {key}=PATH"
        )
    root = Path(root)
    if (found := found_at(root)) != "a folder":
        raise UserError(
            f"data set '{dataset}': expected a folder at {root}, found {found}; correct --config "
            f"{key}=PATH"
        )
    return root


def list_root(
    root: Path, classes: Sequence[str] | None = None, contents: bool = True
) -> tuple[dict[str, Listing], str]:
    """List a labelled root.

    Args:
        root: in one of the layouts above.
        classes: the class names in label order, where the data set fixes them.
        contents: read the images inside parquet files, too.

    Returns:
        The listings of "train" and, where the root has it, "test"; and the layout's name.
    """
    parquet = {name: parquet_files(root, name) for name in ("train", "test")}
    if parquet["train"]:
        splits = {name: files for name, files in parquet.items() if files}
        read, layout = partial(list_parquet, contents=contents), "parquet"
    else:
        splits = {name: root / name for name in parquet if (root / name).is_dir()}
        splits = splits if "train" in splits else {"train": root}
        read, layout = list_class_folders, "class folders"
    listings = {}
    for name, source in splits.items():
        listings[name] = read(source, classes)
        classes = listings["train"].classes
    return listings, layout


def list_unlabelled_root(root: Path, contents: bool = True) -> tuple[Listing, str]:
    """List an unlabelled root; also returns the layout's name."""
    if files := parquet_files(root, "train"):
        return list_parquet(files, labelled=False, contents=contents), "parquet"
    train = root / "train"
    return list_unlabelled(train if train.is_dir() else root), "image files"


def source_files(root: str | Path | None) -> dict[str, Path]:
    """The parquet and class files read from a root, by name, for the manifest.

    Class folders are left out: their content hash is in the card.
    """
    names = ("train.parquet", "train-*.parquet", "test.parquet", "test-*.parquet", "classes.csv")
    files = [file for name in names if root for file in sorted(Path(root).glob(name))]
    return {file.name: file for file in files if files[0].suffix == ".parquet"}


def choose(listings: dict[str, Listing], options: LocalData, where: str) -> dict[str, Listing]:
    """Apply the preparation keys: classes, held-out share, minimum, caps, in this order.

    Args:
        listings: "train" and, if the source has one, "test".
        where: the section's address in the preset, for messages.

    Returns:
        "train" and "test".

    Raises:
        UserError: a class with too few training images.
    """
    chosen = {name: each.first_classes(options.max_classes) for name, each in listings.items()}
    if "test" not in chosen:
        chosen["train"], chosen["test"] = hold_out(chosen["train"], options.test_fraction)
    check_counts(chosen["train"], options, where)
    if options.max_images_per_class is not None:
        chosen = {n: cap(each, options.max_images_per_class) for n, each in chosen.items()}
    return chosen


def check_listed(train: Listing, options: LocalData, where: str) -> None:
    """Refuse before a run what has one class alone, or a class with too few images.

    Args:
        train: as it is listed, without the images that will be held out.
        where: the section's address in the preset, for messages.
    """
    train = train.first_classes(options.max_classes)
    if len(train.classes) < 2:
        raise UserError(
            f"{train.where[0]}: expected at least two classes, found '{train.classes[0]}' alone; "
            "add the images of others"
        )
    check_counts(train, options, where)


def check_counts(train: Listing, options: LocalData, where: str) -> None:
    """Refuse a class with too few training images; see :func:`choose`."""
    counts = np.bincount(train.labels, minlength=len(train.classes))
    for name, count in zip(train.classes, counts, strict=True):
        if count < options.min_images_per_class:
            raise UserError(
                f"class '{name}': expected at least {options.min_images_per_class} training "
                f"images, found {count}; add images, remove the class, or lower "
                f"{where}.min_images_per_class"
            )


def hold_out(listing: Listing, fraction: float) -> tuple[Listing, Listing]:
    """Split each class: the `fraction` with the lowest hashes, at least one image, is held out."""
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


def decode(listings: dict[str, Listing], size: int, card: dict, exact: bool = False) -> Prepared:
    """Decode every listing; the card gains the conversions made, by split and reason."""
    splits, changes = {}, {}
    for name, listing in listings.items():
        images, changes[name] = decode_all(listing.payloads, listing.where, size, exact)
        factors = ()
        if listing.people is not None:
            factors = listing.people[:, None].astype(np.float32), np.array([PERSON])
        classes = np.array(listing.classes, dtype=str)
        splits[name] = Split(images, None, listing.labels, classes, *factors)
    return Prepared(splits, card | {"conversions": changes})

"""Aligned faces from a local folder, labelled by identity or unlabelled.

The crops must be aligned already. Layouts: see `dlvae.data.local`.

Keys of the preset's `datasets.faces.data` section:

- `size` (64): side in pixels; other sizes are resized with an antialiased filter;
- `min_images_per_class` (10): a class with fewer training images stops the preparation;
- `max_images_per_class` (null): use at most this many images of a class in each split;
- `max_classes` (null): use the first so many classes, in label order;
- `test_fraction` (0.1): held-out share of each class where the source has no test split.

Keys of `datasets.faces.unlabelled`:

- `size` (64);
- `max_images` (null): use at most this many images.
"""

from dataclasses import dataclass
from pathlib import Path

from dlvae.data import listing
from dlvae.data.dataset import Prepared
from dlvae.data.local import (
    check_root,
    decode_splits,
    list_root,
    list_unlabelled_root,
    prepare_labelled,
)
from dlvae.data.preparation import Role

LICENCE = "not known: check the terms of your source; do not redistribute"


@dataclass(frozen=True)
class Options(listing.Options):
    size: int = 64


@dataclass(frozen=True)
class UnlabelledOptions:
    size: int = 64
    max_images: int | None = None


def prepare(options: Options, root: str | Path | None, threads: int = 1) -> Prepared:
    """Read labelled faces from `root` (the configuration's `data_root`).

    Returns:
        Splits "train" and "test", images uint8 (N, size, size, 3), labels by identity.

    Raises:
        UserError: a missing or empty folder, an unreadable image, wrong labels, a small class.
    """
    listings, layout = list_root(check_root(root, "data_root", "faces"))
    card = {"source": f"local folder ({layout})", "licence": LICENCE, "flip": True}
    return prepare_labelled(listings, options, "datasets.faces.data", card, threads=threads)


def prepare_unlabelled(
    options: UnlabelledOptions, root: str | Path | None, threads: int = 1
) -> Prepared:
    """Read unlabelled faces from `root` (the configuration's `unlabelled_root`).

    Returns:
        Split "train" alone, with labels -1. Labels that the source has are dropped; who an image
        shows, where folders or a column `identity` say so, is kept as the factor `PERSON`, which
        scores read and no training does.
    """
    images, layout = list_unlabelled_root(check_root(root, "unlabelled_root", "faces"))
    if options.max_images is not None:
        images = listing.cap(images, options.max_images)
    splits, changes = decode_splits({"train": images}, options.size, False, threads)
    card = {"source": f"local folder ({layout})", "licence": LICENCE, "flip": True}
    return Prepared(splits, card | {"conversions": changes})


ROLES = {
    "labelled": Role(Options, prepare, local=True),
    "unlabelled": Role(UnlabelledOptions, prepare_unlabelled, local=True),
}

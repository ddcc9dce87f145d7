"""Aligned faces from a local folder, labelled by identity or unlabelled.

The crops must be aligned already; `dlvae.photos` aligns photos. Layouts: see `dlvae.data.local`.
"""

import io
from pathlib import Path

from PIL import Image

from dlvae.config.section import Count, Section, Side
from dlvae.data.dataset import Prepared
from dlvae.data.images import FORMATS
from dlvae.data.listing import Listing
from dlvae.data.local import (
    LocalData,
    cap,
    check_listed,
    check_root,
    choose,
    decode,
    list_root,
    list_unlabelled_root,
)
from dlvae.data.sources import Role
from dlvae.stage.errors import UserError

LOOKED_AT = 200  # images whose size says whether a set is one of photos
LICENCE = "not known: check the terms of your source; do not redistribute"


class FacesData(LocalData):
    """The section `datasets.faces.data`."""

    size: Side = 64


class UnlabelledFaces(Section):
    """The section `datasets.faces.unlabelled`; images have the size of the labelled ones."""

    max_images: Count | None = None
    """use at most this many images"""


class SizedUnlabelledFaces(UnlabelledFaces):
    """The same with the size."""

    size: Side = 64


def prepare(options: FacesData, root: str | Path | None) -> Prepared:
    """Read labelled faces from `root` (the configuration's `data_root`).

    Returns:
        Splits "train" and "test", images uint8 (N, size, size, 3), labels by identity.

    Raises:
        UserError: a missing or empty folder, an unreadable image, wrong labels, a small class.
    """
    listings, layout = list_root(check_root(root, "data_root", "faces"))
    check_aligned(listings["train"], root)
    chosen = choose(listings, options, "datasets.faces.data")
    return decode(chosen, options.size, _card(layout))


def prepare_unlabelled(options: SizedUnlabelledFaces, root: str | Path | None) -> Prepared:
    """Read unlabelled faces from `root` (the configuration's `unlabelled_root`).

    Returns:
        Split "train" alone, with labels -1. Labels that the source has are dropped; who an image
        shows, where folders or a column `identity` say so, is kept as the factor `PERSON`, which
        scores read and no training does.
    """
    images, layout = list_unlabelled_root(check_root(root, "unlabelled_root", "faces"))
    check_aligned(images, root)
    if options.max_images is not None:
        images = cap(images, options.max_images)
    return decode({"train": images}, options.size, _card(layout))


def check(options: FacesData, root: str | Path) -> None:
    """Check a folder of labelled faces without reading an image; raises as :func:`prepare`."""
    root = check_root(root, "data_root", "faces")
    train = list_root(root, contents=False)[0]["train"]
    check_aligned(train, root)
    check_listed(train, options, "datasets.faces.data")


def check_unlabelled(options: SizedUnlabelledFaces, root: str | Path) -> None:
    """Check a folder of unlabelled faces in the same way."""
    root = check_root(root, "unlabelled_root", "faces")
    check_aligned(list_unlabelled_root(root, contents=False)[0], root)


def check_aligned(images: Listing, root: str | Path) -> None:
    """Refuse photos: crops are square, or at least of one or two sizes.

    Raises:
        UserError: most of the images are not square and their sizes differ.
    """
    sizes = []
    for payload in images.payloads[:: max(1, len(images) // LOOKED_AT)]:
        source = io.BytesIO(payload) if isinstance(payload, bytes) else payload
        try:
            with Image.open(source, formats=FORMATS) as image:  # reads no pixel
                sizes.append(image.size)
        except Exception:  # decoding names what is wrong
            continue
    oblong = [size for size in sizes if size[0] != size[1]]
    if len(oblong) > len(sizes) / 2 and len(set(sizes)) > 2:
        width, height = oblong[0]
        raise UserError(
            f"{root}: expected aligned faces, found photos ({len(oblong)} of {len(sizes)} "
            f"looked at are not square, e.g. {width} x {height}, and their sizes differ); align "
            f"them with snakemake prepare_faces --config photos={root} and give the folder that "
            "it writes"
        )


def _card(layout: str) -> dict:
    return {"source": f"local folder ({layout})", "licence": LICENCE, "flip": True}


ROLES = {
    "labelled": Role(FacesData, prepare, local=True, check=check),
    "unlabelled": Role(SizedUnlabelledFaces, prepare_unlabelled, True, check_unlabelled),
}

"""Local image sets: find the layout of a root folder, list it, decode what was chosen.

Layouts of a labelled root: `train.parquet` (or `train-*.parquet` shards) and, if there is one,
`test.parquet`; `train/<class>/*` and, if there is one, `test/<class>/*`; or `<class>/*`. Without
a test split a share of each class is held out. Unlabelled: `train.parquet`, `train/`, or image
files directly in the root or in folders of it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlvae.data.dataset import PERSON, Prepared, Split
from dlvae.data.folders import list_class_folders, list_unlabelled
from dlvae.data.images import decode_all
from dlvae.data.listing import Listing, Options, choose
from dlvae.data.parquet import list_parquet, list_parquet_unlabelled, parquet_files
from dlvae.stage.errors import UserError


def check_root(root: str | Path | None, key: str, dataset: str) -> Path:
    """Return `root` as an existing folder, or say which key to set."""
    if root is None:
        raise UserError(
            f"data set '{dataset}': expected a local folder of images, found none configured; "
            f"give it with --config {key}=PATH"
        )
    root = Path(root)
    if not root.is_dir():
        raise UserError(
            f"data set '{dataset}': expected a folder at {root}, found "
            f"{'a file' if root.exists() else 'nothing'}; correct --config {key}=PATH"
        )
    return root


def list_root(root: Path, classes: Sequence[str] | None = None) -> tuple[dict[str, Listing], str]:
    """List a labelled root.

    Args:
        root: in one of the layouts above.
        classes: the class names in label order, where the data set fixes them.

    Returns:
        The listings of "train" and, where the root has it, "test"; and the layout's name.
    """
    if files := parquet_files(root, "train"):
        listings = {"train": list_parquet(files, list(classes) if classes else None)}
        if files := parquet_files(root, "test"):
            listings["test"] = list_parquet(files, listings["train"].classes)
        return listings, "parquet"
    if not (root / "train").is_dir():
        return {"train": list_class_folders(root, classes)}, "class folders"
    listings = {"train": list_class_folders(root / "train", classes)}
    if (root / "test").is_dir():
        listings["test"] = list_class_folders(root / "test", listings["train"].classes)
    return listings, "class folders"


def list_unlabelled_root(root: Path) -> tuple[Listing, str]:
    """List an unlabelled root; also returns the layout's name."""
    if files := parquet_files(root, "train"):
        return list_parquet_unlabelled(files), "parquet"
    train = root / "train"
    return list_unlabelled(train if train.is_dir() else root), "image files"


def source_files(root: str | Path | None) -> dict[str, Path]:
    """The parquet and class files read from a root, by name, for the manifest.

    Class folders are left out: their content hash is in the card.
    """
    if root is None:
        return {}
    root = Path(root)
    files = [*parquet_files(root, "train"), *parquet_files(root, "test")]
    if files and (root / "classes.csv").exists():
        files.append(root / "classes.csv")
    return {file.name: file for file in files}


def decode_splits(
    listings: dict[str, Listing], size: int, exact: bool, threads: int
) -> tuple[dict[str, Split], dict[str, dict[str, int]]]:
    """Decode every listing; also returns the conversions made, by split and reason."""
    splits, changes = {}, {}
    for name, listing in listings.items():
        images, changes[name] = decode_all(
            listing.payloads, listing.where, size, exact=exact, threads=threads
        )
        classes = np.array(listing.classes, dtype=str)
        known = {}
        if listing.people is not None:
            known = {"factors": listing.people[:, None].astype(np.float32)}
            known["factor_names"] = np.array([PERSON])
        splits[name] = Split(images, None, listing.labels, classes, **known)
    return splits, changes


def prepare_labelled(
    listings: dict[str, Listing],
    options: Options,
    where: str,
    card: dict,
    exact: bool = False,
    threads: int = 1,
) -> Prepared:
    """Choose, decode and describe a labelled set; the card gains the conversions made."""
    splits, changes = decode_splits(choose(listings, options, where), options.size, exact, threads)
    return Prepared(splits, card | {"conversions": changes})

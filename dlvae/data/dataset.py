"""A prepared data set on disk: `{train,test}.npz` and `card.json` in one folder.

An unlabelled set has no "test" but `heldout.npz`: images of its people that no training sees.

Arrays of a split file (all readable with `allow_pickle=False`):

- `images` uint8 (N, H, W, 3) with H = W, or for toy data `points` float32 (N, 2);
- `labels` int64 (N,), 0..C-1; an unlabelled set has only -1;
- `classes` fixed-width unicode (C,), the class names in label order; (0,) when unlabelled;
- optional `factors` float32 (N, F) with `factor_names` fixed-width unicode (F,): the ground
  truth behind rendered images.

`card.json` says where the data come from, how many there are and what their content hashes to.
It holds no times and no machine's paths beyond the configured root, so the same preparation
writes the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlvae.stage.artefact import load_npz, read_json, save_npz, sha256_arrays, write_json
from dlvae.stage.errors import UserError

HELD_OUT = "heldout"
SPLITS = ("train", "test", HELD_OUT)
_RERUN = "remove the folder and prepare the data set again (python -m dlvae.prepare)"
PERSON = "identity"  # the factor of an unlabelled set that says who an image shows


@dataclass(frozen=True)
class Split:
    """One split of a prepared data set. Exactly one of `images` and `points` is set."""

    images: np.ndarray | None
    points: np.ndarray | None
    labels: np.ndarray
    classes: np.ndarray
    factors: np.ndarray | None = None
    factor_names: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def values(self) -> np.ndarray:
        """The images (uint8) or the points (float32), whichever this split has."""
        return self.points if self.images is None else self.images

    @property
    def labelled(self) -> bool:
        """False for a set whose labels are all -1."""
        return len(self.classes) > 0

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that are stored and hashed, by name."""
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in named.items() if value is not None}

    def take(self, index: np.ndarray) -> "Split":
        """The rows `index` (integers or a boolean mask), with the same classes."""
        rows = ("images", "points", "labels", "factors")
        return replace(self, **{k: v[index] for k, v in self.arrays().items() if k in rows})


@dataclass(frozen=True)
class Prepared:
    """What a source hands over: its splits and what it knows for the card.

    `card` holds at least source, licence and flip (a horizontal flip keeps the label).
    """

    splits: dict[str, Split]
    card: dict


def check_split(split: Split, where: str) -> Split:
    """Return `split` unchanged, or raise a `UserError` that names `where` and what is wrong."""

    def need(good: bool, expected: str, found: str) -> None:
        if not good:
            raise UserError(f"{where}: expected {expected}, found {found}; {_RERUN}")

    def need_array(name: str, dtype: str, *shape: int) -> None:
        array = getattr(split, name)
        good = array.dtype == dtype and array.shape == shape
        need(good, f"{name} {dtype} {shape}", f"{array.dtype} {array.shape}")

    neither = split.images is None and split.points is None
    alone = (split.images is None) != (split.points is None)
    need(alone, "either 'images' or 'points'", "neither" if neither else "both")
    count, classes, names = len(split.values), split.classes, split.factor_names
    need(count > 0, "at least one row", "none")
    if split.points is None:
        side = max(split.images.shape[1:], default=1)
        need_array("images", "uint8", count, side, side, 3)
    else:
        need_array("points", "float32", count, 2)
    need_array("labels", "int64", count)
    named = classes.dtype.kind == "U" and classes.ndim == 1
    need(named, "classes as a list of names", f"{classes.dtype} {classes.shape}")
    low, high = int(split.labels.min()), int(split.labels.max())
    if split.labelled:
        in_range = low >= 0 and high < len(classes)
        need(in_range, f"labels in 0..{len(classes) - 1}", f"{low}..{high}")
    else:
        need(low == high == -1, "labels -1 (the set names no classes)", f"{low}..{high}")
    together = (split.factors is None) == (names is None)
    need(together, "'factors' and 'factor_names' together", "one of them")
    if names is not None:
        need_array("factors", "float32", count, len(names))
        need(np.isfinite(split.factors).all(), "finite factors", "NaN or infinity")
    return split


def load_split(folder: str | Path, name: str) -> Split:
    """Read and validate one split.

    Args:
        folder: a prepared data set.
        name: "train", "test" or, of an unlabelled set, `HELD_OUT`.

    Raises:
        UserError: the file is missing, unreadable or breaks the contract above.
    """
    path = Path(folder) / f"{name}.npz"
    if not path.exists():
        raise UserError(f"no prepared split {path}; write it with python -m dlvae.prepare")
    arrays = load_npz(path)
    unknown = sorted(set(arrays) - set(Split.__dataclass_fields__))
    missing = sorted({"labels", "classes"} - set(arrays))
    if unknown or missing:
        raise UserError(f"{path}: arrays missing {missing}, unexpected {unknown}; {_RERUN}")
    fields = {field: arrays.get(field) for field in Split.__dataclass_fields__}
    return check_split(Split(**fields), str(path))


def load_card(folder: str | Path) -> dict:
    """The data set's `card.json` as a dict."""
    try:
        return read_json(Path(folder) / "card.json")
    except UserError as error:
        raise UserError(f"{error}; write it with python -m dlvae.prepare") from None


def save_dataset(folder: str | Path, splits: Mapping[str, Split], card_fields: Mapping) -> dict:
    """Write the splits and the card; every file appears by atomic rename, the card last.

    Args:
        folder: made if needed.
        splits: "train" and "test", or `HELD_OUT` of unlabelled sets; classes and image size must
            agree.
        card_fields: dataset, source, licence, flip (a horizontal flip keeps the label),
            preparation (the settings), and any notes. Counts, size, class names and content
            hashes are filled in here.

    Returns:
        The card as written.
    """
    folder, train = Path(folder), splits["train"]
    for name, split in splits.items():
        check_split(split, f"{folder}/{name}.npz")
        if not np.array_equal(split.classes, train.classes):
            raise ValueError(f"{name} has other classes than train")
        if split.values.shape[1:] != train.values.shape[1:]:
            raise ValueError(f"{name} has another size than train")
    for name in set(SPLITS) - set(splits):
        # A split left by an earlier preparation would pass for one of this data set.
        (folder / f"{name}.npz").unlink(missing_ok=True)
    for name, split in splits.items():
        # Not compressed: photographs gain a tenth and then load several times slower.
        save_npz(folder / f"{name}.npz", compress=False, **split.arrays())
    card = dict(card_fields) | {
        "size": int(train.values.shape[1]),
        "counts": {name: len(split) for name, split in splits.items()},
        "classes": len(train.classes),
        "class_names": train.classes.tolist(),
        "sha256": {name: sha256_arrays(**split.arrays()) for name, split in splits.items()},
    }
    write_json(folder / "card.json", card)
    return card

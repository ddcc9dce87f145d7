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

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlvae.stage.artefact import load_npz, save_npz, sha256_arrays, write_json
from dlvae.stage.errors import UserError

HELD_OUT = "heldout"
SPLITS = ("train", "test", HELD_OUT)
CARD_FIELDS = ("dataset", "source", "licence", "flip", "preparation")
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

        def rows(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else array[index]

        return Split(
            rows(self.images),
            rows(self.points),
            self.labels[index],
            self.classes,
            rows(self.factors),
            self.factor_names,
        )


@dataclass(frozen=True)
class Prepared:
    """What a source hands over: its splits and what it knows for the card.

    `card` holds at least source, licence and flip (a horizontal flip keeps the label).
    """

    splits: dict[str, Split]
    card: dict


def content_hash(split: Split) -> str:
    """SHA-256 of a split's arrays, independent of how they are stored."""
    return sha256_arrays(**split.arrays())


def check_split(split: Split, where: str) -> Split:
    """Return `split` unchanged, or raise a `UserError` that names `where` and what is wrong."""

    def fail(expected: str, found: str):
        raise UserError(f"{where}: expected {expected}, found {found}; {_RERUN}")

    if (split.images is None) == (split.points is None):
        fail("either 'images' or 'points'", "both" if split.images is not None else "neither")
    count = len(split.values)
    if count == 0:
        fail("at least one row", "none")
    if split.images is not None:
        shape, dtype = split.images.shape, split.images.dtype
        if dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2]:
            fail("images uint8 (N, size, size, 3)", f"{dtype} {shape}")
    elif split.points.dtype != np.float32 or split.points.shape != (count, 2):
        fail("points float32 (N, 2)", f"{split.points.dtype} {split.points.shape}")
    if split.labels.dtype != np.int64 or split.labels.shape != (count,):
        fail(f"labels int64 ({count},)", f"{split.labels.dtype} {split.labels.shape}")
    if split.classes.dtype.kind != "U" or split.classes.ndim != 1:
        fail("classes as a list of names", f"{split.classes.dtype} {split.classes.shape}")
    low, high = int(split.labels.min()), int(split.labels.max())
    if split.labelled and (low < 0 or high >= len(split.classes)):
        fail(f"labels in 0..{len(split.classes) - 1}", f"{low}..{high}")
    if not split.labelled and (low, high) != (-1, -1):
        fail("labels -1 (the set names no classes)", f"{low}..{high}")
    _check_factors(split, count, fail)
    return split


def _check_factors(split: Split, count: int, fail) -> None:
    if (split.factors is None) != (split.factor_names is None):
        fail("'factors' and 'factor_names' together", "one of them")
    if split.factors is None:
        return
    if split.factors.dtype != np.float32 or split.factors.shape != (count, len(split.factor_names)):
        fail(
            f"factors float32 ({count}, {len(split.factor_names)})",
            f"{split.factors.dtype} {split.factors.shape}",
        )
    if not np.isfinite(split.factors).all():
        fail("finite factors", "NaN or infinity")


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
    path = Path(folder) / "card.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no data card {path}; write it with python -m dlvae.prepare") from None
    except ValueError as error:
        raise UserError(f"{path} is not readable JSON ({error}); {_RERUN}") from None


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
    folder = Path(folder)
    absent = [field for field in CARD_FIELDS if field not in card_fields]
    if absent or "train" not in splits or not set(splits) <= set(SPLITS):
        raise ValueError(f"card fields missing: {absent}; splits given: {sorted(splits)}")
    train = splits["train"]
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
        "sha256": {name: content_hash(split) for name, split in splits.items()},
    }
    write_json(folder / "card.json", card)
    return card

"""Parquet files of a user's own images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.bad_input import BadInput
from corpus.image_folders import SETTINGS, bomb, faces, planned, png


def columns(count: int = 16, **others: Any) -> dict[str, Any]:
    """Return the columns of a good file, and what is laid over them."""
    image = pa.array([{"bytes": png(k), "path": None} for k in range(count)])
    good = {"image": image, "label": pa.array([k % 2 for k in range(count)], pa.int64())}
    return {name: column for name, column in (good | others).items() if column is not None}


def parquet(name: str, said: str, *beside: Callable[[Path], Any], **others: Any) -> BadInput:
    """Return a case of a parquet file with other columns; `beside` changes the folder after."""

    def run(folder: Path) -> None:
        root = folder / "faces"
        root.mkdir()
        pq.write_table(pa.table(columns(**others)), root / "train.parquet")
        for change in beside:
            change(root)
        planned(root, datasets={"faces": {"data": SETTINGS}})
        faces(root)

    return BadInput(name, said, run)


def labels(*values: Any, kind: Any = None) -> pa.Array:
    """Return 16 labels that start with these."""
    return pa.array([*values, *(k % 2 for k in range(16 - len(values)))], kind or pa.int64())


def cut(root: Path) -> None:
    """Leave out the end of the file."""
    whole = (root / "train.parquet").read_bytes()
    (root / "train.parquet").write_bytes(whole[: len(whole) // 2])


def flip(root: Path) -> None:
    """Change bytes in the middle of the file."""
    whole = bytearray((root / "train.parquet").read_bytes())
    at = len(whole) // 2
    whole[at : at + 64] = bytes(64)
    (root / "train.parquet").write_bytes(whole)


def names(text: str | bytes) -> Callable[[Path], Any]:
    """Return what writes a classes.csv beside the file."""
    content = text.encode() if isinstance(text, str) else text
    return lambda root: (root / "classes.csv").write_bytes(content)


def same_image_often(root: Path) -> None:
    """Write ten million and one rows of one image: a few kilobytes, by its dictionary."""
    count = 10_000_001
    index = pa.array(np.zeros(count, np.int8))
    content = pa.DictionaryArray.from_arrays(index, pa.array([b"x" * 1000], pa.binary()))
    image = pa.StructArray.from_arrays([content], ["bytes"])
    label = pa.array(np.zeros(count, np.int64))
    pq.write_table(pa.table({"image": image, "label": label}), root / "train.parquet")


REST = [{"bytes": png(k), "path": None} for k in range(15)]

PARQUET = [
    parquet("a text file", "expected a readable parquet file",
            lambda root: (root / "train.parquet").write_text("hello")),
    parquet("half a file", "expected a readable parquet file", cut),
    parquet("an empty file", "expected a readable parquet file",
            lambda root: (root / "train.parquet").write_bytes(b"")),
    parquet("changed bytes in the middle", "expected a readable", flip),
    parquet("a folder in the place of a file", "train.parquet",
            lambda root: [(root / "train.parquet").unlink(), (root / "train.parquet").mkdir()]),
    parquet("no labels", "expected an integer column 'label'", label=None),
    parquet("labels that are texts", "expected an integer column 'label'",
            label=pa.array(["a"] * 16)),
    parquet("labels with fractions", "expected an integer column 'label'",
            label=pa.array([0.5] * 16)),
    parquet("a label that is empty", "found -1", label=labels(None)),
    parquet("labels of -1 alone", "unlabelled_root=PATH", label=pa.array([-1] * 16)),
    parquet("a negative label", "expected a label at least 0, found -3", label=labels(-3)),
    parquet("labels with a gap", "number the classes without gaps", label=labels(7)),
    parquet("a label of 10^12", "number the classes without gaps", label=labels(10**12)),
    parquet("a label beyond 64 bits of a signed number", "number the classes without gaps",
            label=labels(2**64 - 1, kind=pa.uint64())),
    parquet("no column of images", "expected a column 'image'", image=None),
    parquet("images as paths alone", "expected a column 'image'", image=pa.array(["a.png"] * 16)),
    parquet("images as lists of pixels", "expected a column 'image'",
            image=pa.array([[0, 1]] * 16)),
    parquet("a row without an image", "row 0: expected the image file in 'image.bytes'",
            image=pa.array([None, *REST])),
    parquet("a row with an empty image", "row 0: expected the image file in 'image.bytes'",
            image=pa.array([{"bytes": b"", "path": None}, *REST])),
    parquet("a row with a text for an image", "row 0: expected a readable image",
            image=pa.array([{"bytes": b"hello", "path": None}, *REST])),
    parquet("a row with a decompression bomb", "row 0: expected",
            image=pa.array([{"bytes": bomb(), "path": None}, *REST])),
    parquet("no rows", "expected at least one row", count=0,
            image=pa.array([], pa.struct([("bytes", pa.binary())]))),
    parquet("ten million equal rows in a small file", "at most 10000000 rows", same_image_often),
    parquet("two parts with other columns", "expected an integer column 'label'",
            lambda root: [(root / "train.parquet").rename(root / "train-0.parquet"), pq.write_table(
                pa.table(columns(label=None)), root / "train-1.parquet")]),
    parquet("class names with a label twice", "expected each label 0..1 once",
            names("label,identity\n0,a\n0,b\n")),
    parquet("class names without the columns", "expected columns label,identity",
            names("a,b\n0,1\n")),
    parquet("class names that are binary", "expected UTF-8 text", names(bytes(range(256)))),
    parquet("fewer class names than labels", "expected a label in 0..0", names(
            "label,identity\n0,a\n")),
    parquet("two classes of one name", "expected each name once", names(
        "label,identity\n0,ann\n1,ann\n")),
]  # fmt: skip

"""Parquet files in the layout of the Hugging Face `Image` feature.

Columns: `image` (or `img`), a struct with the encoded file in `bytes`, and `label`, an integer
0..C-1; of unlabelled sets, optionally `identity`. Class names come from a `classes.csv` beside the
files (columns `label,identity`), else from the feature description in the file's metadata, else
they are the label numbers.
"""

import csv
import json
from pathlib import Path

import numpy as np

from dlvae.data.listing import Listing
from dlvae.stage.errors import UserError


def parquet_files(root: Path, split: str) -> list[Path]:
    """`<split>.parquet` or the shards `<split>-*.parquet` in a folder, sorted."""
    return sorted([*root.glob(f"{split}.parquet"), *root.glob(f"{split}-*.parquet")])


def list_parquet(files: list[Path], classes: list[str] | None = None) -> Listing:
    """List the images of one labelled split, in row order.

    Args:
        files: the split's files.
        classes: the class names in label order; None: see the module's docstring.

    Raises:
        UserError: an unreadable file, a missing column, a row without bytes, a label out of
            range, or labels that leave out a class.
    """
    payloads, where, labels = _read(files, labelled=True)
    named = classes or _class_csv(files[0].parent / "classes.csv") or _feature_names(files[0])
    _check_labels(labels, where, len(named) if named else None)
    if not named:
        named = [str(label) for label in range(int(labels.max()) + 1)]
        missing = sorted(set(range(len(named))) - set(labels.tolist()))
        if missing:
            raise UserError(
                f"{files[0]}: expected every label 0..{len(named) - 1}, found none with label "
                f"{missing[0]}; number the classes without gaps"
            )
    return Listing(payloads, where, labels, named)


def list_parquet_unlabelled(files: list[Path]) -> Listing:
    """List the images of one split in row order, with label -1 whatever the files say.

    A column `identity`, if every file has it, says who the images show; one value says nothing.
    """
    payloads, where, labels = _read(files, labelled=False)
    return Listing(payloads, where, labels, [], _people(files))


def _people(files: list[Path]) -> np.ndarray | None:
    import pyarrow.parquet as pq

    if not all("identity" in pq.read_schema(file).names for file in files):
        return None
    columns = [pq.read_table(file, columns=["identity"])["identity"].to_pylist() for file in files]
    names = [str(name) for column in columns for name in column]
    found, people = np.unique(names, return_inverse=True)
    return people.astype(np.int64) if len(found) > 1 else None


def _read(files: list[Path], labelled: bool) -> tuple[list[bytes], list[str], np.ndarray]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    payloads, where, labels = [], [], []
    for file in files:
        try:
            schema = pq.read_schema(file)
            image = _image_column(schema, file)
            columns = [image, "label"] if labelled else [image]
            if labelled and not (
                "label" in schema.names and pa.types.is_integer(schema.field("label").type)
            ):
                raise UserError(
                    f"{file}: expected an integer column 'label', found {_describe(schema)}"
                )
            table = pq.read_table(file, columns=columns)
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"{file}: expected a readable parquet file: {error}") from error
        encoded = pc.struct_field(table[image], "bytes").to_pylist()
        names = [f"{file} row {row}" for row in range(len(encoded))]
        for name, data in zip(names, encoded, strict=True):
            if not data:
                raise UserError(
                    f"{name}: expected the image file in '{image}.bytes', found nothing; embed "
                    "the files when writing the parquet"
                )
        payloads += encoded
        where += names
        column = table["label"].to_pylist() if labelled else [-1] * len(encoded)
        labels += [-1 if label is None else label for label in column]
    if not payloads:
        raise UserError(f"{files[0]}: expected at least one row, found none")
    return payloads, where, np.array(labels, np.int64)


def _image_column(schema, file: Path) -> str:
    import pyarrow as pa

    for name in ("image", "img"):
        if name in schema.names:
            kind = schema.field(name).type
            if pa.types.is_struct(kind) and any(field.name == "bytes" for field in kind):
                return name
    raise UserError(
        f"{file}: expected a column 'image' of struct<bytes, path>, found {_describe(schema)}"
    )


def _describe(schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)


def _check_labels(labels: np.ndarray, where: list[str], classes: int | None) -> None:
    if (labels == -1).all():
        raise UserError(
            f"{where[0]}: expected labels from 0, found -1 in every row: this is an unlabelled "
            "set, give it with --config unlabelled_root=PATH"
        )
    high = np.iinfo(np.int64).max if classes is None else classes - 1
    wrong = np.flatnonzero((labels < 0) | (labels > high))
    if len(wrong):
        expected = "at least 0" if classes is None else f"in 0..{high}"
        raise UserError(
            f"{where[wrong[0]]}: expected a label {expected}, found {labels[wrong[0]]}; correct "
            "the label or the list of classes"
        )


def _class_csv(path: Path) -> list[str] | None:
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        names = {int(row["label"]): row["identity"] for row in rows}
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path}: expected columns label,identity with integer labels") from None
    if sorted(names) != list(range(len(rows))):
        raise UserError(
            f"{path}: expected each label 0..{len(rows) - 1} once, found {sorted(names)[:20]}"
        )
    return [names[label] for label in range(len(rows))]


def _feature_names(file: Path) -> list[str] | None:
    import pyarrow.parquet as pq

    metadata = pq.read_schema(file).metadata or {}
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        names = features["label"]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return [str(name) for name in names]

"""Images not yet decoded: of class folders `<root>/<class>/*`, and of parquet files.

Parquet files are in the layout of the Hugging Face `Image` feature: a column `image` (or `img`), a
struct with the encoded file in `bytes`, and `label`, an integer 0..C-1; of unlabelled sets,
optionally `identity`. Class names come from a `classes.csv` beside the files (columns
`label,identity`), else from the feature description in the file's metadata, else they are the
label numbers.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlvae.data.images import Payload
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.text_files import found_at, read_text

MOST_ROWS = 10_000_000
"""Of a parquet file: far above any data set; below what fills the memory by repeating one row."""

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
    """The image files directly in a folder, by name.

    Raises:
        UserError: what bears the name of one is no regular file: a link to nothing, a pipe.
    """
    named = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]
    for path in named:
        if (found := found_at(path)) not in ("a file", "a folder"):
            raise UserError(f"{path}: expected a regular file, found {found}; remove or replace it")
    return sorted(path for path in named if path.is_file())


def _folders(root: Path) -> list[Path]:
    paths = sorted(path for path in root.iterdir() if path.name[0] != ".")
    for path in paths:
        if path.is_symlink() and (found := found_at(path)) not in ("a file", "a folder"):
            raise UserError(f"{path}: expected a folder, found {found}; remove or replace the link")
    return [path for path in paths if path.is_dir()]


def _listing(root: Path, paths: list[Path], *rest) -> Listing:
    if not paths:
        raise UserError(
            f"{root}: expected train.parquet or image files ({', '.join(SUFFIXES)}), found neither"
        )
    return Listing(paths, [str(path) for path in paths], *rest)


# --- Parquet -------------------------------------------------------------------------------------


def parquet_files(root: Path, split: str) -> list[Path]:
    """`<split>.parquet` or the shards `<split>-*.parquet` in a folder, sorted."""
    return sorted([*root.glob(f"{split}.parquet"), *root.glob(f"{split}-*.parquet")])


def list_parquet(
    files: list[Path],
    classes: Sequence[str] | None = None,
    labelled: bool = True,
    contents: bool = True,
) -> Listing:
    """List the images of one split, in row order.

    Args:
        files: the split's files.
        classes: the class names in label order; None: see the module's docstring.
        labelled: otherwise the label is -1 whatever the files say, and a column `identity`, if
            every file has it, says who the images show; one value says nothing.
        contents: read the images too; without, the payloads are empty.

    Raises:
        UserError: an unreadable file, a missing column, a row without bytes, a label out of
            range, labels that leave out a class, or more than `MOST_ROWS`.
    """
    payloads, where, labels, people = [], [], [], []
    for file in files:
        table, image = _read_parquet(file, labelled, contents)
        names = [f"{file} row {row}" for row in range(len(table))]
        where += names
        payloads += _contents(table[image], image, names) if contents else [b""] * len(names)
        if labelled:
            labels += [-1 if label is None else label for label in table["label"].to_pylist()]
        elif "identity" in table.column_names:
            people += [str(name) for name in table["identity"].to_pylist()]
    if not where:
        raise UserError(f"{files[0]}: expected at least one row, found none; write it again")
    if labelled:
        named = classes or _class_csv(files[0].parent / "classes.csv") or _feature_names(files[0])
        # An unsigned label beyond int64 stays out of range.
        labels = np.array([min(label, np.iinfo(np.int64).max) for label in labels], np.int64)
        return Listing(payloads, where, labels, _checked_classes(labels, named, where))
    found, index = np.unique(people, return_inverse=True)
    known = len(people) == len(payloads) and len(found) > 1
    unlabelled = np.full(len(payloads), -1, np.int64)
    return Listing(payloads, where, unlabelled, [], index.astype(np.int64) if known else None)


def _read_parquet(file: Path, labelled: bool, contents: bool):
    """Return the columns of a file that are read, as an arrow table, and that of the images."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if (found := found_at(file)) != "a file":
            raise OSError(f"found {found}")
        if (count := pq.read_metadata(file).num_rows) > MOST_ROWS:
            raise UserError(f"{file}: expected at most {MOST_ROWS} rows, found {count}; use fewer")
        schema = pq.read_schema(file)
        image = _image_column(schema, file, labelled)
        wanted = {"label" if labelled else "identity", *([image] if contents else [])}
        wanted = [name for name in schema.names if name in wanted]
        return pq.read_table(file, columns=wanted or [image]), image
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{file}: expected a readable parquet file: {error}; write it again"
        ) from error


def _contents(column, image: str, where: list[str]) -> list[bytes]:
    found = [(content or {}).get("bytes") for content in column.to_pylist()]
    for content, name in zip(found, where, strict=True):
        if not content:
            raise UserError(
                f"{name}: expected the image file in '{image}.bytes', found nothing; embed the "
                "files when writing the parquet"
            )
    return found


def _image_column(schema, file: Path, labelled: bool) -> str:
    """Return the column of images; :class:`UserError` if it or that of labels is missing."""
    import pyarrow as pa

    kinds = dict(zip(schema.names, schema.types, strict=True))
    found = ", ".join(f"{name}: {kind}" for name, kind in kinds.items())
    if labelled and not pa.types.is_integer(kinds.get("label", pa.null())):
        raise UserError(f"{file}: expected an integer column 'label', found {found}")
    for name in ("image", "img"):
        kind = kinds.get(name, pa.null())
        if pa.types.is_struct(kind) and any(field.name == "bytes" for field in kind):
            return name
    raise UserError(f"{file}: expected a column 'image' of struct<bytes, path>, found {found}")


def _checked_classes(
    labels: np.ndarray, named: Sequence[str] | None, where: list[str]
) -> list[str]:
    """Return the class names, the label numbers where nothing names them."""
    if (labels == -1).all():
        raise UserError(
            f"{where[0]}: expected labels from 0, found -1 in every row: this is an unlabelled "
            "set, give it with --config unlabelled_root=PATH"
        )
    most = int(labels.max())
    if not named and most > MOST_ROWS:  # as many names are never made
        raise UserError(
            f"{where[int(labels.argmax())]}: expected a label of at most {MOST_ROWS}, found "
            f"{most}; number the classes without gaps"
        )
    classes = list(named or map(str, range(most + 1)))
    if len(set(classes)) < len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise UserError(
            f"{where[0]}: expected each name once in the list of classes, found '{twice}' twice; "
            "name the classes apart"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if len(wrong):
        expected = f"in 0..{len(classes) - 1}" if named else "at least 0"
        raise UserError(
            f"{where[wrong[0]]}: expected a label {expected}, found {labels[wrong[0]]}; correct "
            "the label or the list of classes"
        )
    missing = np.setdiff1d(np.arange(len(classes)), labels)
    if len(missing) and not named:
        raise UserError(
            f"{where[0]}: expected every label 0..{len(classes) - 1}, found none with label "
            f"{missing[0]}; number the classes without gaps"
        )
    return classes


def _class_csv(path: Path) -> list[str] | None:
    if not path.exists():
        return None
    rows = list(csv.DictReader(io.StringIO(read_text(path, "a table of classes"))))
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

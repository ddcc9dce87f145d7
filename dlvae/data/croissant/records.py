"""Files and record sets: what Croissant can say of arrays in an `.npz`.

Croissant reads columns of tables, and knows no arrays in a file. An `.npz` is described as a table
whose columns are its arrays: record i is row i of each. `classes` and `factor_names`, which have
no such rows, are record sets with their data in the document.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlvae.data.croissant.facts import Facts, SplitFacts
from dlvae.data.dataset import HELD_OUT

# Zip archives of .npy arrays; the page says so of both formats, which have no media type.
NPZ = "https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html"
HOW_TO_READ = (
    "Croissant 1.1 has no extraction of rows from NumPy arrays, so generic loaders check this "
    "document but cannot iterate the records of the splits; read an .npz file with "
    "numpy.load(path, allow_pickle=False)."
)
TYPES = {"uint8": "cr:UInt8", "int64": "cr:Int64", "float32": "cr:Float32"}
PURPOSE = {"train": "cr:TrainingSplit", "test": "cr:TestSplit", HELD_OUT: "cr:TestSplit"}
SAID = {
    "images": "RGB image, uint8 in 0..255, height x width x 3.",
    "points": "Coordinates of the point.",
    "labels": "Class, a number of the record set `classes`; -1 in unlabelled sets.",
    "factors": "What else is known of it, in the order of the record set `factors`.",
}
Json = dict[str, Any]


def files(facts: Facts) -> list[Json]:
    """Return the distribution: an `.npz` per split, and the card."""
    found = [
        _file(f"{name}.npz", split.size, split.sha256, NPZ, _contents(split))
        for name, split in facts.splits.items()
    ]
    said = "What the preparation recorded; its sha256 are of the arrays, whatever the file format."
    card = _file("card.json", facts.card_size, facts.card_sha256, "application/json", said)
    return [*found, card]


def record_sets(facts: Facts) -> list[Json]:
    """Return the splits, the classes with their counts, the factors, and the records."""
    found = [_splits(facts)]
    if not facts.unlabelled:
        found.append(_classes(facts))
    names = next(iter(facts.splits.values())).factors
    if names:
        rows = [{"factors/index": i, "factors/name": name} for i, name in enumerate(names)]
        said = "Columns of the array `factors`."
        types = {"index": "sc:Integer", "name": "sc:Text"}
        found.append(_table("factors", said, types, "index", rows, "sc:Enumeration"))
    return found + [_records(name, split, facts) for name, split in facts.splits.items()]


def _file(name: str, size: int, sha256: str, encoding: str, description: str) -> Json:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "description": description,
        "contentUrl": name,
        "contentSize": f"{size} B",
        "encodingFormat": encoding,
        "sha256": sha256,
    }


def _contents(split: SplitFacts) -> str:
    listed = [f"{name} {dtype} {_shape(shape)}" for name, (dtype, shape) in split.arrays.items()]
    return f"NumPy arrays: {'; '.join(listed)}."


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _splits(facts: Facts) -> Json:
    rows = [
        {"splits/name": name, "splits/url": PURPOSE[name], "splits/count": split.count}
        for name, split in facts.splits.items()
    ]
    types = {"name": "sc:Text", "url": ["sc:URL", "cr:Split"], "count": "sc:Integer"}
    said = f"How the set is divided, and what each part holds. `{HELD_OUT}` are images of the same "
    said += "people that no training sees."
    if HELD_OUT not in facts.splits:
        said = "How the set is divided, and what each part holds."
    return _table("splits", said, types, "name", rows, "cr:Split")


def _classes(facts: Facts) -> Json:
    counts = {name: split.classes for name, split in facts.splits.items()}
    rows = [
        {"classes/label": label, "classes/name": name}
        | {f"classes/{split}": count[label] for split, count in counts.items()}
        for label, name in enumerate(facts.card["class_names"])
    ]
    types = {"label": "sc:Integer", "name": "sc:Text"} | dict.fromkeys(counts, "sc:Integer")
    said = "Classes in label order, and how many records of each a split holds."
    return _table("classes", said, types, "label", rows, "sc:Enumeration")


def _table(
    name: str, said: str, types: dict[str, str | list[str]], key: str, rows: list[Json], kind: str
) -> Json:
    """Return a record set whose records stand in the document."""
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{field}",
            "name": f"{name}/{field}",
            "dataType": type_,
        }
        for field, type_ in types.items()
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": said,
        "dataType": kind,
        "key": {"@id": f"{name}/{key}"},
        "field": fields,
        "data": rows,
    }


def _records(name: str, split: SplitFacts, facts: Facts) -> Json:
    """Return the record set of one split: one record per image or point."""
    rows = {n: array for n, array in split.arrays.items() if n in SAID}
    fields = [_field(name, array, *of, facts) for array, of in rows.items()]
    # A reference names its field as mlcroissant reads it; the bare @id of the text it ignores.
    part = {
        "@type": "cr:Field",
        "@id": f"{name}/split",
        "name": f"{name}/split",
        "description": "The split of every record.",
        "dataType": "sc:Text",
        "value": name,
        "references": {"field": {"@id": "splits/name"}},
    }
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{split.count} records, record i being row i of every array of {name}.npz; "
        "how to read it, the description of the data set says.",
        "field": [*fields, part],
    }


def _field(split: str, array: str, dtype: np.dtype, shape: tuple[int, ...], facts: Facts) -> Json:
    label = array == "labels"
    types = [TYPES[str(dtype)], *(["cr:Label"] if label and not facts.unlabelled else [])]
    many = {"isArray": True, "arrayShape": ",".join(map(str, shape[1:]))} if shape[1:] else {}
    of_class = {"references": {"field": {"@id": "classes/label"}}}
    return {
        "@type": "cr:Field",
        "@id": f"{split}/{array}",
        "name": f"{split}/{array}",
        "description": SAID[array],
        "dataType": types if len(types) > 1 else types[0],
        **many,
        "source": {"fileObject": {"@id": f"{split}.npz"}, "extract": {"column": array}},
        **(of_class if label and not facts.unlabelled else {}),
    }

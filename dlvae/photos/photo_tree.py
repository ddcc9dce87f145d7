"""The folder of photos: ROOT/<identity>/<photo>, and what in it is left aside."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dlvae.data.listing import SUFFIXES
from dlvae.stage.errors import UserError

BOXES = "faces.csv"
"""File in the root that says which face of a photo is meant: path,x1,y1,x2,y2 in pixels."""

COMMAND = "snakemake prepare_faces --config photos=ROOT"


@dataclass(frozen=True)
class PhotoTree:
    """Photos by identity, sorted, as paths below `root`; and remarks on what was left aside."""

    root: Path
    photos: dict[str, list[Path]]
    remarks: list[str]


def find_photos(root: str | Path) -> PhotoTree:
    """List the photos of a root.

    Links are followed inside the root and reported where they lead out of it.

    Raises:
        UserError: no folder, no folders in it, or none with a photo; a set that is aligned already.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(
            f"photos: expected a folder at {root}, found "
            f"{'a file' if root.exists() else 'nothing'}; {COMMAND}"
        )
    root = root.resolve()
    entries = sorted(root.iterdir())
    folders = [path for path in entries if path.is_dir() and not path.name.startswith(".")]
    loose = [path for path in entries if _is_photo(path)]
    _check_layout(root, folders, loose)
    photos, remarks = {}, []
    if loose:
        remarks.append(
            f"{_count(loose, 'photo')} directly in the folder of photos, in no identity's folder, "
            f"e.g. '{loose[0].name}': not read"
        )
    for folder in folders:
        if not folder.resolve().is_relative_to(root):
            remarks.append(f"'{folder.name}' is a link out of the folder of photos: not followed")
            continue
        try:
            inside = sorted(folder.iterdir())
        except OSError as error:
            remarks.append(f"'{folder.name}' cannot be read ({error.strerror})")
            continue
        photos[folder.name] = [path for path in inside if _is_photo(path)]
        remarks += _remarks(folder.name, inside, photos[folder.name])
    photos = {name: paths for name, paths in photos.items() if paths}
    if not photos:
        raise UserError(
            f"{root}: expected photos in its folders, found none by their names (endings "
            f"{', '.join(SUFFIXES)}); {COMMAND}"
        )
    return PhotoTree(root, photos, remarks)


def _check_layout(root: Path, folders: list[Path], loose: list[Path]) -> None:
    if any(path.name.endswith(".parquet") for path in root.iterdir()) or (
        folders and {folder.name for folder in folders} <= {"train", "test"}
    ):
        raise UserError(
            f"{root}: expected photos as <identity>/<photo>, found a data set with splits; if its "
            f"faces are aligned give it as it is, --config data_root={root}, and else a folder of "
            "its identities"
        )
    if not folders:
        found = f"{_count(loose, 'photo')} directly in it" if loose else "no folder in it"
        raise UserError(
            f"{root}: expected one folder per person, <identity>/<photo>, found {found}; put the "
            f"photos of each person into a folder of their own, then {COMMAND}"
        )


def _is_photo(path: Path) -> bool:
    """By its name; what cannot be opened later is reported then."""
    named = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    return named and (path.is_symlink() or not path.is_dir())


def _remarks(name: str, inside: list[Path], photos: list[Path]) -> list[str]:
    others = [path for path in inside if path not in set(photos)]
    below = [path for path in others if path.is_dir()]
    files = [path for path in others if not path.is_dir() and not path.name.startswith(".")]
    remarks = []
    if below:
        remarks.append(f"'{name}': {_count(below, 'folder')} inside it: not read")
    if files:
        remarks.append(
            f"'{name}': {_count(files, 'file')} with another ending than a photo's, e.g. "
            f"'{files[0].name}': not read"
        )
    if not photos:
        remarks.append(f"'{name}': no photo in it")
    return remarks


def _count(things: list, noun: str) -> str:
    return f"{len(things)} {noun}{'s' if len(things) != 1 else ''}"


def listed_boxes(root: Path) -> Mapping[str, tuple[float, float, float, float]]:
    """Read `BOXES` of a root: box (x, y, width, height) in pixels by path below the root.

    Empty without such a file; of a photo's several rows the first counts.

    Raises:
        UserError: other columns, or a box that is none.
    """
    path = root / BOXES
    if not path.is_file():
        return {}
    found: dict[str, tuple[float, float, float, float]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                x1, y1, x2, y2 = (float(row[key]) for key in ("x1", "y1", "x2", "y2"))
                name = os.path.normpath(row["path"])
            except (KeyError, TypeError, ValueError):
                x1 = x2 = y1 = y2 = math.nan
                name = ""
            if not (x1 < x2 < math.inf and y1 < y2 < math.inf):
                raise UserError(
                    f"{path}:{number}: expected the columns path,x1,y1,x2,y2 with a box in pixels, "
                    f"x1 below x2 and y1 below y2; correct the row, or remove the file to have the "
                    "face chosen by prepare_faces.face"
                )
            found.setdefault(name, (x1, y1, x2 - x1, y2 - y1))
    return found

"""Folders and parquet files of a user's own images, looked at before the run and in it."""

import io
import json
import os
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from corpus.bad_input import BadInput, Exploit, planning, stage
from dlvae import prepare
from dlvae.data.cifar10 import CLASSES
from workflow.plan import resolved
from workflow.plan.data_sets import DataSetPlan

SIDE = 32
SETTINGS = {"min_images_per_class": 3}


def pixels(seed: int, side: int = SIDE) -> np.ndarray:
    """Return noise, uint8 (side, side, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def people(root: Path, *names: str, each: int = 4) -> Path:
    """Make class folders of PNG files."""
    for number, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for index in range(each):
            Image.fromarray(pixels(10 * number + index)).save(root / name / f"{index}.png")
    return root


def planned(root: Path, **keys: Any) -> None:
    """Ask for what the rule that prepares asks, before any job."""
    with planning():
        plan = DataSetPlan(resolved({"preset": "faces", "data_root": str(root), **keys}, ()))
        plan.checked("faces")
        if "unlabelled_root" in keys:
            plan.checked("faces", "unlabelled")


def faces(root: Path, **settings: Any) -> dict:
    """Prepare a folder of faces, as the rule does; return the card."""
    out = root.parent / "prepared"
    config = {"preset": "p", "dataset": "faces", "root": str(root), "size": SIDE}
    stage(prepare, config=config | SETTINGS | settings, out=out)
    return json.loads((out / "card.json").read_text())


def before(name: str, said: str, make: Callable[[Path], Any], **keys: str) -> BadInput:
    """Return a case of a folder that is refused before any job; `make` makes it at a path."""

    def run(folder: Path) -> None:
        make(folder / "faces")
        planned(folder / "faces", **{k: str(folder / v) for k, v in keys.items()})

    return BadInput(name, said, run)


def inside(name: str, said: str, make: Callable[[Path], Any], **settings: Any) -> BadInput:
    """Return a case of what only reading all images tells."""

    def run(folder: Path) -> None:
        people(folder / "faces", "ann", "bob")
        make(folder / "faces")
        faces(folder / "faces", **settings)

    return BadInput(name, said, run)


def cifar(name: str, said: str, make: Callable[[Path], Any]) -> BadInput:
    """Return a case of a folder for CIFAR-10."""

    def run(folder: Path) -> None:
        make(folder / "cifar")
        config = {"preset": "p", "dataset": "cifar10", "root": str(folder / "cifar")}
        stage(prepare, config=config, out=folder / "prepared")

    return BadInput(name, said, run)


def unreadable(path: Path, method: str = "open") -> Any:
    """Make one file unreadable, whoever runs the tests."""
    known = getattr(Path, method)

    def refuse(self: Path, *args: Any, **more: Any) -> Any:
        if self.name == path.name:
            raise PermissionError(13, "Permission denied", str(self))
        return known(self, *args, **more)

    return mock.patch.object(Path, method, refuse)


def closed_folder(folder: Path) -> None:
    """Hand in a folder in which one person's folder cannot be listed."""
    people(folder / "faces", "ann", "bob")
    with unreadable(Path("bob"), "iterdir"):
        planned(folder / "faces")


def closed_file(folder: Path) -> None:
    """Hand in a folder with a file that cannot be read."""
    people(folder / "faces", "ann", "bob")
    with unreadable(Path("2.png"), "read_bytes"):
        faces(folder / "faces")


def pickles(root: Path) -> None:
    """Make torchvision's files with other pickles in them."""
    (root / "cifar-10-batches-py").mkdir(parents=True)
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch", "batches.meta"]:
        (root / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(Exploit(root.parent)))


def photos(root: Path) -> None:
    """Make photos, which are not square and of many sizes."""
    people(root, "ann", "bob")
    for index, path in enumerate(sorted(root.rglob("*.png"))):
        Image.fromarray(pixels(index, 64)[: 33 + index]).save(path)


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """Return a PNG file of so many pixels, all black, in a few hundred bytes of header and rows."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(3 * 1000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def loop(root: Path) -> None:
    """Make a link that leads to itself, under the name of a person."""
    people(root, "ann", "bob")
    (root / "carl").symlink_to("carl")


def png(seed: int = 0) -> bytes:
    """Return the bytes of a PNG file."""
    found = io.BytesIO()
    Image.fromarray(pixels(seed)).save(found, "PNG")
    return found.getvalue()


DATA_FOLDERS = [
    before("a folder that is not there", "expected a folder at", lambda root: None),
    before("a file in the place of a folder", "found a file", lambda root: root.write_text("x")),
    before("a link to nothing", "found a link to nothing", lambda root: root.symlink_to("gone")),
    before("an empty folder", "expected train.parquet or class folders", lambda root: root.mkdir()),
    before("images in no person's folder", "expected train.parquet or class folders",
           lambda root: people(root, ".")),
    before("hidden folders alone", "expected train.parquet or class folders",
           lambda root: people(root, ".ann", ".bob")),
    before("folders without an image", "or image files (.jpg",
           lambda root: [(root / n).mkdir(parents=True) for n in ("ann", "bob")]),
    before("a folder of a person without an image", "'bob'",
           lambda root: [people(root, "ann", each=20), (root / "bob").mkdir()]),
    before("photos that are not aligned", "found photos", photos),
    before("one person alone", "expected at least two classes", lambda root: people(root, "ann")),
    before("fewer images of a person than the preset asks for", "expected at least 10",
           lambda root: people(root, "ann", "bob")),
    before("a link to nothing in the place of an image", "found a link to nothing",
           lambda root: (people(root, "ann", "bob", each=20) / "ann" / "gone.png").symlink_to(
           "gone")),
    before("a named pipe in the place of an image", "expected a regular file",
           lambda root: os.mkfifo(people(root, "ann", "bob", each=20) / "ann" / "pipe.png")),
    before("a link that leads to itself", "carl", loop),
    before("an unlabelled folder that is not there", "unlabelled_root: expected a folder",
           lambda root: people(root, "ann", "bob", each=20), unlabelled_root="gone"),
    before("an unlabelled folder without images", "or image files",
           lambda root: [people(root, "ann", "bob", each=20), (root.parent / "x").mkdir()],
           unlabelled_root="x"),
    BadInput("a folder that may not be listed", "Permission denied", closed_folder),
    BadInput("an image that may not be read", "Permission denied", closed_file),
    inside("fewer images of a person than asked for", "expected at least 30 training images",
           lambda root: None, min_images_per_class=30),
    inside("a text file under the name of an image", "expected a readable image",
           lambda root: (root / "ann" / "x.png").write_text("hello")),
    inside("a class in test/ that train/ has not", "expected one of the classes ann, bob",
           lambda root: [people(root / "train", "ann", "bob"), people(root / "test", "eve")]),
    inside("a size of 4 pixels", "size: expected an integer of at least 8", lambda root: None,
           size=4),
    cifar("folders by other names than CIFAR-10's classes", "expected one of the classes airplane",
          lambda root: people(root, "cat", "dgo")),
    cifar("images of another size for CIFAR-10", "expected an image of 32x32 pixels",
          lambda root: [people(root, *CLASSES, each=12), Image.fromarray(
              pixels(0, 40)).save(root / "cat" / "0.png")]),
    cifar("foreign pickles under the names of torchvision's files", "missing or damaged", pickles),
]  # fmt: skip

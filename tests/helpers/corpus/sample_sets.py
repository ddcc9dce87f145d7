"""Samples from elsewhere, as a candidate of `compare`."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from PIL import Image

from corpus.bad_input import AS_IT_IS, PROTOCOLS, BadInput, Exploit, planning, stage
from corpus.image_folders import bomb, unreadable
from dlvae.data.dataset import Split, save_dataset
from eval.intake import __main__ as intake
from workflow.plan import resolved
from workflow.plan.comparing import ComparisonPlan

CLASSES, SIDE, EACH = ["cat", "dog", "cow"], 16, 4
CARD = {"dataset": "x", "source": "made up", "licence": "none", "flip": True, "preparation": {}}


def pixels(count: int = EACH * 3) -> np.ndarray:
    """Return noise, uint8 (count, SIDE, SIDE, 3)."""
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8)


IMAGES, LABELS = pixels(), np.arange(EACH * 3) % 3


def taken_in(folder: Path, path: Path) -> list[str]:
    """Run the intake on a file or folder; return what it found, in words."""
    split = Split(pixels(3), None, np.arange(3), np.array(CLASSES))
    save_dataset(folder / "data", {"train": split, "test": split}, CARD)
    config = {"preset": "p", "dataset": "x", "protocol_overrides": {"samples": {"few": EACH}}}
    given = {"candidate": path, "data": folder / "data", "protocol": PROTOCOLS / "v2.yaml"}
    stage(intake, **given, config=config, out=folder / "out.npz")
    manifest = json.loads((folder / "out.manifest.json").read_text())
    return [each["text"] for each in manifest["findings"]]


def planned(path: Path) -> None:
    """Ask for what a comparison needs, before any job."""
    given = {"preset": "quick", "candidate": str(path), "dataset": "digits"}
    with planning():
        ComparisonPlan(resolved(given, ())).comparable()


def early(name: str, said: str, make: Callable[[Path], Any], file: str = "samples.npz") -> BadInput:
    """Return a case of what is refused before any job; `make` makes it at a path."""

    def run(folder: Path) -> None:
        make(folder / file)
        planned(folder / file)

    return BadInput(name, said, run)


def samples(
    name: str, said: str, images: Any = IMAGES, labels: Any = LABELS, **others: Any
) -> BadInput:
    """Return a case of an .npz with these arrays; those that are None are left out."""

    def run(folder: Path) -> list[str]:
        arrays = {"images": images, "labels": labels, **others}
        kept = {k: v(folder) if callable(v) else v for k, v in arrays.items() if v is not None}
        np.savez(folder / "samples.npz", **kept)
        return taken_in(folder, folder / "samples.npz")

    return BadInput(name, said, run)


def file(name: str, said: str, make: Callable[[Path], Any]) -> BadInput:
    """Return a case of a file that `make` makes at a path."""

    def run(folder: Path) -> None:
        make(folder / "samples.npz")
        taken_in(folder, folder / "samples.npz")

    return BadInput(name, said, run)


def picture(folder: Path, seed: int = 0, side: int = SIDE) -> Image.Image:
    """Return one image."""
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def tree(root: Path, *classes: str) -> Path:
    """Make a folder of PNG files by class."""
    for number, name in enumerate(classes or CLASSES):
        (root / name).mkdir(parents=True)
        for index in range(EACH):
            picture(root, 100 * number + index).save(root / name / f"{index}.png")
    return root


def folder_of(
    name: str, said: str, change: Callable[[Path], Any], *classes: str, converted: bool = False
) -> BadInput:
    """Return a case of a folder of PNG files that `change` changes."""

    def run(folder: Path) -> str:
        change(tree(folder / "samples", *classes))
        return " ".join(taken_in(folder, folder / "samples")) or AS_IT_IS

    return BadInput(name, said, run, converted)


def noted(name: str, said: str, **arrays: Any) -> BadInput:
    """Return a case of an .npz that is taken, with a remark."""
    inner = samples(name, said, **arrays)
    return BadInput(name, said, lambda folder: " ".join(inner.run(folder)) or AS_IT_IS, True)


def member(shape: tuple[int, ...], kind: str, content: bytes, fortran: bool = False) -> bytes:
    """Return an array of an archive with a header of one's own."""
    found = io.BytesIO()
    npy.write_array_header_1_0(found, {"descr": kind, "fortran_order": fortran, "shape": shape})
    return found.getvalue() + content


def archive(**members: bytes) -> Callable[[Path], None]:
    """Return what writes an archive of these members."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as found:
            for name, content in members.items():
                found.writestr(f"{name}.npy", content)

    return write


def whole(**arrays: np.ndarray) -> bytes:
    """Return the bytes of a good .npz."""
    found = io.BytesIO()
    np.savez(found, **(arrays or {"images": IMAGES, "labels": LABELS}))
    return found.getvalue()


def closed(folder: Path) -> None:
    """Hand in a folder with an image that may not be read."""
    tree(folder / "samples")
    with unreadable(Path("2.png"), "read_bytes"):
        taken_in(folder, folder / "samples")


def named(name: str, becomes: str) -> BadInput:
    """Return a case of a file with a name that means something to Snakemake or to a shell."""

    def run(folder: Path) -> str:
        (folder / name).write_bytes(whole())
        config = resolved(
            {"preset": "quick", "candidate": str(folder / name), "dataset": "digits"}, ()
        )
        found = ComparisonPlan(config).candidate.name
        assert found == becomes
        return found

    return BadInput(f"a file called {name!r}: its results are called", becomes, run, True)


def opaque(root: Path) -> None:
    """Give one image an alpha channel of 255."""
    image = picture(root).convert("RGBA")
    image.save(root / "cat" / "0.png")


def transparent(root: Path) -> None:
    """Give one image an alpha channel of 0."""
    image = picture(root).convert("RGBA")
    image.putalpha(0)
    image.save(root / "cat" / "0.png")


FLAT = np.zeros((0, SIDE, SIDE, 3), np.uint8)
COUNT = 10**12

SAMPLE_SETS = [
    early("a file that is not there", "neither a model nor a file", lambda path: None),
    early("a text file", "expected a readable .npz", lambda path: path.write_text("hello")),
    early("an empty file", "expected a readable .npz", lambda path: path.write_bytes(b"")),
    early("half an .npz", "expected a readable .npz",
          lambda path: path.write_bytes(whole()[: len(whole()) // 2])),
    early("a pickle", "expected a readable .npz",
          lambda path: path.write_bytes(pickle.dumps(Exploit(path.parent)))),
    early("a single array, .npy", "expected a readable .npz",
          lambda path: np.save(path, IMAGES), "samples.npy"),
    early("a table, .csv", "expected a readable .npz",
          lambda path: path.write_text("a,b\n1,2\n"), "samples.csv"),
    early("an archive of something else", "expected arrays 'images' and 'labels'",
          lambda path: path.write_bytes(whole(a=IMAGES))),
    early("images as pickled objects", "pickled Python objects", lambda path: np.savez(
        path, images=np.array([Exploit(path.parent)], object), labels=LABELS)),
    early("an empty folder", "expected folders", lambda path: path.mkdir(), "samples"),
    early("a folder without class folders", "expected folders",
          lambda path: [path.mkdir(), picture(path).save(path / "0.png")], "samples"),
    early("a named pipe", "found no regular file", os.mkfifo),
    early("a link to nothing", "neither a model nor a file", lambda path: path.symlink_to("gone")),
    early("a name of signs alone", "leaves no name for its results",
          lambda path: path.write_bytes(whole()), "{}<>.npz"),
    early("the name of a model", "which is the name of a model",
          lambda path: path.write_bytes(whole()), "ours.npz"),
    early("the name of the real images", "which is the name of the real images",
          lambda path: path.write_bytes(whole()), "real.npz"),
    early("images of another size than the data set's", "of 32 x 32 pixels",
          lambda path: path.write_bytes(whole())),
    file("no images", "without images", lambda path: path.write_bytes(whole(labels=LABELS))),
    file("no labels", "without labels", lambda path: path.write_bytes(whole(images=IMAGES))),
    file("changed bytes in the middle", "expected a readable .npz", lambda path: path.write_bytes(
        whole()[:3000] + bytes(500) + whole()[3500:])),
    samples("floats in [0, 1]", "(x * 255)", (IMAGES / 255).astype(np.float32)),
    samples("floats in [-1, 1]", "(x + 1) * 127.5", (IMAGES / 127.5 - 1).astype(np.float32)),
    samples("floats from 0 to 255", "x.round()", IMAGES.astype(np.float32)),
    samples("floats with NaN", "NaN", np.full(IMAGES.shape, np.nan, np.float32)),
    samples("integers of 64 bits", "found int64", IMAGES.astype(np.int64)),
    samples("booleans", "found bool", IMAGES > 127),
    samples("grey images", "numpy.repeat", IMAGES[..., 0]),
    samples("grey images with a channel", "numpy.repeat", IMAGES[..., :1]),
    samples("channels first", "images.transpose(0, 2, 3, 1)", IMAGES.transpose(0, 3, 1, 2)),
    samples("an alpha channel", "images[..., :3]", np.concatenate([IMAGES, IMAGES[..., :1]], 3)),
    samples("one image without a first dimension", "images[None]", IMAGES[0], LABELS[:1]),
    samples("no image", "there is no image in it", FLAT, LABELS[:0]),
    samples("images of another size", "of 16 x 16 pixels", IMAGES[:, :8, :8]),
    samples("images that are not square", "of 16 x 16 pixels", IMAGES[:, :8]),
    samples("fewer labels than images", "expected 12 integer labels", labels=LABELS[:5]),
    samples("labels with fractions", "labels.astype('int64')", labels=LABELS / 2),
    samples("labels as texts", "expected 12 integer labels", labels=LABELS.astype(str)),
    samples("labels one-hot", "labels.argmax(axis=1)", labels=np.eye(3)[LABELS]),
    samples("negative labels", "labels out of range", labels=LABELS - 1),
    samples("labels beyond the classes", "expected 0 ('cat') to 2 ('cow')", labels=LABELS + 1),
    samples("a label beyond 64 bits", "labels out of range",
            labels=np.full(len(LABELS), 2**64 - 1, np.uint64)),
    samples("pickled labels", "pickled Python objects",
            labels=lambda folder: np.array([Exploit(folder)] * 12, object)),
    samples("fewer images than are scored", "expected 4 images of each of 3 classes",
            IMAGES[:9], LABELS[:9]),
    samples("one image many times", "pixel for pixel equal", np.repeat(IMAGES[:1], 12, 0)),
    file("a header that claims 10^12 images", "at most 10000000 images", archive(
        images=member((COUNT, SIDE, SIDE, 3), "|u1", b""), labels=member((COUNT,), "<i8", b""))),
    file("a header that claims more than there is", "as many values as its header says", archive(
        images=member((12, SIDE, SIDE, 3), "|u1", b"\0" * 100),
        labels=member((12,), "<i8", LABELS.astype("<i8").tobytes()))),
    file("labels of which the header claims more than there is", "as its header says", archive(
        images=member((12, SIDE, SIDE, 3), "|u1", IMAGES.tobytes()),
        labels=member((12,), "<i8", b""))),
    file("columns before rows (Fortran order)", "ascontiguousarray", archive(
        images=member((12, SIDE, SIDE, 3), "|u1", IMAGES.tobytes(), fortran=True),
        labels=member((12,), "<i8", LABELS.astype("<i8").tobytes()))),
    file("a header of no array", "expected a plain array 'images'", archive(
        images=b"hello" * 50, labels=b"hello" * 50)),
    folder_of("a folder that is no class", "Did you mean 'dog'?", lambda root: None,
              "cat", "dgo", "cow"),
    folder_of("a number beyond the classes", "expected the name of a class", lambda root: None,
              "0", "1", "3"),
    folder_of("two folders for a class", "expected one folder for each class",
              lambda root: (root / "2").mkdir()),
    folder_of("a link out of the folder", "found a link to",
              lambda root: (root / "cat" / "x.png").symlink_to("/etc/passwd")),
    folder_of("a link to nothing in a folder of images", "found a link to",
              lambda root: (root / "cat" / "x.png").symlink_to("gone")),
    folder_of("empty folders", "found none",
              lambda root: [path.unlink() for path in root.rglob("*.png")]),
    folder_of("a broken image", "0.png: expected a PNG file",
              lambda root: (root / "cat" / "0.png").write_bytes(b"hello")),
    folder_of("transparent pixels", "expected an opaque image", transparent),
    folder_of("16 bits per channel", "found 16 bits", lambda root: Image.fromarray(
        np.zeros((SIDE, SIDE), np.uint16)).save(root / "cat" / "0.png")),
    folder_of("several frames", "found 2 frames", lambda root: picture(root).save(
        root / "cat" / "0.png", save_all=True, append_images=[picture(root, 1)])),
    folder_of("an image of another size", "of 16 x 16 pixels",
              lambda root: picture(root, 0, 20).save(root / "cat" / "0.png")),
    folder_of("an image that claims 900 million pixels", "expected",
              lambda root: (root / "cat" / "0.png").write_bytes(bomb())),
    folder_of("a file of 17 MB", "at most 16777216 bytes",
              lambda root: (root / "cat" / "0.png").write_bytes(bytes(17 << 20))),
    BadInput("an image that may not be read", "Permission denied", closed),
    folder_of("images of a format with loss", "compression with loss", lambda root: [
        picture(root).save(root / "cat" / "0.jpg"), (root / "cat" / "0.png").unlink()],
        converted=True),
    folder_of("grey images: repeated for red, green and blue", "were repeated",
              lambda root: picture(root).convert("L").save(root / "cat" / "0.png"), converted=True),
    folder_of("a palette: RGB", "turned into RGB",
              lambda root: picture(root).convert("P").save(root / "cat" / "0.png"), converted=True),
    folder_of("an alpha channel that is opaque: dropped", "It was dropped", opaque, converted=True),
    folder_of("files of another kind: not read", "were not read",
              lambda root: (root / "cat" / "notes.txt").write_text("x"), converted=True),
    folder_of("label numbers for names of folders", AS_IT_IS, lambda root: None, "0", "1", "2",
              converted=True),
    noted("further arrays: not read", "were not read", more=np.zeros(3)),
    noted("labels of 8 bits: int64", AS_IT_IS, labels=LABELS.astype(np.uint8)),
    noted("more images than are scored: evenly spread ones are taken", "left out: 3",
          images=pixels(15), labels=np.arange(15) % 3),
    named("samples.npz", "samples"),
    named("sam{pl}es.npz", "sam_pl_es"),
    named("<samples>.npz", "samples"),
    named("samples $(touch x).npz", "samples_touch_x"),
]  # fmt: skip

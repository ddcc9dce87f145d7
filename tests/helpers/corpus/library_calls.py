"""Calls of the library, `eval.library`, with arrays that are not what they should be."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from corpus.bad_input import PROTOCOLS, BadInput
from dlvae.stage.artefact import read_json, sha256_file, write_json
from dlvae.stage.seeds import seeded_globally
from dlvae.stage.weights import save_weights
from eval import library
from eval.judge.classifiers.architecture import build_network

SIDE, CLASSES, N = 32, ["a", "b", "c"], 12
CARD = {"arch": "inception_resnet_v1", "width": 0.01, "image_size": SIDE, "kind": "robust"}
CARD |= {"class_names": CLASSES, "dataset": "made up", "members": ["a", "b", "c"]}


def draws() -> np.random.Generator:
    """Return a generator."""
    return np.random.default_rng(0)


IMAGES = draws().integers(0, 256, (N, SIDE, SIDE, 3)).astype(np.uint8)
LOGITS, CODES = draws().normal(size=(N, 3)), draws().normal(size=(N, 4))
LABELS = np.arange(N) % 3


class MeanColour(torch.nn.Module):
    """An evaluator that sees the mean colour."""

    image_size = SIDE

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return features and logits (B, 3)."""
        found = images.mean((2, 3))
        return found, found


class Failing(MeanColour):
    """An evaluator whose output is not finite."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return NaN."""
        found = images.mean((2, 3)) * torch.nan
        return found, found


def call(name: str, said: str, function: Callable, *args: Any, **more: Any) -> BadInput:
    """Return a case of one call."""
    named = f"{function.__name__}: {name}"
    return BadInput(named, said, lambda folder: function(*args, **more))


def features(name: str, said: str, images: Any) -> BadInput:
    """Return a case of images that go through an evaluator."""
    return call(name, said, library.features_of, images, MeanColour())


def inception(name: str, said: str, *args: Any, **more: Any) -> BadInput:
    """Return a case of `inception_score_of_logits`."""
    return call(name, said, library.inception_score_of_logits, *args, **more)


def diversity(name: str, said: str, *args: Any, **more: Any) -> BadInput:
    """Return a case of `intra_class_diversity`."""
    return call(name, said, library.intra_class_diversity, *args, **more)


def sets(name: str, said: str, *args: Any, **more: Any) -> BadInput:
    """Return a case of `set_metrics`."""
    return call(name, said, library.set_metrics, *args, **more)


def probed(name: str, said: str, *args: Any, **more: Any) -> BadInput:
    """Return a case of `probe`."""
    return call(name, said, library.probe, *args, **more)


@cache
def evaluator() -> tuple[Path, TemporaryDirectory]:
    """Return the folder of an untrained evaluator, made once; it goes with the process."""
    place = TemporaryDirectory(prefix="evaluator-")
    folder, weights = Path(place.name), {}
    with seeded_globally(0):
        for i in range(3):
            state = build_network(CARD["arch"], 3, SIDE, CARD["width"]).state_dict()
            weights |= {f"{i}/{name}": part for name, part in state.items()}
    save_weights(folder / "weights.safetensors", weights)
    sha256 = sha256_file(folder / "weights.safetensors")
    write_json(folder / "card.json", CARD | {"weights_sha256": sha256})
    return folder, place


def judged(name: str, said: str, change: Callable[[Path], Any]) -> BadInput:
    """Return a case of an evaluator's folder that `change` changes."""

    def run(folder: Path) -> None:
        for path in evaluator()[0].iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        change(folder)
        library.inception_score(IMAGES, folder)

    return BadInput(name, said, run)


def card(**changes: Any) -> Callable[[Path], None]:
    """Return what changes entries of an evaluator's card; one that is None is left out."""

    def change(folder: Path) -> None:
        found = read_json(folder / "card.json") | changes
        write_json(folder / "card.json", {k: v for k, v in found.items() if v is not None})

    return change


def flipped(folder: Path) -> None:
    """Flip 300 bytes of the weights."""
    whole = bytearray((folder / "weights.safetensors").read_bytes())
    for at in draws().integers(len(whole) // 2, len(whole), 300):
        whole[at] ^= 0x40
    (folder / "weights.safetensors").write_bytes(whole)


LIBRARY = [
    features("no images", "there is no image in it", IMAGES[:0]),
    features("floats in [0, 1]", "(x * 255)", (IMAGES / 255).astype(np.float32)),
    features("floats in [-1, 1]", "(x + 1) * 127.5", (IMAGES / 127.5 - 1).astype(np.float32)),
    features("floats from 0 to 255", "x.round()", IMAGES.astype(np.float64)),
    features("integers of 64 bits", "found int64", IMAGES.astype(np.int64)),
    features("grey images", "numpy.repeat", IMAGES[..., 0]),
    features("channels first", "images.transpose(0, 2, 3, 1)", IMAGES.transpose(0, 3, 1, 2)),
    features("one image without a first dimension", "images[None]", IMAGES[0]),
    features("images of another size", "expected 32 x 32 pixels", IMAGES[:, :16, :16]),
    features("a path in the place of images", "expected images of dtype uint8", "images.npz"),
    features("nothing in the place of images", "expected images of dtype uint8", None),
    features("images of several sizes in a list", "to one size", [IMAGES[0], IMAGES[1, :16]]),
    call("an evaluator whose output is NaN", "is not finite", library.features_of, IMAGES,
         Failing()),
    call("an evaluator that is not there", "expected a folder with card.json, or one of",
         library.features_of, IMAGES, "nowhere"),
    judged("an evaluator without weights", "expected weights.safetensors",
           lambda folder: (folder / "weights.safetensors").unlink()),
    judged("an evaluator with half of its weights", "weights.safetensors", lambda folder: (
        folder / "weights.safetensors").write_bytes(b"hello")),
    judged("an evaluator whose weights have 300 other bytes", "weights.safetensors", flipped),
    judged("a card without the architecture", "expected the card of an evaluator", card(arch=None)),
    judged("a card with an unknown architecture", "unknown model 'resnet9000'", card(
           arch="resnet9000")),
    judged("a card with other classes than the weights", "expected the weights",
           card(class_names=["a", "b"])),
    judged("a card with a word for a width", "expected the card of an evaluator", card(
           width="wide")),
    inception("no logits", "expected floats of shape", LOGITS[:0]),
    inception("logits of NaN", "expected finite values", LOGITS * np.nan),
    inception("logits of one dimension", "expected floats of shape", LOGITS[0]),
    inception("logits that are integers", "expected floats", LABELS[:, None]),
    inception("a number in the place of logits", "expected floats", 3.0),
    inception("fewer labels than logits", "expected 12 integer labels", LOGITS, LABELS[:5]),
    inception("labels with fractions", "expected 12 integer labels", LOGITS, LABELS / 2),
    inception("a label that the classifier has not", "labels out of range", LOGITS, LABELS + 1),
    inception("negative labels", "labels out of range", LOGITS, LABELS - 1),
    inception("an unknown protocol", "protocol 'v9' not found", LOGITS, protocol="v9"),
    inception("a folder for a protocol", "not found", LOGITS, protocol=PROTOCOLS),
    diversity("grey images", "numpy.repeat", IMAGES[..., 0], LABELS),
    diversity("no images", "there is no image in it", IMAGES[:0], LABELS[:0]),
    diversity("images that are not square", "as many rows as columns", IMAGES[:, :16], LABELS),
    diversity("a size that the protocol has not", "16", IMAGES[:, :16, :16], LABELS),
    diversity("an unknown variant", "Did you mean 'standard'?", IMAGES, LABELS, "standart"),
    diversity("a class with one image", "at least 2 images", IMAGES[:3], LABELS[:3]),
    diversity("labels with fractions", "expected 12 integer labels", IMAGES, LABELS / 2),
    diversity("no labels", "integer labels", IMAGES, None),
    sets("features of different width", "the same number of dimensions", CODES, CODES[:, :2]),
    sets("features of infinity", "expected finite values", np.full_like(CODES, np.inf), CODES),
    sets("no training features", "expected floats of shape", CODES, CODES[:0]),
    sets("features of three dimensions", "expected floats of shape", CODES[None], CODES),
    sets("texts in the place of features", "expected floats of shape", CODES.astype(str), CODES),
    probed("one class", "expected two classes or more", CODES, np.zeros(N, np.int64)),
    probed("negative labels", "expected labels >= 0", CODES, LABELS - 1),
    probed("codes of NaN", "expected finite values", CODES * np.nan, LABELS),
    probed("an unknown kind", "Did you mean 'linear'?", CODES, LABELS, kind="liner"),
    probed("a class too small to hold out from", "expected", CODES[:4], np.array([0, 0, 1, 2])),
    probed("a held-out class that no training has", "class", CODES, LABELS, (CODES, LABELS + 1)),
    probed("held-out codes of another width", "the same number of dimensions", CODES, LABELS, (
           CODES[:, :2], LABELS)),
]  # fmt: skip

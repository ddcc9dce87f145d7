"""A world for families that run a model: people are colours of the upper half of an image.

The lower half, a grey, is all else. An evaluator reads the colour; a model swaps the halves.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from dlvae.artefact import write_json
from dlvae.base import Method, Task
from dlvae.data.dataset import Split, save_dataset
from dlvae.data.synthetic_faces.factors import FACTOR_NAMES, IDENTITY_FACTORS
from dlvae.registry import build_seeded, save_model
from eval.evaluator import load
from eval.rows import read_rows
from eval.scores import __main__ as scores
from eval.scores.common import ScoreRequest

SIDE, HALF = 32, 16
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]], np.uint8)
CLASSES = np.array(["red", "green", "blue", "yellow"])
CARD = {"dataset": "halves", "source": "made up", "licence": "none", "flip": True}
CARD |= {"preparation": {}}
PROTOCOL = Path(__file__).resolve().parents[3] / "config" / "protocol" / "smoke.yaml"
CONTEXT = {"preset": "smoke", "dataset": "halves", "model": "ours", "seed": 4}


class Colours:
    """An evaluator of the upper half: its mean colour, and the class of the nearest one."""

    card = {"class_names": CLASSES.tolist(), "dataset": "halves", "weights_sha256": "ab" * 32}

    def predict(self, images):
        colour = images[:, :HALF].mean(axis=(1, 2)).astype(np.float32)
        return colour, -np.linalg.norm(colour[:, None] - COLOURS.astype(np.float32), axis=2)


class Halves:
    """z_s is the upper half, z_u the lower one; if ``mixed``, the other way round.

    A reconstruction has the upper half in the colour of the label, or of the first pixel where
    none is given.
    """

    device = torch.device("cpu")

    def __init__(self, mixed=False):
        self.mixed = mixed

    def encode(self, images):
        upper, lower = images[:, :, :HALF].flatten(1), images[:, :, HALF:].flatten(1)
        return {"z_s": lower, "z_u": upper} if self.mixed else {"z_s": upper, "z_u": lower}

    def decode(self, z_s, z_u):
        parts = (z_u, z_s) if self.mixed else (z_s, z_u)
        return torch.cat([part.unflatten(1, (3, HALF, SIDE)) for part in parts], 2)

    def reconstruct(self, images, labels):
        given = images[:, :, 0, 0]
        colours = given if labels is None else torch.from_numpy(COLOURS)[labels] / 127.5 - 1
        found = images.clone()
        found[:, :, :HALF] = colours[:, :, None, None]
        return found


class World:
    """Folders of prepared data and untrained models, and families asked about them."""

    Halves, side, half, colours = Halves, SIDE, HALF, COLOURS

    def __init__(self, folder):
        self.folder = folder
        self.save("data", train=self.split(8, 1), test=self.split(6, 2))
        self.save("unlabelled", train=self.split(5, 3, labelled=False))
        write_json(folder / "evaluator" / "card.json", {})
        task = Task("image", "net32", SIDE, len(CLASSES), 0.05, 4, 6, 8, 32)
        models = {"ours": "ours", "semi": "ours", "told": "cvae"}
        for seed, (name, model) in enumerate(models.items()):
            save_model(folder / name, model, build_seeded(model, task, Method(), {}, seed), {})

    def save(self, name, **splits):
        save_dataset(self.folder / name, splits, CARD)

    @staticmethod
    def split(per_class, seed, labelled=True, factors=True):
        """Return ``per_class`` images of each colour over random greys, with identity factors."""
        labels = np.repeat(np.arange(4), per_class)
        images = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
        images[:, :HALF] = COLOURS[labels][:, None, None]
        greys = np.random.default_rng(seed).integers(0, 256, len(labels))
        images[:, HALF:] = greys[:, None, None, None]
        truth = np.zeros((len(labels), len(FACTOR_NAMES)), np.float32)
        truth[:, : len(IDENTITY_FACTORS)] = labels[:, None]
        known, none = labels.astype(np.int64), np.full(len(labels), -1)
        classes = CLASSES if labelled else np.array([], "<U1")
        more = (truth, np.array(FACTOR_NAMES)) if factors else (None, None)
        return Split(images, None, known if labelled else none, classes, *more)

    def request(self, family, inputs, **config):
        """Return the request of a family whose inputs are folders of this world, by name."""
        paths = {name: str(self.folder / folder) for name, folder in inputs.items()}
        return ScoreRequest(family, CONTEXT | config, paths, self.folder / "data", PROTOCOL)

    def run(self, family, inputs, **config):
        """Run the command: rows by metric, the manifest, and the bytes of the CSV."""
        config |= {"protocol_overrides": {"bn_eval": "running"}}  # fast
        asked, out = self.request(family, inputs, **config), self.folder / "scores.csv"
        arguments = {"inputs": json.dumps(asked.inputs), "config": json.dumps(asked.config)}
        arguments |= {"data": asked.data, "protocol": PROTOCOL, "out": out, "threads": 1}
        parts = (part for name, value in arguments.items() for part in (f"--{name}", str(value)))
        scores.main(scores.command().parse_args([family, *parts]))
        manifest = json.loads(out.with_suffix(".manifest.json").read_text())
        return read_rows([out]).set_index("metric"), manifest, out.read_bytes()


@pytest.fixture
def world(tmp_path, monkeypatch):
    """The world, with the evaluator of colours in place of a trained one."""
    monkeypatch.setattr(load, "load_evaluator", lambda _: Colours())
    return World(tmp_path)

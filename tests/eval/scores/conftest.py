"""A world for families that run a model: people are colours of the upper half of an image.

The lower half, a grey, is all else. An evaluator reads the colour; a model swaps the halves, or
paints them from codes of the prior.
"""

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dlvae.base import Method, Task
from dlvae.data.dataset import Split, save_dataset
from dlvae.data.synthetic_faces.factors import FACTOR_NAMES, IDENTITY_FACTORS
from dlvae.method.prior import CodePrior, GaussianMixture
from dlvae.stage.artefact import sha256_file, write_json
from dlvae.stage.registry import build_seeded, save_model
from dlvae.stage.weights import save_weights
from eval.judge import evaluator
from eval.judge.evaluator import JudgeEnsemble
from eval.judge.factor_regressor import FactorRegressor
from eval.request import ScoreRequest
from eval.rows import read_rows
from eval.scores import __main__ as scores

SIDE, HALF = 32, 16
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]], np.uint8)
CLASSES = np.array(["red", "green", "blue", "yellow"])
CARD = {"dataset": "halves", "source": "made up", "licence": "none", "flip": True}
CARD |= {"preparation": {}}
PROTOCOL = Path(__file__).resolve().parents[3] / "config" / "protocol" / "smoke.yaml"
CONTEXT = {"preset": "smoke", "dataset": "halves", "model": "ours", "seed": 4}
TRAINED = {"precision": "bf16"}  # what a model says of its training


class Colours:
    """An evaluator of the upper half: its mean colour, and the class of the nearest one."""

    card = {"class_names": CLASSES.tolist(), "dataset": "halves", "weights_sha256": "ab" * 32}
    sha256, recognise = "ab" * 32, JudgeEnsemble.recognise

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


class Painter:
    """z_s is the colour of the upper half; each coordinate of z_u is the grey of a band below."""

    device, bands, width = torch.device("cpu"), 6, SIDE // 6

    def __init__(self):
        self.task = Task("image", "net32", SIDE, len(CLASSES), 0.05, 3, self.bands, 8, 32)
        self.prior = GaussianMixture(len(CLASSES), 3)
        with torch.no_grad():
            self.prior.mu.copy_(torch.from_numpy(COLOURS) / 127.5 - 1)
            self.prior.scale.fill_(20.0)  # sigma_c of about 0.2
        self.prior_u = CodePrior(self.bands)

    def noise(self, draws, *shape):
        return torch.randn(*shape, generator=draws)

    def sample_codes(self, labels, draws):
        noise = self.noise(draws, len(labels), 3), self.noise(draws, len(labels), self.bands)
        with torch.no_grad():
            return self.prior.sample(labels, noise[0]), self.prior_u.sample(noise[1])

    def colour(self, z_s, z_u):
        return 0.6 * z_s  # within the range of pixels

    def greys(self, z_s, z_u):
        return z_u

    def decode(self, z_s, z_u):
        images = torch.zeros(len(z_s), 3, SIDE, SIDE)
        images[:, :, :HALF] = self.colour(z_s, z_u)[:, :, None, None]
        greys = (self.greys(z_s, z_u) / 4).repeat_interleave(self.width, 1)
        images[:, :, HALF:, : greys.shape[1]] = greys[:, None, None]
        return images.clamp(-1, 1)

    @classmethod
    def regressor(cls, *names, usable=None, spread=1.0):
        """Return a regressor that reads the bands as the factors of these names."""

        def predict(images):
            return images[:, -1, : cls.width * len(names) : cls.width, 0].astype(np.float32)

        found = SimpleNamespace(names=list(names), predict=predict)
        found.usable = list(names if usable is None else usable)
        found.r2 = {name: 0.9 if name in found.usable else 0.3 for name in names}
        found.scale = torch.full((len(names),), spread)
        found.irrelevant = partial(FactorRegressor.irrelevant, found)
        found.in_spreads = partial(FactorRegressor.in_spreads, found)
        return found


class World:
    """Folders of prepared data and untrained models, and families asked about them."""

    Halves, Painter = Halves, Painter
    side, half, colours = SIDE, HALF, COLOURS

    def __init__(self, folder):
        self.folder = folder
        self.save("data", train=self.split(8, 1), test=self.split(6, 2))
        more = {"heldout": self.split(5, 3, labelled=False)}
        self.save("unlabelled", train=self.split(5, 5, labelled=False), **more)
        write_json(folder / "evaluator" / "card.json", {})
        task = Task("image", "net32", SIDE, len(CLASSES), 0.05, 4, 6, 8, 32)
        models = {"ours": "ours", "semi": "ours", "told": "cvae"}
        for seed, (name, model) in enumerate(models.items()):
            save_model(folder / name, model, build_seeded(model, task, Method(), {}, seed), TRAINED)
        self.save_regressor()

    def save(self, name, **splits):
        save_dataset(self.folder / name, splits, CARD)

    @staticmethod
    def split(per_class, seed, labelled=True, factors=True):
        """Return ``per_class`` images of each colour over random greys, the azimuth of the face."""
        labels = np.repeat(np.arange(4), per_class)
        images = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
        images[:, :HALF] = COLOURS[labels][:, None, None]
        greys = np.random.default_rng(seed).integers(0, 256, len(labels))
        images[:, HALF:] = greys[:, None, None, None]
        truth = np.zeros((len(labels), len(FACTOR_NAMES)), np.float32)
        truth[:, : len(IDENTITY_FACTORS)] = labels[:, None]
        truth[:, FACTOR_NAMES.index("azimuth")] = greys
        known, none = labels.astype(np.int64), np.full(len(labels), -1)
        classes = CLASSES if labelled else np.array([], "<U1")
        more = (truth, np.array(FACTOR_NAMES)) if factors else (None, None)
        return Split(images, None, known if labelled else none, classes, *more)

    def save_regressor(self, seed=0, **r2):
        """Save an untrained factor regressor in ``factors`` and return what the family reads."""
        torch.manual_seed(seed)
        network, folder = FactorRegressor(FACTOR_NAMES, SIDE, 0.05), self.folder / "factors"
        weights = folder / "weights.safetensors"
        save_weights(weights, network.state_dict())
        card = {"weights_sha256": sha256_file(weights)}
        card |= {"factor_names": list(FACTOR_NAMES), "image_size": SIDE, "width": 0.05}
        write_json(folder / "card.json", card | {"r2": r2, "usable": list(r2)})
        return {"factors": "factors"}

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
    monkeypatch.setattr(evaluator, "load_evaluator", lambda _: Colours())
    return World(tmp_path)

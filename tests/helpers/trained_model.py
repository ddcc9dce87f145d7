"""A folder with an untrained model that looks trained, its snapshots, data and an evaluator."""

from argparse import Namespace

import numpy as np

from dlvae import sample
from dlvae.base import Method, Task
from dlvae.data.dataset import Split, load_card, save_dataset
from dlvae.stage.artefact import write_json
from dlvae.stage.registry import build_seeded, save_model, save_snapshots
from eval.protocol import load_protocol
from eval.request import ScoreRequest
from eval.scored_images import real
from stored_features import store_features

CLASSES = list("abcd")
CARD = {"dataset": "noise", "source": "made up", "licence": "none", "flip": False}
CARD |= {"preparation": {}}
CONTEXT = {"preset": "smoke", "dataset": "noise", "model": "ours", "seed": 4}
STEPS, LONGER, PER_UPDATE = 4, 8, 3 * 8
MANIFEST = {"steps": STEPS, "images_seen": STEPS * PER_UPDATE}
MANIFEST |= {"cpu_seconds": {"1": 0.5, "2": 1.25, "4": 2.75}}
MANIFEST_OF_LONGER = {"steps": LONGER, "images_seen": LONGER * PER_UPDATE}
MANIFEST_OF_LONGER |= {"cpu_seconds": {"8": 6.5}}
OVERRIDES = {"samples": {"few": 10}}  # FID needs more images than features


class TrainedModel:
    """Its parts, and requests of families of scores about it."""

    def __init__(self, folder, save_evaluator, protocol):
        self.folder, self.protocol = folder, protocol
        splits = {name: self.split(seed) for seed, name in enumerate(("train", "test"))}
        save_dataset(folder / "data", splits, CARD)
        save_evaluator(folder / "evaluator", CLASSES, dataset="noise")
        task = Task("image", "net32", 32, len(CLASSES), 0.05, 4, 6, 8, 40)
        states = {s: build_seeded("ours", task, Method(), {}, s) for s in (1, 2, STEPS, LONGER)}
        for name, kept, manifest in (
            ("model", (1, 2), MANIFEST),
            ("longer", (LONGER,), MANIFEST_OF_LONGER),
        ):
            last = states[manifest["steps"]]
            save_model(folder / name, "ours", last, {"precision": "bf16"})
            save_snapshots(folder / name, {s: states[s].state_dict() for s in kept})
            write_json(folder / name / "manifest.json", manifest)
        train = real(folder / "data", "train", self.card)
        self.save_features("real_train.npz", train)

    @staticmethod
    def split(seed):
        images = np.random.default_rng(seed).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
        return Split(images, None, np.arange(40, dtype=np.int64) % 4, np.array(CLASSES))

    @property
    def card(self):
        return load_card(self.folder / "data")

    def save_features(self, name, scored):
        store_features(self.folder / name, scored, self.folder / "evaluator", self.card)

    def sampled(self):
        """Sample the last weights as the sampling stage does: the path of the sample set."""
        rules = load_protocol(self.protocol, OVERRIDES)
        config = CONTEXT | {"bn_eval": rules.bn_eval, "per_class": vars(rules.samples)}
        out = self.folder / "samples.npz"
        parts = {"model_dir": self.folder / "model", "out": out, "threads": 1}
        sample.main(Namespace(config=config, **parts))
        return out

    def request(self, family, *names, **config):
        """Return the request of a family about parts of this folder, named as its inputs."""
        found = {name: self.folder / name for name in names}
        ended = {n: p if p.is_dir() else p.with_suffix(".npz") for n, p in found.items()}
        inputs = {name: str(path) for name, path in ended.items()}
        shared = CONTEXT | {"protocol_overrides": OVERRIDES}
        return ScoreRequest(family, shared | config, inputs, self.folder / "data", self.protocol)

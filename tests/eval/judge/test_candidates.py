"""Candidates that must not fool the scores, judged by an evaluator that was really trained.

Uniform noise has neither fidelity nor classes. Real images under shuffled labels are excellent
images of the wrong class: what reads labels must notice, what does not must not change.
"""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from dlvae.config.preset import load_preset
from dlvae.data.dataset import load_card, load_split
from dlvae.data.sample_sets import save_samples
from dlvae.prepare import prepare
from dlvae.sample import ready, sample_set
from dlvae.stage.registry import load_model
from dlvae.stage.seeds import generator
from dlvae.train.__main__ import train
from eval.judge.__main__ import train_member
from eval.judge.join import join_members
from eval.protocol import load_protocol
from eval.request import ScoreRequest
from eval.scored_images import evenly_per_class, real, sampled
from eval.scores.diversity import diversity
from eval.scores.fidelity import fidelity
from eval.scores.inception import inception
from stored_features import store_features

CONFIG = Path(__file__).parents[3] / "config"
PROTOCOL = CONFIG / "protocol" / "v2.yaml"
QUICK = load_preset("quick", CONFIG)
DIGITS = QUICK["datasets"]["digits"]
PER_CLASS, CLASSES = 100, 10
OVERRIDES = {"samples": {"few": PER_CLASS}}
NAMES = {"preset": "quick", "dataset": "digits", "seed": 0}

pytestmark = [pytest.mark.slow, pytest.mark.long]


class Judge:
    """Digits with an evaluator as that of `quick`, and the scores of sample sets under it."""

    def __init__(self, folder):
        self.folder, self.data = folder, folder / "data"
        prepare({"dataset": "digits", **DIGITS["data"]}, self.data)
        self.card = load_card(self.data)
        self.evaluator = self._trained_evaluator()
        for split in ("train", "test"):
            self._features(real(self.data, split, self.card), f"real_{split}")

    def _trained_evaluator(self, members=2):
        """The robust evaluator of `quick`, with fewer members."""
        shared = {
            k: v for k, v in DIGITS["evaluator"].items() if k not in ("members", "robust", "plain")
        }
        config = NAMES | shared | DIGITS["evaluator"]["robust"] | {"kind": "robust"}
        folders = [self.folder / "evaluator" / f"member{i}" for i in range(members)]
        for member, out in enumerate(folders):
            self._run(train_member, out, config | {"member": member}, images=None)
        join_members(folders, self.folder / "evaluator")
        return self.folder / "evaluator"

    def _run(self, train, out, config, **more):
        """Call a training with the arguments of its command line."""
        more |= {"threads": 1, "precision": "auto", "fingerprint": "", "save_seconds": 30.0}
        more |= {"resume_root": self.folder / "resume", "run_log": out.with_suffix(".jsonl")}
        train(Namespace(data=self.data, out=out, config=config, **more))

    def _features(self, images, name):
        store_features(self._path(name), images, self.evaluator, self.card)

    def _path(self, name):
        return self.folder / f"{name}.features.npz"

    def scores(self, name, images, labels):
        """Every score of the tables of a sample set, by metric."""
        samples = self.folder / f"{name}.npz"
        save_samples(samples, images, labels)
        self._features(sampled(samples, self.card), name)
        inputs = {key: str(self._path(key)) for key in ("real_train", "real_test")}
        inputs |= {"features": str(self._path(name)), "images": str(samples)}
        # One model's name for all: equal images are then cut into equal subsets.
        config = NAMES | {"model": "candidate", "protocol_overrides": OVERRIDES}
        found = {}
        for family in (inception, diversity, fidelity):
            request = ScoreRequest(family.__name__, config, inputs, self.data, PROTOCOL)
            found |= {key: part.value for key, part in family(request).values.items()}
        return found

    def cvae(self):
        """Samples of the cVAE of `quick`."""
        folder = self.folder / "cvae"
        config = NAMES | {"model": "cvae", "stage": "supervised", "options": {}}
        config |= {"network": DIGITS["network"], "train": DIGITS["train"]}
        config |= {"method": QUICK.get("method", {}) | DIGITS.get("method", {})}
        self._run(train, folder, config, init=None, keep_state=False)
        model = load_model(folder)
        ready(model, load_protocol(PROTOCOL).bn_eval, generator("recalibrate"))
        return sample_set(model, PER_CLASS, generator("sample"))


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    return Judge(tmp_path_factory.mktemp("judge"))


def test_noise_is_neither_good_nor_of_any_class(judge):
    draws = np.random.default_rng(0)
    images = draws.integers(0, 256, (CLASSES * PER_CLASS, 32, 32, 3), dtype=np.uint8)
    noise = judge.scores("noise", images, np.repeat(np.arange(CLASSES), PER_CLASS))
    cvae = judge.scores("cvae", *judge.cvae())
    assert noise["precision"] < 0.05
    assert noise["inception_score"] < cvae["inception_score"]
    assert noise["fid"] > cvae["fid"]
    # It is diverse all the same, which is why diversity is never read alone.
    assert noise["d_intra_standard"] > cvae["d_intra_standard"]


def test_shuffled_labels_change_what_reads_labels_and_nothing_else(judge):
    train = load_split(judge.data, "train")
    chosen = evenly_per_class(train.labels, PER_CLASS)
    images, labels = train.images[chosen], train.labels[chosen]
    shuffled = np.random.default_rng(1).permutation(labels)
    right, wrong = (
        judge.scores(name, images, given)
        for name, given in (("right", labels), ("wrong", shuffled))
    )
    chance = 1 / CLASSES
    error = (chance * (1 - chance) / len(labels)) ** 0.5
    assert right["label_fidelity"] > 0.98
    assert abs(wrong["label_fidelity"] - chance) < 3 * error
    for metric in ("inception_score", "fid", "kid", "precision", "recall", "sharpness"):
        assert wrong[metric] == pytest.approx(right[metric], abs=1e-6), metric
    # A class holds all digits now: more diverse, and unlike the real class.
    assert wrong["d_intra_standard"] > right["d_intra_standard"] + 0.1
    assert wrong["d_intra_range_mismatched"] > right["d_intra_range_mismatched"]
    assert wrong["feature_distance_intra"] > 1.5 * right["feature_distance_intra"]
    assert wrong["intra_fid"] > 10 * right["intra_fid"]

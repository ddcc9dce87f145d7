"""Feature sets: made, saved, read back, and refused."""

import json
import re

import numpy as np
import pytest
import torch
from torch import nn

from dlvae.data.dataset import Split, load_card, save_dataset
from dlvae.data.sample_sets import save_samples
from dlvae.stage.artefact import write_json
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.judge import evaluator, features
from eval.judge.features import load_features

CLASSES = np.array(["dark", "bright"])
CARD = {"dataset": "grey", "source": "made up", "licence": "none", "flip": True, "preparation": {}}


def grey(n, seed=0):
    """Dark images of class 0 and bright ones of class 1, in turn."""
    labels = np.arange(n) % 2
    noise = np.random.default_rng(seed).integers(0, 60, (n, 32, 32, 3))
    return (noise + 180 * labels[:, None, None, None]).astype(np.uint8), labels


class Brightness(nn.Module):
    """Logits from the mean brightness."""

    image_size = 32

    def __init__(self, names):
        super().__init__()
        self.card = {"class_names": names, "dataset": "grey", "weights_sha256": "ab" * 32}
        self.sha256 = "ab" * 32

    def forward(self, images):
        mean = images.mean(dim=(1, 2, 3))
        return mean[:, None].repeat(1, 3), torch.stack([-40 * mean, 40 * mean], dim=1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data set and a sample set; an evaluator whose weights need no file."""
    splits = {
        name: Split(grey(n, seed)[0], None, grey(n)[1], CLASSES)
        for name, n, seed in (("train", 20, 1), ("test", 6, 2))
    }
    save_dataset(tmp_path / "data", splits, CARD)
    write_json(tmp_path / "evaluator" / "card.json", {})
    save_samples(tmp_path / "samples.npz", *grey(16, 3))
    monkeypatch.setattr(evaluator, "load_evaluator", lambda _: Brightness(CLASSES.tolist()).eval())
    return tmp_path


def run(folder, *images):
    """Run the stage in this process: the feature set."""
    arguments = ["--data", folder / "data", "--evaluator", folder / "evaluator"]
    arguments += ["--out", folder / "features.npz", "--config", json.dumps({"seed": 4}), *images]
    run_stage(features.main, features.command(), [str(part) for part in arguments])
    return load_features(folder / "features.npz", "grey")


def test_features_of_a_sample_set(folder):
    write_json(folder / "samples.manifest.json", {"precision": "bf16"})
    found = run(folder, "--samples", folder / "samples.npz")
    images, labels = grey(16, 3)
    np.testing.assert_array_equal(found.labels, labels)
    mean = images.mean(axis=(1, 2, 3)) / 127.5 - 1
    np.testing.assert_allclose(found.features, np.repeat(mean[:, None], 3, 1), atol=1e-5)
    assert found.features.dtype == found.logits.dtype == np.float32
    assert (found.precision, found.evaluator, found.data) == ("bf16", "ab" * 32, "grey")
    inputs = json.loads((folder / "features.manifest.json").read_text())["inputs"]
    assert set(inputs) == {"data", "evaluator", "images"}


def test_features_of_real_images_name_the_split(folder):
    found = run(folder, "--real", "test")
    assert len(found.labels) == 6 and found.precision == "none"
    assert found.images == load_card(folder / "data")["sha256"]["test"]


def test_the_same_command_gives_the_same_bytes(folder):
    texts = []
    for _ in range(2):
        run(folder, "--real", "train")
        texts.append((folder / "features.npz").read_bytes())
    assert texts[0] == texts[1]


def test_a_choice_per_class_keeps_arrays_together(folder):
    found = run(folder, "--real", "train")
    chosen = load_features(folder / "features.npz", "grey", 3)
    assert np.bincount(chosen.labels).tolist() == [3, 3]
    for row, logits in zip(chosen.features, chosen.logits, strict=True):
        at = np.flatnonzero((found.features == row).all(1))
        assert any((found.logits[i] == logits).all() for i in at)
    assert chosen.images == found.images


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (np.zeros((4, 16, 16, 3), np.uint8), np.arange(4) % 2, "32 x 32 pixels.*16 x 16"),
        (np.zeros((4, 32, 32, 3), np.uint8), np.arange(4), "out of range: expected 0 to 1.*0 to 3"),
        (np.zeros((4, 32, 32, 3), np.uint8), np.zeros(4, int), "1 of 2 classes.*bright"),
    ],
)
def test_samples_of_something_else_are_refused(folder, capsys, images, labels, words):
    save_samples(folder / "samples.npz", images, labels)
    with pytest.raises(SystemExit):
        run(folder, "--samples", folder / "samples.npz")
    error = capsys.readouterr().err
    assert re.search(words, error) and error.count("\n") == 1
    assert not (folder / "features.npz").exists()


def test_an_evaluator_of_other_classes_is_refused(folder, monkeypatch, capsys):
    monkeypatch.setattr(evaluator, "load_evaluator", lambda _: Brightness(["a", "b", "c"]).eval())
    with pytest.raises(SystemExit):
        run(folder, "--real", "test")
    assert "expected an evaluator trained on 'grey'" in capsys.readouterr().err


def test_another_file_is_no_feature_set(folder):
    with pytest.raises(UserError, match="python -m eval.judge.features"):
        load_features(folder / "samples.npz", "grey")
    with pytest.raises(UserError, match=r"nowhere\.npz"):
        load_features(folder / "nowhere.npz", "grey")

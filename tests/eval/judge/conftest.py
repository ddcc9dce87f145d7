"""A data set of a few images that a narrow network learns in a few steps."""

import numpy as np
import pytest

from dlvae.data.dataset import Split, save_dataset
from dlvae.stage.seeds import numpy_generator

FACTORS = ("red", "green", "constant")


def _split(per_class: int, name: str) -> Split:
    """Three classes of flat colour: red, green, blue, of random brightness, with noise."""
    draws = numpy_generator("tests", "evaluator", name)
    labels = np.repeat(np.arange(3), per_class)
    levels = draws.integers(60, 240, (len(labels), 3)) // 4
    levels[np.arange(len(labels)), labels] += 150
    noise = draws.integers(-20, 21, (len(labels), 32, 32, 3))
    images = np.clip(levels[:, None, None, :] + noise, 0, 255).astype(np.uint8)
    factors = np.stack([levels[:, 0] / 10 - 7, levels[:, 1] * 3.0, np.full(len(labels), 5)], 1)
    classes = np.array(["red", "green", "blue"])
    return Split(images, None, labels, classes, factors.astype(np.float32), np.array(FACTORS))


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """Folder of a prepared 32 px data set: 3 classes x 16 training and 4 held-out images."""
    folder = tmp_path_factory.mktemp("tiny")
    fields = {"dataset": "tiny", "source": "made up", "licence": "MIT", "flip": True}
    splits = {"train": _split(16, "train"), "test": _split(4, "test")}
    save_dataset(folder, splits, fields | {"preparation": {}})
    return folder


@pytest.fixture
def tiny_config():
    """Six steps of the narrowest evaluator."""
    config = {"preset": "smoke", "dataset": "tiny", "seed": 0, "width": 0.01, "epochs": 2}
    return config | {"batch_size": 16, "lr": 0.05, "warmup_epochs": 0.5, "pad_crop": 2}

"""What tests share: one torch thread, so that tests beside each other do not spin.

And `pytest --model NAME`: the conformance suite for one model, and nothing else.
"""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

SUITE = Path(__file__).with_name("test_conformance.py")


def pytest_addoption(parser):
    parser.addoption(
        "--model", metavar="NAME", help="run the conformance suite alone, for this model alone"
    )


def pytest_configure(config):
    if name := config.getoption("--model"):
        from dlvae.stage.errors import UserError
        from dlvae.stage.registry import check_entry_point, module_name

        try:
            check_entry_point(name)
            module_name(name)
        except UserError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_ignore_collect(collection_path, config):
    if config.getoption("--model") and collection_path not in (SUITE, *SUITE.parents):
        return True
    return None


@pytest.fixture
def save_evaluator():
    """Save an untrained ensemble: save_evaluator(folder, class names, side, dataset) is folder."""

    def save(folder, classes, side=32, dataset="made up"):
        from dlvae.stage.artefact import sha256_file, write_json
        from dlvae.stage.seeds import seeded_globally
        from dlvae.stage.weights import save_weights
        from eval.judge.classifiers.architecture import build_network

        card = {"arch": "inception_resnet_v1", "width": 0.01, "image_size": side}
        card |= {"class_names": list(classes), "dataset": dataset}
        card |= {"members": ["a", "b", "c"], "kind": "robust"}

        weights = {}
        for i in range(3):
            with seeded_globally(i):
                network = build_network(card["arch"], len(classes), side, card["width"])
            weights |= {f"{i}/{name}": part for name, part in network.state_dict().items()}
        save_weights(folder / "weights.safetensors", weights)
        card["weights_sha256"] = sha256_file(folder / "weights.safetensors")
        write_json(folder / "card.json", card)
        return folder

    return save

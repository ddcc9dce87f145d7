"""The stage that fits priors: last weights and snapshots, each to its own codes, nothing else."""

from argparse import Namespace

import numpy as np
import pytest
import torch

from dlvae.base import Method, Task
from dlvae.data.batches import to_model_range
from dlvae.data.dataset import Split, save_dataset
from dlvae.fit_prior import fit_to, main
from dlvae.stage.artefact import read_json, write_json
from dlvae.stage.errors import UserError
from dlvae.stage.registry import (
    build_seeded,
    load_model,
    load_snapshots,
    save_model,
    save_snapshots,
)

TASK = Task("image", "net32", 32, 3, 0.1, 4, 5, 6, 30)
COSTS = {"steps": 8, "images_seen": 192, "epochs_seen": 1.6, "cpu_seconds": {"4": 1.5, "8": 3.0}}
PRIORS = ("prior.mu", "prior.scale", "prior_u.mean", "prior_u.std")


@pytest.fixture
def folder(tmp_path):
    """A data set, and untrained models in the place of a training and its snapshots."""
    draws = np.random.default_rng(0)
    images = draws.integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    split = Split(images, None, np.arange(30) % 3, np.array(["a", "b", "c"]))
    card = {"dataset": "digits", "source": "made up", "licence": "none", "flip": False}
    save_dataset(tmp_path / "data", {"train": split, "test": split}, card | {"preparation": {}})
    first, last = (build_seeded("ours", TASK, Method(), {}, seed) for seed in range(2))
    save_model(tmp_path / "model", "ours", last, {"seed": 0})
    save_snapshots(tmp_path / "model", {8: last.state_dict(), 4: first.state_dict()})
    write_json(tmp_path / "model" / "manifest.json", COSTS)
    return tmp_path


def run(folder, model="model"):
    out = folder / "fitted"
    main(Namespace(model_dir=folder / model, data=folder / "data", out=out, config={}, threads=1))
    return out


def test_every_snapshot_has_the_priors_of_its_own_codes(folder):
    before, after = load_snapshots(folder / "model"), load_snapshots(run(folder))
    assert list(before) == list(after) == [4, 8]
    images = np.load(folder / "data" / "train.npz")["images"]
    labels = np.load(folder / "data" / "train.npz")["labels"]
    for step in (4, 8):
        model = load_model(folder / "model")
        model.load_state_dict(before[step])
        codes = model.encode(to_model_range(images))
        z_s, m = (codes[name].double().numpy() for name in ("z_s", "z_u"))
        spread = m.var(0) + np.exp(codes["z_u_logvar"].double().numpy()).mean(0)
        np.testing.assert_allclose(after[step]["prior_u.mean"], m.mean(0), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(after[step]["prior_u.std"], spread**0.5, rtol=1e-4)
        for label in range(3):
            own = z_s[labels == label].mean(0)
            np.testing.assert_allclose(after[step]["prior.mu"][label], own, rtol=1e-4, atol=1e-6)
        changed = {n for n, t in after[step].items() if not torch.equal(t, before[step][n])}
        assert changed == set(PRIORS)
    assert not torch.equal(after[4]["prior.mu"], after[8]["prior.mu"])


def test_the_last_snapshot_is_the_fitted_model(folder):
    out = run(folder)
    model = load_model(out)
    last = load_snapshots(out)[8]
    assert all(torch.equal(tensor, last[name]) for name, tensor in model.state_dict().items())
    assert read_json(out / "model.json")["section"]["priors"] == "fitted"


def test_the_manifest_says_what_the_training_cost(folder):
    manifest = read_json(run(folder) / "manifest.json")
    assert {key: manifest[key] for key in COSTS} == COSTS
    assert set(manifest["inputs"]) == {
        "weights.safetensors",
        "model.json",
        "snapshots.safetensors",
        "data",
    }


def test_a_model_without_codes_is_refused(folder):
    model = build_seeded("cgan", TASK, Method(), {}, 0)
    split = Split(np.zeros((3, 32, 32, 3), np.uint8), None, np.arange(3), np.array(["a", "b", "c"]))
    with pytest.raises(UserError, match="leave it out of the preset's key 'fitted'"):
        fit_to(model, split)

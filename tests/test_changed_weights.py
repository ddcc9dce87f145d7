"""Weights that were changed after they were saved are refused, whatever is made of them."""

import shutil
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from dlvae.fit_prior import main as fit_prior
from dlvae.prepare import prepare
from dlvae.stage.artefact import read_json, sha256_file, write_json
from dlvae.stage.errors import UserError
from dlvae.stage.registry import SNAPSHOTS, WEIGHTS, load_model, load_snapshots
from dlvae.stage.weights import CARD, MANIFEST, check_named_hash, load_weights, save_weights
from dlvae.train.__main__ import train
from eval.judge.evaluator import load_evaluator
from eval.judge.factor_regressor import FactorRegressor, load_factors
from eval.library import inception_score

FLIPPED = 300


def flip(path: Path) -> None:
    """Change bytes of tensors; the header stays, so that the file still loads."""
    content = bytearray(path.read_bytes())
    for i in range(1, FLIPPED + 1):
        content[-3 * i] ^= 0x10
    path.write_bytes(content)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder with ``model`` and ``fitted``, as their stages leave them."""
    root = tmp_path_factory.mktemp("trained")
    prepare({"dataset": "three_moons", "points": 60, "test_points": 6}, root / "data")
    names = {"preset": "p", "dataset": "three_moons", "model": "ours", "seed": 0}
    config = names | {"stage": "supervised", "options": {}, "method": {}}
    config |= {"network": {"backbone": "toy", "width": 1.0, "d_s": 2, "d_u": 2}}
    config |= {"train": {"steps": 2, "batch_size": 8, "snapshots": [1]}}
    folders = {"data": "data", "out": "model", "resume_root": "resume", "run_log": "log"}
    paths = {name: root / folder for name, folder in folders.items()}
    options = {"precision": "fp32", "threads": 1, "init": None, "fingerprint": ""}
    train(Namespace(config=config, save_seconds=30.0, keep_state=False, **options, **paths))
    fitted = {"model_dir": root / "model", "data": root / "data", "out": root / "fitted"}
    fit_prior(Namespace(config=names, threads=1, **fitted))
    return root


@pytest.fixture
def of_kind(tmp_path, trained, save_evaluator):
    """Return a function: name of a kind -> its folder, and what loads it."""

    def copy(name):
        return Path(shutil.copytree(trained / name, tmp_path / name))

    def factors():
        network = FactorRegressor(["azimuth"], 16, 0.1)
        save_weights(tmp_path / "factors" / WEIGHTS, network.state_dict())
        card = {"width": 0.1, "image_size": 16, "factor_names": ["azimuth"], "r2": {}}
        card |= {"usable": [], "weights_sha256": sha256_file(tmp_path / "factors" / WEIGHTS)}
        write_json(tmp_path / "factors" / CARD, card)
        return tmp_path / "factors"

    kinds = {
        "judge": lambda: (save_evaluator(tmp_path / "judge", "abc"), WEIGHTS, load_evaluator),
        "factor regressor": lambda: (factors(), WEIGHTS, load_factors),
        "model": lambda: (copy("model"), WEIGHTS, load_model),
        "model, fitted": lambda: (copy("fitted"), WEIGHTS, load_model),
        "snapshots": lambda: (copy("model"), SNAPSHOTS, load_snapshots),
        "snapshots, fitted": lambda: (copy("fitted"), SNAPSHOTS, load_snapshots),
    }
    return lambda kind: kinds[kind]()


KINDS = ("judge", "factor regressor", "model", "model, fitted", "snapshots", "snapshots, fitted")


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bytes_are_refused_by_name_and_hash(of_kind, kind):
    folder, file, load = of_kind(kind)
    load(folder)
    expected = sha256_file(folder / file)
    flip(folder / file)
    load_unchecked(folder / file)
    with pytest.raises(UserError) as caught:
        load(folder)
    said = str(caught.value)
    assert str(folder / file) in said and expected[:12] in said
    assert sha256_file(folder / file)[:12] in said
    assert (MANIFEST if "model" in kind or "snap" in kind else CARD) in said


def load_unchecked(path):
    """Load as safetensors does: what is refused above would have been read."""
    from safetensors.torch import load_file

    assert load_file(path)


def test_the_library_scores_with_no_judge_that_was_changed(tmp_path, save_evaluator):
    judge = save_evaluator(tmp_path / "judge", "abc")
    images = torch.randint(0, 256, (12, 32, 32, 3), dtype=torch.uint8).numpy()
    inception_score(images, judge)
    flip(judge / WEIGHTS)
    with pytest.raises(UserError, match="expected the file that card.json beside it names"):
        inception_score(images, judge)


def test_the_command_that_brings_them_back_depends_on_where_they_are(tmp_path, save_evaluator):
    stored = save_evaluator(tmp_path / "reports" / "stored" / "quick" / "evaluator" / "d", "ab")
    made = save_evaluator(tmp_path / "results" / "smoke" / "evaluator" / "d", "ab")
    for folder in (stored, made):
        flip(folder / WEIGHTS)
    with pytest.raises(UserError, match=f"git checkout -- {stored / WEIGHTS}$"):
        check_named_hash(stored / WEIGHTS)
    again = f"rm {made / WEIGHTS} && snakemake --cores all results/smoke/evaluator/d/{WEIGHTS}"
    with pytest.raises(UserError, match=f"{again} --config preset=smoke$"):
        check_named_hash(made / WEIGHTS)


def test_a_card_without_a_hash_is_refused_and_an_older_manifest_is_not(tmp_path, trained):
    folder = Path(shutil.copytree(trained / "model", tmp_path / "model"))
    manifest = read_json(folder / MANIFEST)
    assert set(manifest.pop("files")) == {WEIGHTS, SNAPSHOTS}
    write_json(folder / MANIFEST, manifest)
    assert load_weights(folder / WEIGHTS)
    write_json(folder / CARD, {})
    with pytest.raises(
        UserError, match="card.json: expected the hash of weights.safetensors under weights_sha256"
    ):
        load_weights(folder / WEIGHTS)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(UserError, match=f"at {tmp_path / WEIGHTS}, found none"):
        load_weights(tmp_path / WEIGHTS)

"""Packed models give what the stages gave: the sample set to the byte, the panel's swaps."""

import json
import re
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

import dlvae
from dlvae import sample
from dlvae.base import Method, Task
from dlvae.data.dataset import Split, save_dataset
from dlvae.data.sample_sets import load_samples
from dlvae.loading import STATISTICS
from dlvae.stage.artefact import read_json, sha256_arrays
from dlvae.stage.errors import UserError
from dlvae.stage.registry import DEFINITION, WEIGHTS, build_seeded, save_model
from dlvae.stage.stored_files import STORED, stored_names
from eval.models.packing import pack_model
from eval.panels.common import PanelRequest
from eval.panels.figure6 import figure6
from reports.freeze.machine import BYTES, machine

CLASSES = ["ann", "bob", "cid", "dan"]
CONTEXT = {"preset": "tiny", "dataset": "noise", "model": "ours_semi", "seed": 0}
PER_CLASS = {"few_classes": 4, "few": 70, "many": 1}  # more than one batch
CARD = {"dataset": "noise", "source": "made up", "licence": "none", "flip": False}
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a run: a saved model, its sample set, images without labels, packed models."""
    root = tmp_path_factory.mktemp("run")
    split = Split(IMAGES, None, np.full(40, -1), np.array([], "<U1"))
    save_dataset(root / "people", {"train": split}, CARD | {"preparation": {}})
    labelled = Split(IMAGES, None, np.arange(40) % 4, np.array(CLASSES))
    splits = {"ours": split, "cvae": labelled}  # whose encoder is told the label
    task = Task("image", "net32", 32, len(CLASSES), 0.05, 4, 6, 8, 40)
    config = CONTEXT | {"bn_eval": "recalibrated", "per_class": PER_CLASS}
    for name in ("ours", "cvae"):
        save_model(root / name, name, build_seeded(name, task, Method(), {}, "t"), {})
        folders = {"model_dir": root / name, "out": root / f"{name}.npz"}
        sample.main(Namespace(config=config, threads=1, **folders))
        about = {"class_names": CLASSES}
        pack_model(root / name, root / f"packed_{name}", config, splits[name], about)
    return root


@pytest.fixture(scope="module")
def ours(run):
    return dlvae.load(run / "packed_ours")


@pytest.mark.parametrize("name", ["ours", "cvae"])
def test_labels_in_turn_give_the_sample_set_of_the_stage(run, name):
    model = dlvae.load(run / f"packed_{name}")
    images, labels = load_samples(run / f"{name}.npz")
    np.testing.assert_array_equal(model.sample(labels), images)
    assert (model.sample(labels, seed=1) != images).any()


def test_swaps_are_those_of_the_panel(run, ours):
    config = CONTEXT | {"bn_eval": "recalibrated"}
    inputs = {"model": str(run / "ours"), "unlabelled": str(run / "people")}
    panel = figure6(PanelRequest("figure6", config, inputs))
    rows, columns = panel.arrays["row_images"], panel.arrays["column_images"]
    ours.sample(["ann"])  # other statistics, which must not stay
    z_s, z_u = ours.encode(np.concatenate([rows, columns]))
    grid = panel.arrays["grid"]
    np.testing.assert_array_equal(ours.decode(z_s[: len(rows), None], z_u[len(rows) :]), grid)
    # In batches of another size last bits may differ, and a rounding with them.
    swapped = ours.swap(rows[:1], columns).astype(int)
    assert np.abs(swapped - grid[0]).max() <= 1 and (swapped == grid[0]).mean() > 0.99


def test_codes_are_arrays_of_the_sizes_of_the_task(ours):
    z_s, z_u = ours.encode(IMAGES[:3])
    assert z_s.shape == (3, 4) and z_u.shape == (3, 6) and z_s.dtype == z_u.dtype == np.float32


def test_classes_are_asked_for_by_number_or_name(ours):
    by_name, by_number = ours.sample(["bob", "dan"], seed=3), ours.sample([1, 3], seed=3)
    np.testing.assert_array_equal(by_name, by_number)
    assert by_name.shape == (2, 32, 32, 3) and by_name.dtype == np.uint8


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.sample(["bop"]), "unknown class 'bop'.*Did you mean 'bob'"),
        (lambda m: m.sample([4]), "expected integers from 0 to 3"),
        (lambda m: m.sample([0.5]), "expected integers from 0 to 3"),
        (lambda m: m.sample([]), "expected one or more in a row"),
        (lambda m: m.encode(IMAGES / 255), "expected images of dtype uint8"),
        (lambda m: m.encode(IMAGES[:, ::2, ::2]), "expected 32 x 32 pixels, found 16 x 16"),
        (lambda m: m.swap(IMAGES[:2], IMAGES[:3]), "as many images on both sides, or one"),
    ],
)
def test_what_cannot_be_drawn_is_said(ours, call, words):
    with pytest.raises(UserError, match=words):
        call(ours)


def test_a_model_without_z_s_says_so(run):
    with pytest.raises(UserError, match="'ours_semi' cannot encode"):  # the name on its card
        dlvae.load(run / "packed_cvae").encode(IMAGES)


@pytest.mark.parametrize("file", [WEIGHTS, DEFINITION, STATISTICS])
def test_a_changed_file_is_not_loaded(run, tmp_path, file):
    folder = Path(shutil.copytree(run / "packed_ours", tmp_path / "packed"))
    content = bytearray((folder / file).read_bytes())
    content[-5] ^= 1
    (folder / file).write_bytes(content)
    with pytest.raises(UserError, match=f"{file}: expected the file that card.json"):
        dlvae.load(folder)


def test_a_name_is_looked_up_among_the_stored_results(run, tmp_path):
    folder = tmp_path / "stored" / "tiny" / "models" / "noise" / "ours" / "seed0"
    shutil.copytree(run / "packed_ours", folder)
    root = tmp_path / "stored"
    assert dlvae.load("tiny/noise/ours", root).card["preset"] == "tiny"
    assert dlvae.load("tiny/noise/ours/seed0", root).classes == CLASSES
    with pytest.raises(UserError, match="one of tiny/noise/ours, .*Did you mean 'tiny/noise/ours'"):
        dlvae.load("tiny/noise/our", root)


def test_a_judges_card_is_no_models(tmp_path, save_evaluator):
    with pytest.raises(UserError, match="expected the card of a stored model, found no preset"):
        dlvae.load(save_evaluator(tmp_path / "judge", "ab"))


def test_the_package_is_light_and_finds_its_models_from_anywhere(tmp_path):
    code = (
        "import sys, json, dlvae\n"
        "light = 'torch' not in sys.modules\n"
        "from dlvae.stage.stored_files import stored_folder\n"
        "place = stored_folder('quick/digits/ours', 'models')\n"
        "print(json.dumps([light, 'load' in dlvae.__all__, str(place)]))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    place = STORED / "quick" / "models" / "digits" / "ours" / "seed0"
    assert json.loads(done.stdout) == [True, True, str(place)]


def test_the_documented_models_are_those_that_are_stored():
    text = (STORED.parents[1] / "docs" / "trained_models.md").read_text(encoding="utf-8")
    names = stored_names("models")
    assert names and all(f"`{name}`" in text for name in names)


def test_the_documented_lines_run_from_any_folder(tmp_path, monkeypatch):
    text = (STORED.parents[1] / "docs" / "trained_models.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/trained_models.md", "exec"), names)
    assert names["images"].shape == (3, 32, 32, 3) and names["grid"].shape == (3, 3, 32, 32, 3)
    assert (names["images"][0] != names["images"][1]).any()
    np.testing.assert_array_equal(names["swapped"], names["grid"][0])


@pytest.mark.parametrize("name", stored_names("models"))
def test_stored_models_give_the_samples_whose_hash_their_manifest_names(name):
    """On another machine last bits may differ, so that it is skipped."""
    made, now = read_json(STORED / "quick" / "index.json")["machine"], machine()
    if others := [key for key in BYTES if made[key] != now[key]]:
        pytest.skip(f"made on another machine: {', '.join(others)}")
    model = dlvae.load(name)
    rule, count = model.card["samples"]["per_class"], len(model.classes)
    rounds = rule["few"] if count <= rule["few_classes"] else rule["many"]
    labels = np.tile(np.arange(count), rounds)
    found = sha256_arrays(images=model.sample(labels), labels=labels)
    preset, run = name.split("/", 1)
    lines = (STORED / preset / "manifests" / "samples.jsonl").read_text().splitlines()
    manifests = {line["artefact"]: line for line in map(json.loads, lines)}
    assert found == manifests[f"samples/{run}/seed0"]["content"]

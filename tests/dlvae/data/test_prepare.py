import json
import subprocess
import sys

import numpy as np
import pytest

from dlvae.data.dataset import load_card, load_split
from dlvae.prepare import prepare
from dlvae.stage.errors import UserError

FACES = {"dataset": "synthetic_faces", "identities": 2, "images_per_identity": 3}


def test_a_prepared_folder_is_complete(tmp_path):
    config = {"preset": "p", "dataset": "three_moons", "root": None, "points": 30}
    card = prepare(config, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "card.json", "manifest.json", "test.npz", "train.npz",
    ]  # fmt: skip
    assert card == load_card(tmp_path)
    assert card["preparation"] == {"points": 30, "test_points": 6000, "noise": 0.15, "seed": 0}
    assert len(load_split(tmp_path, "train")) == 30
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["config"] == config and manifest["outputs"] == card["sha256"]


def test_preparing_twice_gives_the_same_bytes(tmp_path):
    for name in "xy":
        prepare({"dataset": "digits"}, tmp_path / name)
    for file in ("train.npz", "test.npz", "card.json"):
        assert (tmp_path / "x" / file).read_bytes() == (tmp_path / "y" / file).read_bytes()


def test_rendered_faces_carry_factors(tmp_path):
    card = prepare(FACES | {"test_images_per_identity": 1}, tmp_path)
    split = load_split(tmp_path, "train")
    assert card["counts"] == {"train": 6, "test": 2} and card["flip"] is True
    assert split.images.shape == (6, 32, 32, 3)
    assert len(split.factors) == 6 and "azimuth" in split.factor_names


def test_unlabelled_faces_are_other_people(tmp_path):
    prepare(FACES, tmp_path / "l")
    prepare(FACES | {"role": "unlabelled"}, tmp_path / "u")
    unlabelled = load_split(tmp_path / "u", "train")
    assert set(unlabelled.labels) == {-1} and not unlabelled.labelled
    assert not (tmp_path / "u" / "test.npz").exists()
    labelled = load_split(tmp_path / "l", "train")
    assert not np.array_equal(labelled.images, unlabelled.images)


def test_the_manifest_hashes_the_source_files(tmp_path, parquet_file):
    root = parquet_file(tmp_path / "in" / "train.parquet", [0, 1] * 12).parent
    (root / "classes.csv").write_text("label,identity\n0,a\n1,b\n")
    prepare({"dataset": "faces", "size": 8, "root": str(root)}, tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert set(manifest["inputs"]) == {"train.parquet", "classes.csv"}


def test_the_card_does_not_say_where_the_root_was(tmp_path, parquet_file):
    for name in "xy":
        root = parquet_file(tmp_path / name / "train.parquet", [0, 1] * 12).parent
        prepare({"dataset": "faces", "size": 8, "root": str(root)}, tmp_path / f"out_{name}")
    cards = [(tmp_path / f"out_{name}" / "card.json").read_bytes() for name in "xy"]
    assert cards[0] == cards[1]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"dataset": "digts"}, "unknown data set 'digts'. Did you mean 'digits'"),
        ({}, "unknown data set 'None'"),
        ({"dataset": "digits", "role": "unlabeled"}, "Did you mean 'unlabelled'"),
        (
            {"dataset": "digits", "role": "unlabelled"},
            "no unlabelled images.*synthetic_faces, faces",
        ),
        ({"dataset": "digits", "sise": 3}, r"unknown key 'datasets\.digits\.data\.sise'.*'size'"),
        (
            {"dataset": "digits", "size": 32.5},
            "expected an integer of at least 8 and at most 1024, found 32.5",
        ),
        (
            {"dataset": "digits", "size": True},
            "size: expected an integer .*, found True",
        ),
        ({"dataset": "digits", "seed": -1}, "seed: expected an integer of at least 0, found -1"),
        (
            {"dataset": "faces", "max_classes": "3"},
            "integer of at least 1, or null, found '3'",
        ),
        (
            {"dataset": "three_moons", "point": 3},
            r"unknown key 'three_moons\.data\.point'",
        ),
        (
            FACES | {"identities": 0},
            r"synthetic_faces\.data\.identities: .* at least 2",
        ),
        ({"dataset": "faces"}, "--config data_root=PATH"),
        ({"dataset": "faces", "role": "unlabelled"}, "--config unlabelled_root=PATH"),
    ],
)
def test_bad_configurations_say_what_is_right(tmp_path, config, message):
    with pytest.raises(UserError, match=message):
        prepare(config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_integer_will_do_for_a_fraction(tmp_path):
    for name, zero in (("x", 0), ("y", 0.0)):
        prepare({"dataset": "three_moons", "points": 30, "noise": zero}, tmp_path / name)
    one, other = (load_split(tmp_path / name, "train").points for name in "xy")
    assert len(one) == 30 and np.array_equal(one, other)


def test_the_command_line_ends_with_a_message_not_a_traceback(tmp_path):
    def run(config: dict) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "dlvae.prepare", "--config", json.dumps(config)]
        return subprocess.run(
            [*command, "--out", str(tmp_path / "out")], capture_output=True, text=True
        )

    good = run({"dataset": "three_moons", "points": 30})
    assert good.returncode == 0 and "30 train" in good.stdout, good.stderr
    bad = run({"dataset": "faces", "root": str(tmp_path / "none")})
    assert bad.returncode == 2
    assert bad.stderr.startswith("error: data set 'faces'") and "Traceback" not in bad.stderr

"""Which stored training is made again, and what is said of its result."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dlvae.data.sample_sets import load_samples, save_samples
from dlvae.stage.artefact import read_json, write_json
from dlvae.stage.errors import UserError
from reports.freeze.retraining import cheapest_training, compare_training

CELL = "digits/cvae/seed0"
WEIGHTS = f"models/{CELL}/weights.safetensors"


@pytest.fixture
def again(made_up_run, tmp_path):
    """The training made again, with the same result."""
    for name in ("data/digits", f"models/{CELL}", "samples/digits/cvae"):
        shutil.copytree(made_up_run / name, tmp_path / "again" / name)
    return tmp_path / "again"


def edit(path, **entries):
    write_json(path, read_json(path) | entries)


def moved(stored):
    """The stored results as if they came from another machine."""
    machine = stored.index["machine"] | {"cpu": "8086"}
    return replace(stored, index=stored.index | {"machine": machine})


def test_the_cheapest_training_is_chosen(frozen):
    """All three models saw as many images; of those with images at hand, cVAE comes first."""
    assert cheapest_training(frozen, ["digits"]) == CELL


def test_fewer_images_come_before_cvae(checkout):
    ours = checkout.results.manifests["models/digits/ours/seed0"]
    assert ours["images_seen"] == 11200
    text = checkout.file("manifests/models.jsonl").read_text().splitlines(keepends=True)
    text[1] = text[1].replace('"images_seen":11200', '"images_seen":11199')
    checkout.file("manifests/models.jsonl").write_text("".join(text))
    checkout.cover_up()
    assert cheapest_training(checkout.results, ["digits"]) == "digits/ours/seed0"


def test_no_training_is_chosen_without_images_or_beyond_the_limit(frozen, monkeypatch):
    with pytest.raises(UserError, match="at hand"):
        cheapest_training(frozen, ["cifar10"])
    monkeypatch.setattr("reports.freeze.retraining.LIMIT_SECONDS", -1)
    with pytest.raises(UserError, match=f"the cheapest training, {CELL}, took"):
        cheapest_training(frozen, ["digits"])


def test_nothing_is_trained_from_a_manifest_that_was_changed(checkout):
    checkout.edit("manifests/models.jsonl", b"11200", b"1")
    with pytest.raises(UserError, match="models.jsonl is not as it was frozen"):
        cheapest_training(checkout.results, ["digits"])


def test_a_training_without_manifests_is_a_finding(frozen, again):
    (found,), _ = compare_training(frozen, "digits/cgan/seed0", again)
    assert "digits/cgan/seed0: expected complete manifests, found KeyError" in found.text


def test_the_same_bytes_are_a_note_on_any_machine(frozen, again):
    found, (note,) = compare_training(frozen, CELL, again)
    assert found == [] and note.endswith("the same bytes")
    found, (note,) = compare_training(moved(frozen), CELL, again)
    assert found == [] and "the same bytes, although cpu was 8086, is " in note


def test_other_samples_are_a_finding_on_the_same_machine_and_a_note_on_another(frozen, again):
    path = again / "samples" / f"{CELL}.npz"
    images, labels = load_samples(path)
    images[0] ^= 1
    save_samples(path, images, labels)
    (found,), notes = compare_training(frozen, CELL, again)
    known = frozen.manifests[f"samples/{CELL}"]["content"][:12]
    assert found.file.endswith("manifests/samples.jsonl") and notes == []
    assert f"{CELL} made again: expected sample set {known}, found " in found.text
    found, (note,) = compare_training(moved(frozen), CELL, again)
    assert found == [] and "Bytes may differ across processors" in note and "cpu was 8086" in note


def test_other_weights_data_and_code_are_named(frozen, again):
    (again / WEIGHTS).write_bytes(b"other")
    edit(again / "models" / CELL / "manifest.json", code="beef")
    edit(again / "data" / "digits" / "manifest.json", outputs={"train": "0" * 64})
    found, _ = compare_training(frozen, CELL, again)
    assert [Path(finding.file).stem for finding in found] == ["data", "data", "models"]
    assert all("by other code (beef, was c0de)" in finding.text for finding in found)
    assert "data of the split test" in found[0].text and "found None" in found[0].text


def test_another_precision_is_like_another_machine(frozen, again):
    (again / WEIGHTS).write_bytes(b"other")
    edit(again / "models" / CELL / "manifest.json", precision="bf16")
    found, (note,) = compare_training(frozen, CELL, again)
    assert found == [] and "precision was fp32, is bf16" in note

"""Progress: what a training read, and its samples after half of it."""

from pathlib import Path

import pytest

from dlvae.stage.artefact import write_json
from dlvae.stage.errors import UserError
from dlvae.stage.registry import load_snapshots, save_snapshots, weights_hash
from eval.rows import NONE
from eval.scores.curve import curve, progress
from trained_model import MANIFEST, PER_UPDATE, STEPS, TrainedModel

PROTOCOL = Path(__file__).resolve().parents[3] / "config" / "protocol" / "smoke.yaml"


@pytest.fixture
def trained(tmp_path, save_evaluator):
    return TrainedModel(tmp_path, save_evaluator, PROTOCOL)


def test_scores_after_half_are_those_of_the_curve_there(trained):
    half = progress(trained.request("progress", "model", "evaluator")).values
    whole = curve(trained.request("curve", "model", "evaluator", "real_train")).values
    for name in ("inception_score", "label_fidelity"):
        assert half[f"{name}:half"].value == whole[f"{name}:2"].value
        assert half[f"{name}:half"].n == 40
    assert half["inception_score:half"].value != whole[f"inception_score:{STEPS}"].value


def test_costs_come_from_the_manifest(trained):
    request = trained.request("progress", "model", "evaluator")
    found = progress(request)
    assert set(found.values) == {
        "inception_score:half",
        "label_fidelity:half",
        "updates",
        "images_read",
    }
    assert found.values["updates"].value == STEPS
    assert found.values["images_read"].value == STEPS * PER_UPDATE
    rows = {row.metric: row for row in found.rows(request, "c0de")}
    assert rows["updates"].evaluator == rows["images_read"].evaluator == NONE
    assert rows["inception_score:half"].evaluator != NONE
    samples = weights_hash(trained.folder / "model")[:12]
    assert {row.samples for row in rows.values()} == {samples}


def test_a_training_of_one_update_is_its_own_half(trained):
    write_json(trained.folder / "model" / "manifest.json", MANIFEST | {"steps": 1})
    found = progress(trained.request("progress", "model", "evaluator"))
    assert found.values["updates"].value == 1 and "inception_score:half" in found.values


def test_a_missing_half_is_an_error(trained):
    folder = trained.folder / "model"
    kept = {step: state for step, state in load_snapshots(folder).items() if step != 2}
    save_snapshots(folder, kept)
    with pytest.raises(UserError, match="expected a snapshot after 2 of 4 updates, found none"):
        progress(trained.request("progress", "model", "evaluator"))

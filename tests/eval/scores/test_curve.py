"""Learning curves, and scores after half of a training: as the last weights are scored too."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dlvae.data.sample_sets import load_samples
from dlvae.stage.artefact import read_json, sha256_arrays, sha256_file, write_json
from dlvae.stage.errors import UserError
from dlvae.stage.registry import (
    SNAPSHOTS,
    WEIGHTS,
    load_snapshots,
    save_snapshots,
    weights_hash,
)
from eval.judge.features import load_features, save_features
from eval.models.snapshots import snapshot_images
from eval.rows import NONE, score_rows
from eval.scored_images import sampled
from eval.scores.curve import curve, progress
from eval.scores.diversity import diversity
from eval.scores.fidelity import fidelity
from eval.scores.inception import inception
from trained_model import LONGER, MANIFEST, PER_UPDATE, STEPS, TrainedModel

PROTOCOL = Path(__file__).resolve().parents[3] / "config" / "protocol" / "smoke.yaml"
INPUTS = ("model", "evaluator", "real_train")
METRICS = ("inception_score", "label_fidelity", "judge_agreement", "d_intra_standard", "fid")
METRICS += ("images_read", "cpu_seconds")


def rows_of(found, request):
    return score_rows(found.values, found.shared(request, "c0de"), found.columns)


@pytest.fixture
def trained(tmp_path, save_evaluator):
    return TrainedModel(tmp_path, save_evaluator, PROTOCOL)


def test_the_last_weights_give_the_sample_set(trained):
    images, labels = load_samples(trained.sampled())
    request = trained.request("curve", *INPUTS)
    found = dict(snapshot_images(request, trained.folder / "model", [1, 2, STEPS, 7]))
    assert list(found) == [1, 2, STEPS]
    assert found[STEPS].sha256 == sha256_arrays(images=images, labels=labels)
    assert np.array_equal(found[STEPS].images, images) and found[STEPS].precision == "bf16"
    assert found[1].sha256 != found[2].sha256 != found[STEPS].sha256


def test_the_last_scores_are_those_of_the_other_families(trained):
    scored = sampled(trained.sampled(), trained.card)
    trained.save_features("features.npz", scored)
    (trained.folder / "images.npz").symlink_to(trained.folder / "samples.npz")
    (trained.folder / "real_test.npz").symlink_to(trained.folder / "real_train.npz")
    expected = {}
    for family, names in (
        (inception, ["features"]),
        (diversity, ["images"]),
        (fidelity, ["features", "images", "real_train", "real_test"]),
    ):
        expected |= family(trained.request(family.__name__, *names)).values
    found = curve(trained.request("curve", *INPUTS)).values
    for name in METRICS[:5]:
        own = found[f"{name}:{STEPS}"]
        assert own.value == expected[name].value and own.n == 40, name
    assert found["fid:1"].value != found[f"fid:{STEPS}"].value
    for name in METRICS[:4]:
        assert found[f"{name}:{STEPS}"].kind == expected[name].kind, name


def test_every_snapshot_has_every_metric_and_its_costs(trained):
    request = trained.request("curve", *INPUTS)
    found = curve(request)
    assert set(found.values) == {f"{name}:{step}" for name in METRICS for step in (1, 2, STEPS)}
    for step in (1, 2, STEPS):
        assert found.values[f"images_read:{step}"].value == step * PER_UPDATE
        seconds = MANIFEST["cpu_seconds"][str(step)]
        assert found.values[f"cpu_seconds:{step}"].value == seconds
    rows = {row.metric: row for row in rows_of(found, request)}
    judge = read_json(trained.folder / "evaluator" / "card.json")["weights_sha256"][:12]
    assert {name for name, row in rows.items() if row.evaluator == NONE} == {
        f"{name}:{step}"
        for name in ("d_intra_standard", "images_read", "cpu_seconds")
        for step in (1, 2, STEPS)
    }
    assert rows["fid:1"].evaluator == rows["inception_score:1"].evaluator == judge
    # The file that holds the weights, which its manifest knows.
    kept, last = (sha256_file(trained.folder / "model" / n) for n in (SNAPSHOTS, WEIGHTS))
    for name, row in rows.items():
        assert row.samples == (last if name.endswith(f":{STEPS}") else kept)[:12]
    assert {row.precision for row in rows.values()} == {"bf16"}


def test_a_fitted_form_is_drawn_from_the_codes_of_its_model(trained):
    """The draws are those of the name in the definition, not of the name that is asked for."""
    one, other = (
        curve(trained.request("curve", *INPUTS, model=name)).values for name in ("ours", "x")
    )
    for name in ("label_fidelity", "fid", "d_intra_standard"):
        assert one[f"{name}:2"].value == other[f"{name}:2"].value


def test_too_few_images_have_no_fid(trained):
    few = {"samples": {"few": 6}}
    found = curve(trained.request("curve", *INPUTS, protocol_overrides=few)).values["fid:1"]
    assert found.value is None and found.note == "n/a (n = 24, needs 25 generated images)"


def test_features_by_another_judge_are_refused(trained):
    path = trained.folder / "real_train.npz"
    save_features(path, dataclasses.replace(load_features(path, "noise"), evaluator="f" * 64))
    with pytest.raises(UserError, match="real_train.npz: expected features by .* found ffff"):
        curve(trained.request("curve", *INPUTS))


def test_a_training_without_its_costs_is_named(trained):
    path = trained.folder / "model" / "manifest.json"
    write_json(path, MANIFEST | {"cpu_seconds": {"1": 1.0}})
    with pytest.raises(UserError, match="manifest.json: expected .*cpu_seconds.* after 4 .* 1;"):
        curve(trained.request("curve", *INPUTS))


def test_a_longer_training_goes_on_where_the_other_ends(trained):
    short = curve(trained.request("curve", *INPUTS)).values
    found = curve(trained.request("curve", *INPUTS, "longer"))
    assert repr({name: found.values[name] for name in short}) == repr(short)
    assert set(found.values) - set(short) == {f"{name}:{LONGER}" for name in METRICS}
    assert found.values[f"images_read:{LONGER}"].value == LONGER * PER_UPDATE
    assert found.values[f"cpu_seconds:{LONGER}"].value == 6.5
    assert found.files["ours, longer/weights.safetensors"].parent.name == "longer"


def test_a_model_without_snapshots_is_an_error(trained):
    (trained.folder / "model" / "snapshots.safetensors").unlink()
    with pytest.raises(UserError, match="snapshots.safetensors"):
        curve(trained.request("curve", *INPUTS))


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
    rows = {row.metric: row for row in rows_of(found, request)}
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

"""What rows of fitted models and of curves say of their origin, held against the manifests."""

import dataclasses

import pytest

from dlvae.stage.artefact import write_json
from eval.rows import write_rows
from eval.score_request import data_hash
from made_up_curves import LABEL, row
from reports.freeze.checks import rows
from reports.freeze.stored import SCORES, Stored

DATA = {"train": "1" * 64, "test": "2" * 64}
FOLDERS = ("models/digits/ours", "models/digits/ours_fitted", "curves/digits/ours_fitted")
SNAPSHOTS = {name: f"{number}" * 64 for number, name in enumerate(FOLDERS, 3)}


@pytest.fixture
def stored(tmp_path):
    """Manifests of ours, trained in bf16, of its fitted form and of a longer training."""
    known = {"data/digits": {"outputs": DATA}, "samples/digits/ours_fitted/seed0": {}}
    for name, hashed in SNAPSHOTS.items():
        precision = "fp32" if name.endswith("_fitted") else "bf16"
        files = {"snapshots.safetensors": hashed}
        known[f"{name}/seed0"] = {"precision": precision, "files": files}
    known["samples/digits/ours_fitted/seed0"]["content"] = "9" * 64
    write_json(tmp_path / "evaluator" / "digits" / "card.json", {"weights_sha256": "a" * 64})
    found = Stored(tmp_path, {"preset": "quick", "protocol": LABEL})
    # In the place of what it would read when first asked.
    found.__dict__.update(every_manifest=known, config={"datasets": ["digits"]})
    return found


def found(stored, **changes):
    known = {"precision": "bf16", "data": data_hash({"sha256": DATA})}
    known |= {"samples": SNAPSHOTS[FOLDERS[2]][:12]}
    one = dataclasses.replace(row("ours_fitted", "inception_score:750", 3.0), **known | changes)
    write_rows(stored.folder / SCORES, [one])
    return [finding.text for finding in rows(stored)]


def test_rows_of_a_curve_are_of_its_own_snapshots(stored):
    assert found(stored) == []
    assert found(stored, samples="9" * 12) == []
    (text,) = found(stored, samples="7" * 12)
    assert "rows of digits/ours_fitted/seed0: expected samples" in text


def test_a_fitted_model_keeps_the_precision_of_its_training(stored):
    (text,) = found(stored, precision="fp32")
    assert "expected precision bf16, found fp32" in text

"""Results of a candidate beside the stored ones: collected, shown apart, derived again."""

import json
import shutil
from argparse import Namespace
from pathlib import Path

import pandas as pd
import pytest

from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError
from reports import leaderboard
from reports.compare.submission import check_submissions, submissions_of
from reports.compare.submit import collect
from reports.freeze.machine import ROOT
from reports.freeze.swap import swap
from reports.freeze.verify import verify

PROTOCOL = ROOT / "config" / "protocol" / "v2.yaml"
PRESET, DATASET = "made_up", "digits"
FAMILIES = ("inception", "diversity")
MADE = {"commit": "beef" * 10, "command": "snakemake submit --config candidate=mine"}


def submitted(run, checkout, out, name="mine", **changed):
    folder = run / "scores_stored" / DATASET / "mine"
    entry = {"dataset": DATASET, "seed": 0}
    entry["scores"] = [str(folder / f"seed0.{family}.csv") for family in FAMILIES]
    entry["duplicates"] = str(run / "near_duplicates" / DATASET / "mine" / "seed0.json")
    who = {"name": name, "samples": None, "datasets": [DATASET], "seeds": [0]} | changed
    return collect(checkout.results, run, [entry], who, PROTOCOL, MADE, out)


@pytest.fixture
def beside(candidate_run, checkout):
    """The folder of the submission in a checkout."""
    place = checkout.file("submissions/mine")
    submitted(candidate_run, checkout, place)
    leaderboard.main(Namespace(root=checkout.stored, readme=None))
    return place


def test_a_submission_fits_and_leaves_the_stored_results_as_they_are(beside, checkout):
    assert {path.name for path in beside.iterdir()} == {
        "index.json",
        "scores.csv",
        "manifests.jsonl",
        "comparison.csv",
    }
    assert not check_submissions(checkout.results)
    assert not verify(checkout.results, checkout.root)


def test_its_manifests_lead_from_the_rows_to_the_stored_data_and_judges(beside):
    lines = [json.loads(line) for line in (beside / "manifests.jsonl").read_text().splitlines()]
    run = f"{DATASET}/mine/seed0"
    assert {line["artefact"] for line in lines} == {
        f"models/{run}",
        f"samples/{run}",
        f"near_duplicates/{run}",
        *(f"features_stored{kind}/{run}" for kind in ("", "_plain")),
        *(f"scores_stored/{run}.{family}" for family in FAMILIES),
    }
    assert "/home/" not in (beside / "manifests.jsonl").read_text()


def test_the_leaderboard_shows_it_apart(beside, checkout):
    text = (checkout.stored / "leaderboard.md").read_text()
    table = text.partition("| submission | IS |")[2]
    assert "| mine | 3.00 [" in table and "beefbeefbeef |" in table
    assert "| mine |" not in text.partition("| submission | IS |")[0]
    rows = (checkout.stored / "leaderboard.csv").read_text().splitlines()
    assert rows[0].endswith(",submission")
    assert all(row.endswith("True") == (",mine," in row) for row in rows[1:])


def test_no_model_stands_twice_in_the_leaderboard():
    """One that the run has trained itself and that is submitted too is shown as submitted."""
    found = pd.read_csv(ROOT / "reports" / "stored" / "leaderboard.csv")
    assert found["submission"].any()
    twice = found.duplicated(["preset", "dataset", "model", "metric"])
    assert not twice.any(), found[twice]


def changed(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("scores.csv", "mine,0,inception_score,3.0,", "mine,0,inception_score,9.0,", "the rows of"),
        ("scores.csv", ",mine,0,label_fidelity,", ",mine,7,label_fidelity,", "expected rows of"),
        ("manifests.jsonl", '"content":"', '"content":"0', "expected scores of the samples 0"),
        (
            "manifests.jsonl",
            '{"artefact":"models/',
            '{"artefact":"mod/',
            "expected the manifest of",
        ),
        ("comparison.csv", ",mine,candidate,", ",mine,winner,", "that follows from the rows"),
    ],
)
def test_what_was_changed_is_found_without_the_index(beside, checkout, file, old, new, words):
    changed(beside / file, old, new)
    found = check_submissions(checkout.results)
    assert any(words in each.text for each in found)
    assert any(each.text.startswith("expected SHA-256") for each in found)
    assert all("git checkout -- " in each.fix and MADE["command"] in each.fix for each in found)


def test_another_file_in_the_folder_is_found(beside, checkout):
    (beside / "samples.npz").write_bytes(b"images")
    (found,) = check_submissions(checkout.results)
    assert found.file.endswith("submissions/mine/samples.npz")


def test_results_by_another_judge_do_not_stand_beside(beside, checkout):
    """As after freezing anew with other judges: it is named, and left out of the leaderboard."""
    old = read_json(checkout.file(f"evaluator/{DATASET}/card.json"))["weights_sha256"][:12]
    content = (beside / "scores.csv").read_text().replace(old, "f" * 12)
    (beside / "scores.csv").write_text(content)
    (own,) = submissions_of(checkout.results)
    assert "judged by other evaluators: digits by ffffffffffff, stored: " in own.misfit
    texts = leaderboard.texts(checkout.stored, None)
    assert "mine" not in texts[checkout.stored / "leaderboard.md"]


def test_a_stored_models_name_is_no_candidates(candidate_run, checkout, tmp_path):
    with pytest.raises(UserError, match="'cvae' is one of the models of the stored results"):
        submitted(candidate_run, checkout, tmp_path / "out", name="cvae")


def test_results_out_of_date_are_not_collected(candidate_run, checkout, tmp_path):
    copy = Path(shutil.copytree(candidate_run, tmp_path / "results" / PRESET))
    for path in copy.rglob("*manifest.json"):
        path.write_text(path.read_text().replace(str(candidate_run), str(copy)))
    weights = copy / "models" / DATASET / "mine" / "seed0" / "weights.safetensors"
    weights.write_bytes(b"trained anew")
    with pytest.raises(UserError, match="weights.safetensors as it was read"):
        submitted(copy, checkout, tmp_path / "out")


def test_freezing_anew_keeps_submissions(beside, frozen, checkout):
    before = (beside / "index.json").read_bytes()
    swap(frozen.folder, checkout.file(""))
    assert (beside / "index.json").read_bytes() == before
    assert not check_submissions(checkout.results)

"""Evidence that other code gives the stored numbers: how it is made, and what it cannot claim."""

import json
import shutil

import pytest

from dlvae.stage.artefact import read_json, write_json
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.runtime import run_stage
from reports.freeze.checks import check
from reports.freeze.evidence import read_same_numbers, same_code
from reports.freeze.remake import remake
from reports.freeze.same_numbers import main, parser
from reports.freeze.verify import code_notes, verify

PRESENT = {"scores": {"inception": "beef", "diversity": "beef"}, "models": {"cvae": "beef"}}
CVAE = "digits/cvae/seed0"
RECORD = "same_numbers.json"


@pytest.fixture
def again(made_up_run, tmp_path):
    """The made-up run, made again to the byte by other code."""
    folder = tmp_path / "again"
    for part in ("scores", "models"):
        shutil.copytree(made_up_run / part, folder / part)
    for path in [*folder.glob("scores/**/*.csv"), *folder.glob("models/**/manifest.json")]:
        path.write_text(path.read_text().replace("c0de", "beef"))
    return folder


@pytest.fixture
def hold(checkout, again, capsys):
    """Hold the run against the stored results: what is printed, and the error."""

    def held(config=PRESENT, status=0):
        given = ["--preset", "made_up", "--stored", str(checkout.stored), "--run", str(again)]
        try:
            run_stage(main, parser(), [*given, "--config", json.dumps(config)])
        except SystemExit as ended:
            assert ended.code == status
        else:
            assert status == 0
        return capsys.readouterr()

    return held


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_code_that_gave_the_same_bytes_is_no_other_code(checkout, hold):
    assert len(code_notes(checkout.results, PRESENT)) == 2
    said = hold()
    assert said.out.splitlines() == [
        "the same bytes: 78 rows of 7 score files and the weights of 3 trainings"
    ]
    assert code_notes(checkout.results, PRESENT) == []
    assert verify(checkout.results, checkout.root) == []
    known = read_same_numbers(checkout.results)
    assert known.pairs("inception") == known.pairs("models") == {("c0de", "beef")}
    assert known.pairs("codes") == set()
    assert [(key, len(entries)) for key, entries in known.scores.items()] == [
        ("diversity", 1), ("inception", 1)
    ]  # fmt: skip
    third = PRESENT | {"scores": {"inception": "f00d"}, "models": {}}
    assert code_notes(checkout.results, third) == [
        "made by other code than the present: scores of the families inception"
    ]


def test_pairs_of_fingerprints():
    assert same_code(None, "codes", ["a"], ["a"]) and not same_code(None, "codes", ["a"], ["b"])


def test_one_row_that_differs_leaves_its_family_out_and_is_named(checkout, again, hold):
    path = again / "scores" / f"{CVAE}.diversity.csv"
    edit(path, ",d_intra_standard,0.23387096774193547,", ",d_intra_standard,0.23387096774193548,")
    row = "digits/cvae/seed0.diversity: d_intra_standard: value 0.23387096774193548 in the place of"
    said = hold(status=2)
    assert f"found 1 that differ: {row} 0.23387096774193547 (+0)" in said.err
    assert "no evidence: made by other code than the present: scores of the families diversity" in (
        said.out
    )
    assert list(read_same_numbers(checkout.results).scores) == ["inception"]
    assert check(checkout.results, checkout.root) == []


def test_other_weights_are_named_and_leave_their_code_out(checkout, again, hold):
    (again / "models" / CVAE / WEIGHTS).write_bytes(b"other")
    said = hold(status=2)
    assert f"models/{CVAE}: expected {WEIGHTS} " in said.err
    assert read_same_numbers(checkout.results).trainings == []
    assert len(code_notes(checkout.results, PRESENT)) == 1


@pytest.mark.parametrize("column", ["samples", "evaluator", "protocol"])
def test_rows_of_something_else_are_no_evidence(checkout, again, hold, column):
    stored = next(iter(checkout.results.rows[column]))
    for path in again.glob("scores/**/*.csv"):
        path.write_text(path.read_text().replace(f",{stored},", ",another,"))
    said = hold()
    assert f"x score files of another {column}" in said.out


def test_a_training_of_other_length_is_no_evidence(checkout, again, hold):
    for path in again.glob("models/**/manifest.json"):
        write_json(path, read_json(path) | {"threads": 2})
    said = hold()
    assert "left out: 3 x trainings by another configuration or of other data" in said.out
    assert read_same_numbers(checkout.results).trainings == []


def test_a_run_by_code_that_is_not_the_present_one_is_no_evidence(checkout, hold):
    said = hold({"scores": {"inception": "f00d"}, "models": {}}, status=2)
    assert "x made by" not in said.err and "made by beef, which is not the present code" in said.err
    assert read_same_numbers(checkout.results) is None


def test_a_run_by_the_stored_code_says_so(made_up_run, checkout, capsys):
    given = ["--preset", "made_up", "--stored", str(checkout.stored), "--run", str(made_up_run)]
    with pytest.raises(SystemExit):
        run_stage(main, parser(), given)
    assert "found no score file and no training by other code" in capsys.readouterr().err


def test_the_record_outlives_pages_made_again_and_is_made_anew(checkout, again, hold):
    hold()
    assert remake(checkout.results, checkout.root) == []
    before = read_same_numbers(checkout.results)
    for path in again.glob("scores/**/*.csv"):
        path.unlink()
    hold()
    after = read_same_numbers(checkout.results)
    assert after.scores == {} and after.trainings == before.trainings


FORGED = {
    "preset": ({"preset": "other"}, "expected a record of these stored results, made_up"),
    "scores": ({"scores_sha256": "0" * 64}, "with scores "),
    "a key": ({"codes": []}, "codes"),
    "a family": ({"scores": {"codes": [{}]}}, "scores"),
}
FORGED_ROWS = {
    "rows": (79, "expected 72 rows in the files that it names, found 79"),
    "sha256": ("0" * 64, "expected the 72 stored rows that it names, found the hash of others"),
    "stored": ("f00d", "expected stored rows by f00d, found c0de"),
    "files": ([f"{CVAE}.diversity"], "expected stored score files of it, found"),
}


def forge(checkout, change):
    record = read_json(checkout.file(RECORD))
    change(record)
    write_json(checkout.file(RECORD), record)
    checkout.cover_up()
    return checkout.by_file(check(checkout.results, checkout.root))


@pytest.mark.parametrize("what", FORGED)
def test_a_record_that_is_none_is_found(checkout, hold, what):
    hold()
    changes, said = FORGED[what]
    found = forge(checkout, lambda record: record.update(changes))
    assert said in " ".join(text for texts in found.values() for text in texts)


@pytest.mark.parametrize("key", FORGED_ROWS)
def test_a_claim_that_no_stored_row_shows_is_found(checkout, hold, key):
    hold()
    value, said = FORGED_ROWS[key]
    found = forge(checkout, lambda record: record["scores"]["inception"][0].update({key: value}))
    assert list(found) == [RECORD] and said in found[RECORD][0]


def test_a_claim_that_no_stored_training_shows_is_found(checkout, hold):
    hold()
    wrong = {f"models/{CVAE}": "1" * 64, "models/digits/mine/seed0": "1" * 64}
    found = forge(checkout, lambda record: record["trainings"][0]["weights"].update(wrong))
    assert found[RECORD] == [
        f"models/{CVAE}: expected the stored weights, found 111111111111",
        "models/digits/mine/seed0: expected a stored training, found none",
    ]
    found = forge(checkout, lambda record: record["trainings"][0].update({"stored": "f00d"}))
    assert "expected a training by f00d, found c0de" in found[RECORD][0]

"""The command that verifies stored results: what it says, how it ends."""

import shutil
from argparse import Namespace

import pytest

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from reports import leaderboard
from reports.freeze.verify import code_notes, main, parser, verify

CELL = "digits/cvae/seed0"


def arguments(checkout, *more):
    return ["--preset", "made_up", "--stored", str(checkout.stored), *more]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_says_what_was_checked_and_writes_nothing(checkout, capsys):
    before = contents(checkout.root)
    run_stage(main, parser(), arguments(checkout, "--no-cell", "no images"))
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("made_up: commit 0123abc, protocol v2:01fb16931d9a")
    assert said[1:] == [
        "checked: 28 files, 3 beside, 78 score rows, 24 manifests, 5 pages made again, "
        "0 submissions",
        "note: no training was made again: no images",
        "everything is as it was frozen",
    ]
    assert contents(checkout.root) == before


def test_it_fails_and_names_every_difference(checkout, capsys):
    checkout.edit("tables/table1.md", b"2.92", b"2.93")
    checkout.file("claims.md").unlink()
    with pytest.raises(SystemExit) as ended:
        run_stage(main, parser(), arguments(checkout))
    assert ended.value.code == 2
    said, error = capsys.readouterr()
    lines = [line for line in said.splitlines() if line.startswith("difference ")]
    assert [line.partition(":")[0] for line in lines] == [f"difference {k}" for k in (1, 2, 3)]
    assert "claims.md: expected this file, found none. Restore it: git checkout -- " in lines[0]
    assert error.count("\n") == 1 and "found 3 differences, in " in error
    assert "claims.md, " in error and "table1.md" in error


def test_it_compares_the_training_that_was_made_again(checkout, made_up_run, tmp_path, capsys):
    for name in ("data/digits", f"models/{CELL}", "samples/digits/cvae"):
        shutil.copytree(made_up_run / name, tmp_path / "again" / name)
    more = ["--cell", CELL, "--retrained", str(tmp_path / "again")]
    run_stage(main, parser(), arguments(checkout, *more))
    assert f"note: {CELL} prepared, trained and sampled again" in capsys.readouterr().out
    (tmp_path / "again" / "models" / CELL / "weights.safetensors").write_bytes(b"other")
    with pytest.raises(SystemExit):
        run_stage(main, parser(), arguments(checkout, *more))
    assert "found 1 difference, in " in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"{}", b"[]"])
def test_a_damaged_index_is_an_error_that_names_it(checkout, content):
    checkout.file("index.json").write_bytes(content)
    with pytest.raises(UserError, match="index.json"):
        main(parser().parse_args(arguments(checkout)))


def test_a_preset_without_stored_results_is_an_error(checkout):
    given = parser().parse_args(arguments(checkout, "--preset", "mead_up"))
    with pytest.raises(UserError, match="Did you mean 'made_up'"):
        main(given)


def test_scores_and_models_of_other_code_are_a_note(frozen):
    same = {"scores": {"inception": "c0de"}, "models": {"ours": "c0de"}}
    assert code_notes(frozen, same) == []
    other = {"scores": {"inception": "c0de", "cvae.diversity": "new", "codes": "new"}}
    assert code_notes(frozen, other | {"models": {"cvae": "new"}}) == [
        "made by other code than the present: scores of the families diversity",
        "made by other code than the present: models cvae",
    ]


def test_a_cell_of_the_leaderboard_or_of_the_readme_is_named(checkout):
    readme = checkout.root / "README.md"
    readme.write_text(f"<!-- results: {checkout.results.preset} -->\n<!-- /results -->\n")
    leaderboard.main(Namespace(root=checkout.stored, readme=readme))
    assert verify(checkout.results, checkout.root) == []
    for path, name in (
        (readme, "README.md"),
        (checkout.stored / "leaderboard.md", "reports/stored/leaderboard.md"),
        (checkout.stored / "leaderboard.csv", "reports/stored/leaderboard.csv"),
    ):
        before = path.read_text()
        assert "2.9" in before
        path.write_text(before.replace("2.9", "3.9", 1))
        (found,) = verify(checkout.results, checkout.root)
        assert found.file == name and "3.9" in found.text
        path.write_text(before)
    (checkout.stored / "leaderboard.md").unlink()
    (found,) = verify(checkout.results, checkout.root)
    assert found.file == "reports/stored/leaderboard.md" and "found none" in found.text

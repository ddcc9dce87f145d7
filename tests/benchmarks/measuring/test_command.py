"""What the command line refuses in words, and what a CSV holds."""

import csv
import os

import pytest

from tests.benchmarks.measuring import command
from tests.benchmarks.measuring.command import Run, write_csv
from tests.benchmarks.measuring.machine import use_machine
from tests.benchmarks.measuring.paired import summaries
from tests.benchmarks.measuring.peak import gemm


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A folder that stands in for the stored one, in a checkout without changes."""
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "FOLDER", tmp_path / "stored")
    monkeypatch.setattr(command, "git_commit", lambda: "abc")
    return tmp_path / "stored"


def test_nothing_is_written_unless_asked(stored, capsys) -> None:
    run = Run.parse("made_up", "What it measures.", ["--rounds", "3"])
    assert (run.out, run.arguments.rounds, run.arguments.threads) == (None, 3, None)
    run.save([{"a": 1}])
    assert not stored.exists() and not capsys.readouterr().out


def test_saving_writes_the_stored_file(stored, capsys) -> None:
    Run.parse("made_up", None, ["--save"]).save([{"a": 1}])
    assert (stored / "made_up.csv").read_text() == "a\n1\n"
    assert not capsys.readouterr().err


def test_uncommitted_changes_are_warned_of(stored, monkeypatch, capsys) -> None:
    monkeypatch.setattr(command, "git_commit", lambda: "abc-dirty")
    Run.parse("made_up", None, [])
    assert not capsys.readouterr().err
    Run.parse("made_up", None, ["--save"])
    assert "uncommitted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--rounds", "0"], "at least 1, found 0"),
        (["--threads", "0"], "at least 1, found 0"),
        (["--rounds", "many"], "invalid positive value: 'many'"),
        (["--tiny", "--save"], "tiny sizes"),
        (["--tiny", "--out", "{root}/stored/made_up.csv"], "tiny sizes"),
        (["--save", "--out", "other.csv"], "not allowed with"),
        (["--out", "{root}"], "it is a folder"),
        (["--out", "{root}/file/other.csv"], "file is no folder"),
    ],
)
def test_what_cannot_be_is_refused_before_the_run(stored, capsys, arguments, why) -> None:
    (stored.parent / "file").touch()
    with pytest.raises(SystemExit) as raised:
        Run.parse("made_up", None, [word.format(root=stored.parent) for word in arguments])
    assert raised.value.code == 2 and why in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is write-protected for root")
def test_a_write_protected_folder_is_refused(tmp_path) -> None:
    tmp_path.chmod(0o500)
    assert "write-protected" in command.unwritable(tmp_path / "new" / "speed.csv")


def test_a_csv_has_the_columns_of_side_and_machine(tmp_path) -> None:
    columns = use_machine(1, "fp32", brief=True)
    found = summaries({"a": [1.0, 1.0], "b": [2.0, 4.0]}, base="a", units=96)
    rows = [{"name": name, **side.row(), **columns} for name, side in found.items()]
    write_csv(tmp_path / "new" / "speed.csv", rows)
    with open(tmp_path / "new" / "speed.csv", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [row["name"] for row in read] == ["a", "b"]
    assert read[1]["rate"] == "36" and read[1]["ratio"] == "0.375" and read[1]["base"] == "a"
    assert read[1]["seconds_each"] == "2;4"
    spreads = [f"{key}{end}" for key in ("seconds", "rate", "ratio") for end in ("", "_q1", "_q3")]
    where = ["precision", "threads", "peak_fp32", "peak_bf16", "peak_side"]
    where += ["processor", "instructions", "torch", "date", "commit"]
    assert list(read[0]) == ["name", "rounds", *spreads, "base", "seconds_each", *where]
    assert read[0]["threads"] == "1" and float(read[0]["peak_bf16"]) > 0 and read[0]["processor"]


def test_rows_of_other_columns_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="same columns"):
        write_csv(tmp_path / "speed.csv", [{"a": 1}, {"b": 1}])
    assert not list(tmp_path.iterdir())


def test_the_peak_multiplies_matrices_of_that_size_and_type() -> None:
    for precision in ("fp32", "bf16"):
        product = gemm(precision, 64)
        a, b = product.args
        assert tuple(a.shape) == tuple(b.shape) == (64, 64)
        error = (product() - (a.double() @ b.double())).abs().max()
        assert error < (1e-4 if precision == "fp32" else 0.5)

"""Texts that follow from sources are kept while the sources are the same, and never longer."""

import subprocess
import sys
from pathlib import Path

import pytest

from dlvae.fast import remembered
from dlvae.fast.remembered import Remembered
from dlvae.stage import fingerprint as module

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Folder of a package: a module with a table beside it, one inside, and data apart."""
    monkeypatch.setattr(remembered, "cache_folder", lambda: tmp_path / "cache")
    package = tmp_path / "package"
    (package / "inner").mkdir(parents=True)
    (package / "stored").mkdir()
    for name in ("inner/a.py", "table.csv", "stored/scores.csv"):
        (package / name).write_text("1\n")
    return package


def no_need():
    raise AssertionError("made again")


def test_a_text_is_made_once_for_one_state(sources):
    first = Remembered([sources])
    assert first.get("key", lambda: "text") == first.get("key", no_need) == "text"
    first.save()
    (sources / "stored" / "scores.csv").write_text("2\n")  # beside no module
    assert Remembered([sources]).get("key", no_need) == "text"


@pytest.mark.parametrize("name", ["inner/a.py", "inner/new.py", "inner/table.csv", "table.csv"])
def test_a_file_that_could_count_makes_another_state(sources, name):
    first = Remembered([sources])
    first.get("key", lambda: "text")
    first.save()
    (sources / name).write_text("VALUE = 2\n")
    assert Remembered([sources]).get("key", lambda: "other") == "other"


def test_nothing_is_saved_of_sources_that_changed_meanwhile(sources):
    first = Remembered([sources])
    (sources / "inner" / "a.py").write_text("VALUE = 2\n")
    first.get("key", lambda: "text of the edited source")
    first.save()
    assert not first.file.exists()


@pytest.mark.parametrize("content", ["", "[]", '{"key": 1}', "\0"])
def test_a_damaged_file_is_not_believed(sources, content):
    first = Remembered([sources])
    first.file.parent.mkdir()
    first.file.write_text(content)
    assert Remembered([sources]).get("key", lambda: "text") == "text"


def test_a_cache_folder_that_cannot_be_made_does_no_harm(sources):
    first = Remembered([sources])
    first.file.parent.touch()
    assert first.get("key", lambda: "text") == "text"
    first.save()


def test_old_states_go(sources, monkeypatch):
    monkeypatch.setattr(remembered, "STATES", 2)
    for number in range(4):
        (sources / "table.csv").write_text(f"{number}\n")
        state = Remembered([sources])
        state.get("key", lambda: "text")
        state.save()
    assert len([*state.file.parent.iterdir()]) == 2 and state.file.exists()


def test_fingerprints_are_those_of_the_sources(tmp_path):
    """The second process reads none of them, and says the same."""
    code = (
        "from dlvae.stage import fingerprint\n"
        "found = fingerprint.fingerprint('dlvae.sample')\n"
        "print(found, fingerprint._imports.cache_info().currsize > 0)\n"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    own = module._of_sources(["dlvae.sample"])
    assert told == [[own, "True"], [own, "False"]]

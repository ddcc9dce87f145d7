"""A folder takes the place of another; a kill at any point leaves one of them complete."""

import os
import shutil

import pytest

from reports.freeze.stored import stored_presets
from reports.freeze.swap import ASIDE, swap


class Killed(BaseException):
    """Stands for the end of the process."""


def folder(path, content):
    path.mkdir(parents=True)
    for name in ("index.json", "scores.csv"):
        (path / name).write_text(content)
    return path


def contents(path):
    return {file.name: file.read_text() for file in path.iterdir()}


NEW, OLD = ({name: content for name in ("index.json", "scores.csv")} for content in ("new", "old"))


@pytest.fixture
def new(tmp_path):
    return folder(tmp_path / "frozen", "new")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "stored" / "quick"


def test_a_folder_comes_where_none_was(new, place):
    swap(new, place)
    assert contents(place) == NEW and contents(new) == NEW
    assert os.listdir(place.parent) == ["quick"]


def test_a_folder_takes_the_place_of_another(new, place):
    folder(place, "old")
    (place / "gone.csv").write_text("old")
    swap(new, place)
    assert contents(place) == NEW
    assert os.listdir(place.parent) == ["quick"]


def calls(monkeypatch, owner, name, allowed):
    """Let a function through so many times, then kill."""
    real, left = getattr(owner, name), [allowed]

    def limited(*arguments, **more):
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return real(*arguments, **more)

    monkeypatch.setattr(owner, name, limited)


@pytest.mark.parametrize(
    ("owner", "name", "allowed", "in_place"),
    [
        (shutil, "copyfile", 0, OLD),
        (shutil, "copyfile", 1, OLD),  # half a copy
        (os, "rename", 0, OLD),
        (os, "rename", 1, None),  # between the two renames
        (os, "rename", 2, NEW),
    ],
)
def test_a_kill_leaves_one_of_them_complete(
    new, place, monkeypatch, owner, name, allowed, in_place
):
    folder(place, "old")
    with monkeypatch.context() as patched:
        calls(patched, owner, name, allowed)
        if allowed == 2:
            calls(patched, shutil, "rmtree", 2)  # two make room, the third clears up
        with pytest.raises(Killed):
            swap(new, place)
    aside = place.parent / ASIDE
    if in_place is None:
        assert not place.exists()
        assert contents(aside / "quick.old") == OLD and contents(aside / "quick.new") == NEW
    else:
        assert contents(place) == in_place
    # What is left aside passes for no preset, and the next call picks it up.
    assert set(stored_presets(place.parent)) <= {"quick"}
    swap(new, place)
    assert contents(place) == NEW
    assert os.listdir(place.parent) == ["quick"]


def test_what_a_kill_left_of_another_place_stays(new, place, monkeypatch):
    other = folder(place.parent / "smoke", "old")
    with monkeypatch.context() as patched:
        calls(patched, os, "rename", 1)
        with pytest.raises(Killed):
            swap(new, other)
    swap(new, place)
    assert contents(place) == NEW and contents(place.parent / ASIDE / "smoke.old") == OLD

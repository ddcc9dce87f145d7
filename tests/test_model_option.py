"""`pytest --model NAME`, as it is said in the repository: of a folder and of a package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from baselines.__main__ import filled
from installed import install

ROOT = Path(__file__).resolve().parent.parent
PARTS = ["pyproject.toml", "dlvae", "baselines", "tests/conftest.py", "tests/helpers"]
CARELESS = """
import torch
from baselines.cvae.model import CVAE

class Careless(CVAE):
    def sample(self, labels, generator):
        return super().sample(torch.zeros_like(labels), generator)

MODEL = Careless
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what the suite needs, and a test that nobody asks for."""
    folder = tmp_path_factory.mktemp("model option") / "repository"
    for part in [*PARTS, "tests/test_conformance.py"]:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    for place in ("tests/test_other.py", "tests/eval/test_other.py", "tests/eval/conftest.py"):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_text("raise RuntimeError('nobody asked for this')\n")
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A distribution outside the repository with two models, one of which breaks a promise."""
    written = filled("theirs", package="their_models")
    return install(
        tmp_path_factory.mktemp("packages"),
        {"theirs": "their_models.good:MODEL", "careless": "their_models.careless:MODEL"},
        {
            "their_models/__init__.py": "",
            "their_models/good.py": written["model.py"],
            "their_models/options.py": written["options.py"],
            "their_models/careless.py": CARELESS,
        },
    )


def python(folder, *arguments, packages=""):
    """Run Python in a folder; its exit status and what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def counts(text):
    """Numbers of the last line of pytest, by word."""
    return {word: int(n) for n, word in re.findall(r"(\d+) (\w+)", text.splitlines()[-1])}


def test_an_unknown_name_is_answered_like_the_registry_does(checkout):
    status, text = python(checkout, "-m", "pytest", "--model", "cvea")
    assert status == pytest.ExitCode.USAGE_ERROR
    assert text.startswith("ERROR: unknown model 'cvea': expected one of ours, ")
    assert "Did you mean 'cvae'?" in text and "Traceback" not in text


def test_a_broken_promise_of_a_package_is_said_in_words(checkout, packages):
    chosen = ["-m", "pytest", "-q", "--model", "careless", "-k", "toy and samples"]
    status, text = python(checkout, *chosen, packages=packages)
    assert status == pytest.ExitCode.TESTS_FAILED and counts(text)["failed"] == 1, text
    assert "test_a_model[careless-toy-samples_the_label]" in text
    words = re.search("the contract: (.*)\n *this model: (.*)\n *look at: (.*)", text)
    assert "depends on the label" in words[1] and "the label has no effect" in words[2]
    assert "def " not in text and "Traceback" not in text


@pytest.mark.slow
def test_a_package_passes_the_whole_suite_and_nothing_else_runs(checkout, packages):
    status, text = python(checkout, "-m", "pytest", "-v", "--model=theirs", packages=packages)
    assert status == 0 and counts(text)["passed"] == 30, text
    tests = re.findall(r"^(\S+)::(\w+)\[(\S+)\] PASSED", text, re.MULTILINE)
    assert {path for path, _, _ in tests} == {"tests/test_conformance.py"}
    assert {name.partition("-")[0] for _, _, name in tests} == {"theirs"}


@pytest.mark.slow
def test_a_new_folder_passes_the_whole_suite(checkout):
    status, text = python(checkout, "-m", "baselines", "new", "mine")
    assert status == 0 and "pytest --model mine" in text, text
    status, again = python(checkout, "-m", "baselines", "new", "mine")
    assert status == 2 and again.startswith("error: name: 'mine' is there already")
    status, text = python(checkout, "-m", "pytest", "-q", "--model", "mine")
    assert status == 0 and counts(text)["passed"] == 31, text  # one more: that of the folder

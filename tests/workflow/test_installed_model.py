"""A model of an installed package in the workflow, without an edit of the project."""

import json
import re

import pytest

from asked import asked
from dlvae.stage import fingerprint
from installed import install
from workflow.plan import Plan

FILES = {
    # Planning must not run it: that would cost every plan the import of torch.
    "their_package/__init__.py": "raise RuntimeError('imported while planning')\n",
    "their_package/model.py": "from their_package.nets import WIDTH\n\nMODEL = WIDTH\n",
    "their_package/nets.py": "WIDTH = 1\n",
}
SAMPLES = "results/smoke/samples/digits/theirs/seed0.npz"
SMOKE = [SAMPLES, "--configfile", "config/smoke.yaml"]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The folder of a package that offers the model `theirs`, on the path of what is started."""
    install(tmp_path, {"theirs": "their_package.model:MODEL"}, FILES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "their_package"


def test_an_installed_model_is_trained_sampled_and_given_its_options(repository, package, plan):
    options = ["--config", "options={theirs: {beta: 0.5, norm: batch}}"]
    found = plan(repository, "-p", *SMOKE, *options)
    assert found.rules == {"prepare": 1, "train": 1, "sample": 1}, found.text
    assert "Training theirs on digits, seed 0" in found.jobs
    (config,) = re.findall("-m dlvae.train .*--config '(.*?)'", found.text)
    assert json.loads(config)["options"] == {"beta": 0.5, "norm": "batch"}
    assert re.search("-m dlvae.train .*--fingerprint [0-9a-f]{12}", found.text)


def test_an_edit_of_the_package_trains_its_model_anew(package, monkeypatch):
    monkeypatch.syspath_prepend(package.parent)
    prints = []
    for width in (1, 2):
        (package / "nets.py").write_text(f"WIDTH = {width}\n", encoding="utf-8")
        for function in vars(fingerprint).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()
        prints.append(Plan(asked()).code("dlvae.train.__main__", "theirs"))
    assert prints[0] != prints[1]

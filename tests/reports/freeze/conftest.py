"""A made-up run and its frozen results, to be tampered with."""

import shutil

import pytest

from made_up_run import PRESET, Checkout, MadeUpRun, freeze_made_up, put_in_checkout


@pytest.fixture(scope="session")
def made_up_run(tmp_path_factory):
    """The folder ``results/<preset>`` of a finished run; not to be changed."""
    results = tmp_path_factory.mktemp("run") / "results" / PRESET
    MadeUpRun(results)
    return results


@pytest.fixture(scope="session")
def candidate_run(tmp_path_factory):
    """The same with a candidate, ``mine``, that was compared; not to be changed."""
    results = tmp_path_factory.mktemp("candidate") / "results" / PRESET
    MadeUpRun(results).candidate("mine")
    return results


@pytest.fixture(scope="session")
def freeze_run():
    """Freeze a run: freeze_run(results, out, protocol=..., commit=...)."""
    return freeze_made_up


@pytest.fixture(scope="session")
def frozen(made_up_run, tmp_path_factory):
    """Frozen results of the made-up run; not to be changed."""
    return freeze_made_up(made_up_run, tmp_path_factory.mktemp("frozen") / PRESET)


@pytest.fixture(scope="session")
def untouched(frozen, tmp_path_factory):
    """The folder of a checkout with the frozen results of the made-up run; not to be changed."""
    return put_in_checkout(frozen, tmp_path_factory.mktemp("untouched"))


@pytest.fixture
def checkout(untouched, tmp_path):
    """A checkout with the frozen results of the made-up run."""
    shutil.copytree(untouched, tmp_path, dirs_exist_ok=True)
    return Checkout(tmp_path)

"""What every model keeps to: ours, every baseline and every installed one.

A new model needs no test of its own to be in here; being found by the registry is enough.
`pytest --model NAME` runs this for one model alone. The checks are in `tests/helpers/conformance`.
"""

import functools
from pathlib import Path

import pytest
import torch

from conformance import (
    CHECKS,
    NET64,
    NUMERICAL_CHECKS,
    TASKS,
    Broken,
    Case,
    check_definition,
    check_folder,
)
from dlvae.stage.registry import BASELINES, model_names


def pytest_generate_tests(metafunc):
    chosen = metafunc.config.getoption("--model")
    names = [chosen] if chosen else model_names()
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", names)
    if "folder" in metafunc.fixturenames:
        folders = [BASELINES / name for name in names if (BASELINES / name / "model.py").is_file()]
        metafunc.parametrize("folder", folders, ids=[folder.name for folder in folders])


@functools.cache
def why_not_built(case: Case) -> str:
    try:
        case.build()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def run(check, case: Case) -> None:
    """Check a case; one that cannot be built fails once, where the definition is checked."""
    reason = why_not_built(case) if check is not check_definition else ""
    if reason:
        pytest.skip(f"the model cannot be built: {reason}")
    in_words(check, case)


def in_words(check, what) -> None:
    """Check; the words of what is wrong say it all, an error in the model has its traceback."""
    words = ""
    try:
        check(what)
    except Broken as broken:
        words = str(broken)
    if words:
        pytest.fail(words, pytrace=False)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_model(name, task, check):
    run(check, Case(name, task))


@pytest.mark.parametrize("check", NUMERICAL_CHECKS.values(), ids=NUMERICAL_CHECKS)
def test_a_model_on_64_pixels_in_bf16(name, check):
    run(check, Case(name, NET64, "bf16"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("task", [*TASKS.values(), NET64], ids=[*TASKS, "net64"])
def test_a_model_on_a_gpu(name, task, precision):
    case = Case(name, task, precision, "cuda")
    for check in NUMERICAL_CHECKS.values():
        run(check, case)
    case.build().recalibrate(torch.Generator().manual_seed(0), batches=2)


def test_a_folder_of_baselines_is_complete(folder: Path):
    in_words(check_folder, folder)

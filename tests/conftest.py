"""What every test shares: one torch thread, so that tests beside each other do not spin.

And `pytest --model NAME`: the conformance suite for one model, and nothing else.
"""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

SUITE = Path(__file__).with_name("test_conformance.py")


def pytest_addoption(parser):
    parser.addoption(
        "--model", metavar="NAME", help="run the conformance suite alone, for this model alone"
    )


def pytest_configure(config):
    if name := config.getoption("--model"):
        from dlvae.errors import UserError
        from dlvae.registry import module_name

        try:
            module_name(name)
        except UserError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_ignore_collect(collection_path, config):
    if config.getoption("--model") and collection_path not in (SUITE, *SUITE.parents):
        return True
    return None

"""Memory of pieces of work, each in a process of its own."""

import numpy as np
import pytest

from tests.benchmarks.measuring.memory import memory_of


def filling(mib: int):
    """Return work that fills that many MiB."""
    return lambda: np.ones(mib * 2**17)


def test_the_extra_memory_is_that_of_the_work_and_not_of_this_process() -> None:
    large = np.ones(400 * 2**17)  # 400 MiB that the child does not have
    found = memory_of("tests.benchmarks.measuring.test_memory:filling", 100)
    assert large.all() and found.peak_mib < 400
    assert found.extra_mb == pytest.approx(100 * 2**20 / 1e6, abs=10)


def test_a_failure_is_told_in_the_words_of_the_process() -> None:
    with pytest.raises(RuntimeError, match="negative dimensions"):
        memory_of("tests.benchmarks.measuring.test_memory:filling", -1)

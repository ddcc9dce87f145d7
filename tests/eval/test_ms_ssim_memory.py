"""Memory of all-pairs MS-SSIM in a process of its own, and what bounds it."""

import sys

import pytest

from tests.benchmarks.memory import peak_extra_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.slow
def test_two_thousand_images_take_less_than_300_mb():
    assert 10 < peak_extra_memory(2000, 32, threads=2) < 300


@pytest.mark.slow
def test_memory_grows_with_blocks_and_not_with_images():
    """Four times as many images: sixteen times the pairs and the memory of a few blocks still."""
    few, many = (peak_extra_memory(n, 32, threads=1, block=128) for n in (512, 2048))
    assert 0.7 * few < many < 1.5 * few

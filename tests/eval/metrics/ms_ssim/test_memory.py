"""Memory of all-pairs MS-SSIM in a process of its own, and what bounds it."""

import sys

import pytest

from tests.benchmarks.measuring.memory import memory_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def extra_mb(*arguments):
    return memory_of("tests.benchmarks.ms_ssim:scoring", *arguments).extra_mb


@pytest.mark.slow
def test_two_thousand_images_take_less_than_300_mb():
    assert 10 < extra_mb(2000, 32, 2) < 300


@pytest.mark.slow
def test_memory_grows_with_blocks_and_not_with_images():
    """Four times as many images: sixteen times the pairs and the memory of a few blocks still."""
    few, many = (extra_mb(n, 32, 1, 128) for n in (512, 2048))
    assert 0.7 * few < many < 1.5 * few

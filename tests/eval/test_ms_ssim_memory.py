"""Memory of all-pairs MS-SSIM in a process of its own, and what bounds it."""

import sys

import pytest

from eval.ms_ssim.all_pairs import LIMITS
from tests.benchmarks.memory import memory_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def extra_mb(n, size, threads):
    return memory_of("tests.benchmarks.ms_ssim:scoring", n, size, threads).extra_mb


@pytest.mark.slow
def test_two_thousand_images_take_less_than_300_mb():
    assert 10 < extra_mb(2000, 32, 2) < 300


@pytest.mark.slow
def test_memory_grows_with_blocks_and_not_with_images():
    """Twice as many blocks take no more, at 64 pixels, where blocks are largest."""
    block = LIMITS["cpu"].block
    few, many = (extra_mb(n, 64, 1) for n in (block, 2 * block))
    twice = extra_mb(3 * block, 64, 1)
    assert few < many < 300 and twice < 1.15 * many

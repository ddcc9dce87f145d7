"""Memory of all-pairs MS-SSIM in a process of its own, and what bounds it."""

import sys

import pytest

from eval.ms_ssim.all_pairs import LIMITS
from tests.benchmarks.ms_ssim_memory import peak_extra_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.slow
def test_two_thousand_images_take_less_than_300_mb():
    assert 10 < peak_extra_memory(2000, 32, threads=2) < 300


@pytest.mark.slow
def test_memory_grows_with_blocks_and_not_with_images():
    """Twice as many blocks take no more, at 64 pixels, where blocks are largest."""
    block = LIMITS["cpu"].block
    few, many = (peak_extra_memory(n, 64, threads=1) for n in (block, 2 * block))
    twice = peak_extra_memory(3 * block, 64, threads=1)
    assert few < many < 300 and twice < 1.15 * many

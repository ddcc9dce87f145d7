"""Memory of large tensors is kept by the process."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource, torch
from dlvae.runtime import use_threads
{call}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(12_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
for _ in range(4): faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_used_again():
    counts = []
    for call in ("use_threads(1)", ""):
        command = [sys.executable, "-c", SCRIPT.format(call=call)]
        counts.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    assert counts[0] * 10 < counts[1]

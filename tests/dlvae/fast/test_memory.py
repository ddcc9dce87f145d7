"""Memory of large tensors is kept by the process, and its peak is the process's own."""

import platform
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import resource, torch
from dlvae.stage.runtime import use_threads
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


def test_the_peak_of_memory_is_of_the_process_itself_not_of_its_parent() -> None:
    large = np.ones(150 * 2**17)  # 150 MiB that the child does not have
    command = "from dlvae.stage.artefact import peak_memory_mib; print(peak_memory_mib())"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert large.all() and 1 < float(done.stdout) < 100

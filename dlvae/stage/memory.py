"""The largest resident memory of this process."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def peak_memory_mib() -> float:
    """Return MiB of peak resident memory since the program started.

    Linux hands `ru_maxrss` on from the process that started this one, so a child of a large parent
    would report that; the high-water mark of its own address space is in /proc.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="ascii").splitlines()
        for line in lines:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024  # bytes of what the system counts
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20

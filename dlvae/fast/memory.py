"""Memory of large tensors that a process keeps for the next ones."""

from __future__ import annotations

import ctypes
import sys

# malloc.h of glibc
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST_KEPT = 2**30, 2**25  # bytes; older releases refuse the first


def use_memory_again() -> None:
    """Ask glibc to reuse the memory of large tensors, and torch not to fill fresh ones.

    Every step frees and asks again for the same tensors, whose pages the kernel would map and
    clear anew each time. Other C libraries are left alone. The filling is a debugging aid of
    deterministic kernels that small networks pay for at each operation. No number changes; without
    both a step of ours takes about a tenth longer (a rough figure, from few runs).
    """
    import torch

    torch.utils.deterministic.fill_uninitialized_memory = False
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(libc, "gnu_get_libc_version"):
        return
    # The second call alone would freeze the first threshold where it is, far too low.
    if any(libc.mallopt(M_MMAP_THRESHOLD, size) for size in LARGEST_KEPT):
        libc.mallopt(M_TRIM_THRESHOLD, LARGEST_KEPT[0])

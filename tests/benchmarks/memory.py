"""How much memory scoring the pairs of N images takes: ``python -m tests.benchmarks.memory``.

A process of its own per number, since a process never gives its peak back. Linux only.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from eval.ms_ssim.all_pairs import LIMITS, all_pairs
from eval.protocol import load_protocol

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = ROOT / "config" / "protocol" / "v1.yaml"


def noise(n: int, size: int) -> np.ndarray:
    """Return white noise, uint8 (N, H, W, 3); neither speed nor memory depends on the picture."""
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def peak_extra_memory(n: int, size: int, threads: int, block: int = 0) -> float:
    """Return how far scoring N images raises the peak memory of a fresh process, MB.

    Args:
        block: images of a block; 0 for as many as usual.
    """
    words = [str(number) for number in (n, size, threads, block)]
    command = [sys.executable, "-m", "tests.benchmarks.memory", *words]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main(n: int, size: int, threads: int, block: int) -> None:
    """Print the number of this process. What it holds before, images included, does not count."""
    torch.set_num_threads(threads)
    images, variant = noise(n, size), load_protocol(PROTOCOL).ms_ssim["standard"].at(size)
    limits = dataclasses.replace(LIMITS["cpu"], block=block) if block else None
    # Not the peak so far, which the imports may have set and which would hide what comes.
    before = _kilobytes("VmRSS")
    all_pairs(images, variant, limits=limits)
    print((_kilobytes("VmHWM") - before) * 1024 / 1e6)


def _kilobytes(key: str) -> int:
    """Read a line of /proc: a child's ru_maxrss starts at what its parent held, this does not."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

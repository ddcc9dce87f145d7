"""What rules ask of machines: GPUs, memory and minutes. Settings of machines are in `profiles/`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from dlvae.stage.gpu_slots import visible_gpus

# Time limits of a first attempt, for schedulers that want one. A training that is stopped at its
# limit goes on from its saved state, so a limit is no guess of how long it takes.
TRAINING_MINUTES = 240
JUDGE_MINUTES = 120
MINUTES = 30
# Where the kernel lists the processors that ROCm can use.
ROCM_NODES = Path("/sys/class/kfd/kfd/topology/nodes")


def by_attempt(first: int | Callable[[Any], int]) -> Callable[[Any, int], int]:
    """Return a resource that grows with each attempt of a job: twice ``first``, then three times.

    Args:
        first: what a first attempt asks for, or a function of the job's wildcards.
    """

    def amount(wildcards: Any, attempt: int) -> int:
        return (first(wildcards) if callable(first) else first) * attempt

    return amount


def gpus_here() -> int:
    """Return how many GPUs jobs on this machine can use; no torch is imported to find out.

    None where the installed PyTorch was built for processors alone. The environment's list of
    visible devices counts, CUDA's or ROCm's.
    """
    build = metadata.version("torch").partition("+")[2]
    found = 0 if build == "cpu" else _rocm_gpus() if build.startswith("rocm") else _nvidia_gpus()
    visible = visible_gpus()
    return found if visible is None else min(found, len(visible))


def _nvidia_gpus() -> int:
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    # A driver that does not answer gives no GPUs. Parts of a divided GPU are indented.
    lines = listed.stdout.splitlines() if listed.returncode == 0 else []
    whole = sum(line.startswith("GPU ") for line in lines)
    parts = sum(line.lstrip().startswith("MIG ") for line in lines)
    return max(whole, parts)


def _rocm_gpus() -> int:
    """Count the nodes of the kernel's list that compute as a GPU does."""
    count = 0
    for node in ROCM_NODES.glob("*/properties"):
        try:
            fields = dict(line.split(maxsplit=1) for line in node.read_text().splitlines() if line)
        except (OSError, ValueError):  # another user's GPU, in a container
            continue
        count += int(fields.get("simd_count", 0)) > 0
    return count

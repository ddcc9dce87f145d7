"""What rules ask of machines: GPUs, memory and minutes. Settings of machines are in `profiles/`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from dlvae.stage.process.gpu_slots import visible_gpus

# Time limits of a first attempt, for schedulers that want one. A training that is stopped at its
# limit goes on from its saved state, so a limit is no guess of how long it takes.
TRAINING_MINUTES = 240
JUDGE_MINUTES = 120
MINUTES = 30
# Snakemake's own limit of the jobs that start: number, seconds.
DEFAULT_RATE = (100, 1)
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


def look_once_per_job(scheduler: Any, settings: Any) -> None:
    """Take Snakemake's default limit of starting jobs away, with what it costs.

    With a limit, Snakemake 9 looks at all ready jobs again as many seconds after each look, once
    more for every job that has ended: after 400 jobs 400 times a second, a processor core's work.
    Without one it looks when a job ends. Cores, resources and `--jobs` bound what runs at once.

    Args:
        scheduler: Snakemake's.
        settings: Snakemake's of it. Another limit than the default one was asked for, and stays.
    """
    limit = settings.max_jobs_per_timespan
    if limit is not None and (limit.max_jobs, limit.timespan) == DEFAULT_RATE:
        scheduler.job_rate_limiter = None


def gpus_here() -> int:
    """Return how many GPUs jobs on this machine can use; no torch is imported to find out.

    None where the installed PyTorch was built for processors alone; else the environment's list
    of visible devices, which Slurm sets for a job; else what the drivers list.
    """
    build, visible = metadata.version("torch").partition("+")[2], visible_gpus()
    if build == "cpu":
        return 0
    if visible is not None:
        return len(visible)
    return _rocm_gpus() if build.startswith("rocm") else _nvidia_gpus()


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

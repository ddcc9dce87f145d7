"""Where a timing comes from: the columns that end every row of a benchmark's CSV."""

from __future__ import annotations

from typing import Any

from dlvae.runtime import use_threads
from reports.machine import git_commit, machine
from tests.benchmarks.peak import gemm_peak


def use_machine(threads: int, precision: str = "", peak_side: int = 2048) -> dict[str, Any]:
    """Set threads as every stage does and return the columns of rows measured from now on.

    `precision` is that of the work: "fp32", "bf16", or empty where rows name it themselves or it
    means nothing. `peak_fp32` and `peak_bf16` are GFLOP/s of matrix products with these threads,
    measured now.
    """
    use_threads(threads)
    here = machine()
    return {
        "precision": precision,
        "threads": threads,
        "processor": here["cpu"],
        "instructions": here["instructions"],
        "torch": here["torch"],
        "peak_fp32": gemm_peak("fp32", peak_side),
        "peak_bf16": gemm_peak("bf16", peak_side),
        "commit": git_commit(),
    }

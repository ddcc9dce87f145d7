"""Where a timing comes from: the columns that end every row of a benchmark's CSV."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dlvae.stage.runtime import use_threads
from reports.freeze.machine import git_commit, machine
from tests.benchmarks.measuring.peak import SIDE, peaks


def use_machine(threads: int, precision: str = "", brief: bool = False) -> dict[str, Any]:
    """Set threads as every stage does and return the columns of rows measured from now on.

    `precision` is that of the work: "fp32", "bf16", or empty where rows name it themselves or it
    means nothing. The peak is measured now, and of small matrices if `brief`.
    """
    use_threads(threads)
    columns = {"precision": precision, "threads": threads}
    return columns | peaks(64 if brief else SIDE) | here()


def here() -> dict[str, Any]:
    """Return the columns of machine, day (UTC) and checkout."""
    found = machine()
    return {
        "processor": found["cpu"],
        "instructions": found["instructions"],
        "torch": found["torch"],
        "date": datetime.now(UTC).date().isoformat(),
        "commit": git_commit(),
    }

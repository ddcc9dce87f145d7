"""Memory of a piece of work, in a process of its own, since a process never gives its peak back.

    extra = memory_of("tests.benchmarks.ms_ssim:scoring", 2000, 32, 2).extra_mb

The piece of work is named by a function that makes it: what that holds, inputs included, is there
before and does not count as extra. Linux only.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dlvae.stage.artefact import peak_memory_mib
from reports.freeze.machine import ROOT


@dataclass(frozen=True)
class Memory:
    """Largest resident memory: of the whole process, MiB, and beyond what there was, MB."""

    peak_mib: float
    extra_mb: float


def memory_of(maker: str, *arguments: object) -> Memory:
    """Return the memory that ``maker(*arguments)()`` takes; `maker` is "module:function".

    Raises:
        RuntimeError: the process failed; what it said.
    """
    command = [sys.executable, "-m", "tests.benchmarks.measuring.memory", maker]
    command += [json.dumps(argument) for argument in arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return Memory(**json.loads(done.stdout))


def main() -> None:
    """Print the numbers of this process."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.measuring.memory", description=__doc__
    )
    parser.add_argument("maker", help="module:function, which returns the piece of work")
    parser.add_argument("arguments", nargs="*", type=json.loads, help="of the function, as JSON")
    args = parser.parse_args()
    module, _, function = args.maker.partition(":")
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        parser.error(f"no function {args.maker}: {error}")
    work = make(*args.arguments)
    # Not the peak so far, which the imports may have set and which would hide what comes.
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    work()
    peak = peak_memory_mib()
    print(json.dumps({"peak_mib": peak, "extra_mb": (peak * 2**20 - before) / 1e6}))


if __name__ == "__main__":
    main()

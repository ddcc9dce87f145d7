"""The machine and the checkout that results come from."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Changes of these are no changes of what makes the results.
UNCOUNTED = ("reports/stored", "README.md", "CHANGELOG.md")
UNKNOWN = "unknown"
BYTES = ("cpu", "instructions", "architecture", "bf16", "gpu", "torch", "numpy")
"""Entries of :func:`machine` that the last bits of a training depend on."""


def machine() -> dict[str, Any]:
    """Return what this machine and its Python are, as far as numbers can depend on it.

    ``bf16``: whether the processor multiplies it natively. ``gpu``: null without one.
    """
    import torch  # here: the workflow reads a commit without waiting for it

    from dlvae.stage.runtime import resolve_precision

    cuda = torch.cuda.is_available()  # asked, not taken
    return {
        "cpu": _cpu_name(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "architecture": platform.machine(),
        "bf16": resolve_precision("auto", torch.device("cpu")) == "bf16",
        "gpu": torch.cuda.get_device_name() if cuda else None,
        "os": " ".join([platform.system(), *filter(None, platform.libc_ver())]),
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
        "numpy": metadata.version("numpy"),
    }


def git_commit(root: Path = ROOT) -> str:
    """Return the commit of a checkout, with ``-dirty`` after it if tracked files are changed.

    ``unknown`` where the folder is no checkout of its own.
    """
    top = _run("git", "-C", str(root), "rev-parse", "--show-toplevel")
    head = _run("git", "-C", str(root), "rev-parse", "--verify", "HEAD")
    if not top or not head or Path(top).resolve() != root.resolve():
        return UNKNOWN
    left_out = [f":(exclude){path}" for path in UNCOUNTED]
    changed = _run("git", "-C", str(root), "diff", "--name-only", "HEAD", "--", ".", *left_out)
    return f"{head}-dirty" if changed else head


def _cpu_name() -> str:
    if platform.system() == "Darwin":
        return _run("sysctl", "-n", "machdep.cpu.brand_string") or UNKNOWN
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or UNKNOWN


def _run(*command: str) -> str:
    """Return what a command prints; an empty text where it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()

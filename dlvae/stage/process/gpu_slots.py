"""Which GPU a job takes, where several jobs share the GPUs of one machine.

Jobs are processes that know nothing of each other. Each takes the first free place, a file of its
user's temporary folder that it locks; the kernel frees the lock when the process ends, however it
ends, so that a killed job leaves no place taken. Every GPU has a first place, then every GPU has a
second one: jobs spread over the GPUs before two of them share one, and none ever waits.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from dlvae.stage.errors import UserError
from dlvae.stage.process.file_lock import lock

# Which devices a process may see: those of ROCm first, whose PyTorch honours CUDA's as well.
VARIABLES = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
PLACES = 64
"""Most jobs on one GPU."""

_taken: dict[tuple[str, ...], tuple[int, TextIO]] = {}  # the files are locked while they are open


def visible_gpus(environment: Mapping[str, str] = os.environ) -> list[str] | None:
    """Return the names of the GPUs that the environment lets a process see; None if all.

    As the drivers read the list, it ends at the first name that is none: an empty one, or -1.
    """
    for variable in VARIABLES:
        if variable in environment:
            names = [name.strip() for name in environment[variable].split(",")]
            ends = (i for i, name in enumerate(names) if name in ("", "-1", "NoDevFiles"))
            return names[: next(ends, len(names))]
    return None


def gpu_names(count: int, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of the ``count`` GPUs that PyTorch sees, in its order.

    Names of the environment are the same in every process of a machine, PyTorch's numbers are not.
    """
    names = visible_gpus(environment)
    whole = names is not None and len(names) == count
    return names if whole else [str(index) for index in range(count)]


def take_gpu(names: Sequence[str], folder: str | Path | None = None) -> int:
    """Return the index of the GPU that this process takes, the same at every call.

    Args:
        names: one for each GPU of the machine, at least one.
        folder: of the locks, private to the user; by default in the temporary folder.

    Raises:
        UserError: the folder cannot be used, or every place of every GPU is taken.
    """
    key = tuple(names)
    if key not in _taken:
        _taken[key] = _lock_first_free(key, Path(folder) if folder else _private_folder())
    return _taken[key][0]


def _lock_first_free(names: Sequence[str], folder: Path) -> tuple[int, TextIO]:
    for place in range(PLACES):
        for index, name in enumerate(names):
            safe = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
            if file := _lock(folder / f"gpu-{safe}.{place}.lock"):
                if place:
                    shared = f"all {len(names)} GPUs are taken: sharing GPU {name} with others"
                    print(f"{shared} (place {place + 1})", file=sys.stderr, flush=True)
                return index, file
    raise UserError(
        f"expected a free place on one of {len(names)} GPUs, found all {PLACES} places of each "
        "taken; run fewer jobs at once: snakemake --resources gpu=N"
    )


def _lock(path: Path) -> TextIO | None:
    try:
        return lock(path)
    except OSError as error:
        raise UserError(_unusable(path.parent, str(error))) from error


def _private_folder() -> Path:
    """Return this user's folder of locks; the machine's own, whatever folder a job works in."""
    folder = Path(tempfile.gettempdir()) / f"dlvae-gpus-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise UserError(_unusable(folder, str(error))) from error
    if found.st_uid != os.getuid() or folder.is_symlink():
        raise UserError(_unusable(folder, "it belongs to another user, or is a link"))
    return folder


def _unusable(folder: Path, found: str) -> str:
    return (
        f"expected a folder of one's own for the locks of GPUs at {folder}, found: {found}; set "
        "another temporary folder, the same for all jobs of this machine: export TMPDIR=FOLDER"
    )

"""Files between stages: atomic writes, content hashes, arrays and manifests."""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import math
import os
import platform
import resource
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from dlvae.stage.errors import UserError
from dlvae.stage.process.file_lock import lock
from dlvae.stage.text_files import parse_json, read_text

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
# Packages whose version can change a number.
PACKAGES = ("numpy", "torch", "torchvision", "torch-fidelity", "timm", "scikit-learn", "scipy")


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it over ``path`` when the block succeeds.

    A reader therefore sees the old file or the whole new one, never a part, and a killed run
    leaves no output behind; nor does one whose machine lost its power. Temporary files of killed
    runs are removed when the same file is written again.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_over(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    temporary = Path(name)
    try:
        with suppress(OSError):  # of a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp and safetensors make private files
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


def _remove_left_over(path: Path) -> None:
    """Remove temporary files of ``path`` that no process holds."""
    pattern = f".{glob.escape(path.name)}.{'?' * 8}{glob.escape(path.suffix)}"
    for temporary in path.parent.glob(pattern):
        with suppress(OSError):
            if file := lock(temporary):
                temporary.unlink(missing_ok=True)
                file.close()


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: object) -> None:
    """Write JSON atomically, with sorted keys so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> dict:
    """Read a JSON object.

    Raises:
        UserError: the file is missing, unreadable, malformed or holds something else.
    """
    what = "a readable JSON file"
    try:
        found = parse_json(read_text(path, what))
    except ValueError as error:
        raise UserError(f"expected {what} at {path}: {error}") from error
    if not isinstance(found, dict):
        kind = {list: "a list", str: "a text"}.get(type(found), type(found).__name__)
        raise UserError(f"{path}: expected a JSON object, found {kind}")
    return found


def sha256_file(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_arrays(**arrays: np.ndarray) -> str:
    """Return the SHA-256 of named arrays: name, dtype, shape and bytes, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def save_npz(path: str | Path, *, compress: bool = True, **arrays: np.ndarray) -> None:
    """Save arrays as ``.npz`` with equal bytes for equal content.

    ``numpy.savez`` stamps the members with the time of writing, which would make two equal
    runs differ; here the stamp is fixed.
    """
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", method) as archive:
        for name in sorted(arrays):
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = method
            # Streamed: a face data set at full scale is over a gigabyte, held once.
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(arrays[name]), allow_pickle=False)


BROKEN = (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged archive raises."""


def check_npz(path: str | Path) -> None:
    """Refuse arrays whose headers claim other sizes than the archive has, before any is made.

    Raises:
        ValueError: a member is no plain array, or has not the size that its header says.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                shape, _, dtype = array_header(file)
                size = file.tell() + math.prod(shape) * dtype.itemsize
            if size != member.file_size:
                raise ValueError(
                    f"expected as many values as its header says in '{member.filename}', "
                    f"{shape} of {dtype}"
                )


def array_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read the header of an array: shape, whether in Fortran order, type.

    Raises:
        ValueError: no plain array, or one of Python objects, which are never loaded.
    """
    version = npy.read_magic(file)
    if version not in HEADERS:
        raise ValueError("expected a plain array")
    shape, fortran, dtype = HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError("found pickled Python objects, which are never loaded")
    return shape, fortran, dtype


def load_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Load every array of an ``.npz``; pickled objects are refused.

    Raises:
        UserError: the file is missing, truncated or holds Python objects.
    """
    try:
        check_npz(path)
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except BROKEN as error:
        raise UserError(f"expected a readable .npz of plain arrays at {path}: {error}") from error


def write_manifest(
    path: str | Path,
    *,
    inputs: dict[str, str | Path],
    config: dict,
    started: float,
    seed: int | None = None,
    threads: int | None = None,
    precision: str | None = None,
    device: str | None = None,
    extra: dict | None = None,
    files: Iterable[Path] = (),
) -> None:
    """Write the provenance of an artefact: what it was made from, with what, and at what cost.

    Args:
        inputs: name to file; each is recorded by path and SHA-256.
        files: of the artefact itself; recorded by name and SHA-256, under ``files`` if there are.
        started: ``time.time()`` at the start of the stage, for the wall time in seconds.
    """
    own = {file.name: sha256_file(file) for file in files}
    write_json(
        path,
        {
            "inputs": {k: {"path": str(p), "sha256": sha256_file(p)} for k, p in inputs.items()},
            "config": config,
            "seed": seed,
            "threads": threads,
            "precision": precision,
            # Its kind: which of several GPUs it was makes no difference.
            "device": device and device.partition(":")[0],
            "python": platform.python_version(),
            "packages": {name: metadata.version(name) for name in PACKAGES},
            "wall_seconds": round(time.time() - started, 2),
            "peak_memory_mib": round(peak_memory_mib(), 1),
            **({"files": own} if own else {}),
            **(extra or {}),
        },
    )


def peak_memory_mib() -> float:
    """Return MiB of peak resident memory since the program started.

    Linux hands `ru_maxrss` on from the process that started this one, so a child of a large parent
    would report that; the high-water mark of its own address space is in /proc.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.is_file() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024  # bytes of what the system counts
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20

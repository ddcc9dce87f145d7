"""Locks on files. The kernel frees one when the process that holds it ends, however it ends."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import TextIO

UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of file systems that know no locks."""


def lock(path: Path, shared: bool = False) -> TextIO | None:
    """Lock a file, which is made if needed, for as long as what is returned stays open.

    Args:
        shared: several may hold it like this, and none otherwise meanwhile.

    Returns:
        The file, open for reading and writing; None where another holds it.

    Raises:
        OSError: the file cannot be opened, is a link, or lies where there are no locks.
    """
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.fdopen(os.open(path, flags, 0o666), "r+", encoding="utf-8")
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            if _is_at(path, file):
                return file
        except OSError as error:
            file.close()
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return None
            raise
        file.close()  # who held it before has removed the file: the one that is there now counts


def _is_at(path: Path, file: TextIO) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False

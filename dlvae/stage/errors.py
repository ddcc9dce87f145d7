"""Errors that a user can act on, and the one place where other exceptions become sentences."""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Iterable

LONGEST, LONGEST_WORD = 1500, 300  # characters of a message, and of what it quotes without a space

# What moves a terminal's cursor, colours it or turns the direction of writing, and what no encoding
# has: half of a pair of code units, as a file name that is no UTF-8 gives.
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD},}}")

_SPACE = "free some, or work on another disk, and run the command again: it goes on where it was"
REASONS = {
    errno.ENOSPC: f"the disk is full: {_SPACE}",
    errno.EDQUOT: f"your quota of the disk is used up: {_SPACE}",
    errno.EFBIG: "this process may not write a file of that size: raise the limit (ulimit -f)",
    errno.EROFS: "the file system is read-only: work in a copy that may be written",
    errno.EACCES: "it may not be written or read by this user: change its permissions (chmod)",
    errno.EPERM: "it may not be written or read by this user: change its permissions (chmod)",
    errno.EMFILE: "raise the limit of open files: ulimit -n 4096",
    errno.ENFILE: "the whole machine has too many files open: close other programs",
    errno.EIO: "the disk or its connection is broken: copy what can be read to another one",
    errno.ESTALE: "the network file system was mounted anew: run the command again",
    errno.ENOENT: "make it, or correct the path",
    errno.ENOTDIR: "a part of the path is a file: correct the path, or move the file away",
    errno.EEXIST: "something else is there: move it away",
    errno.EISDIR: "it is a folder: correct the path, or move the folder away",
    errno.ELOOP: "links lead to each other: remove them",
    errno.ENAMETOOLONG: "give a shorter name or path",
}
"""What mends an error of the system, by its number; others keep their traceback."""

NO_MEMORY = re.compile("not enough memory|can.t allocate memory")  # as torch says it
MEMORY = "close other programs, or set a smaller batch_size or width; resources: mem_mb of a "
MEMORY += "profile bounds what runs at a time"


class UserError(Exception):
    """Bad input: the message says what was expected, what was found, and what fixes it.

    Command lines print it as one ``error: ...`` line and exit with status 2. What it quotes is cut
    to a length and cannot control a terminal, see :func:`harmless`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(harmless(message))


def harmless(text: str) -> str:
    """Return a text that quotes foreign content, cut and without control characters.

    Long words lose their middle, and so does the whole: what to do about it stands at the end.
    """
    text = _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)
    text = _LONG_WORD.sub(lambda found: _cut(found[0], LONGEST_WORD), text)
    return _cut(text, LONGEST)


def _cut(text: str, most: int) -> str:
    left_out = len(text) - most
    if left_out <= 0:
        return text
    end = most // 3
    return f"{text[: most - end]}[... {left_out} characters ...]{text[-end:]}"


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest of ``valid``, or an empty string."""
    close = difflib.get_close_matches(str(name)[:LONGEST_WORD], list(valid), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def sentence(error: BaseException) -> str | None:
    """Return what an exception says to a user; None of one that is a mistake in code.

    Those are faults of the machine: of its files, by `REASONS`, and of its memory.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.errno in REASONS:
        where = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        return harmless(f"{where}{os.strerror(error.errno)}: {REASONS[error.errno]}")
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported to know it
        return harmless(f"not enough memory on the GPU: {_first_line(error)}; {MEMORY}")
    of_torch = isinstance(error, RuntimeError) and NO_MEMORY.search(str(error)[:LONGEST])
    if isinstance(error, MemoryError) or of_torch:
        return harmless(f"not enough memory: {_first_line(error) or 'none is left'}; {MEMORY}")
    return None


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]

"""What Snakemake says of an error: the sentence alone, without the frames that it puts around."""

from __future__ import annotations

import logging
import re
import sys

from dlvae.stage.errors import sentence

FAILED = re.compile(r"returned non-zero exit status (\d+)")
KILLED = 128 + 9  # of a shell whose command was ended by SIGKILL
WHY_KILLED = (
    "a job was killed from outside, as the system does with one that uses up the memory: run fewer "
    "jobs at a time (--resources mem_mb=...), or set a smaller batch_size or width; the same "
    "command goes on where it was"
)


class Sentences(logging.Filter):
    """Takes errors of Snakemake's log apart: what a user can mend is said and nothing else.

    Snakemake wraps what a rule asks in vain in exceptions of its own and prints these with a
    traceback and names of workflow files. While it prints one, the exception is being handled, and
    what it was raised for is known.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change a record that is one of an error; drop one that repeats a job's whole command."""
        if record.levelno < logging.ERROR:
            return True
        error = sys.exception()
        while error is not None:
            if (said := sentence(error)) is not None:
                record.msg, record.args = f"error: {said}", ()
                return True
            # What another exception was raised for is what it says only of Snakemake's own.
            wraps = type(error).__module__.startswith("snakemake")
            error = (error.__cause__ or error.__context__) if wraps else None
        found = FAILED.search(record.getMessage())
        if found and int(found[1]) == KILLED:
            record.msg, record.args = f"error: {WHY_KILLED}", ()
            return True
        # Of a job that failed Snakemake says the rest elsewhere, with its log.
        return found is None

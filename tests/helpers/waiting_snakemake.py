"""Snakemake in a new process for each call, but for its second of imports.

A process that has imported Snakemake, and nothing of the project, waits; a call is a fork of it. As
a script this module is that process: a request is a line of JSON on its standard input, the answer
is the exit status on its standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


class WaitingSnakemake:
    """The process that waits, started at the first call."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def call(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call ``snakemake`` in a folder, with this environment; both outputs are ``stdout``."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        with tempfile.TemporaryDirectory() as own:
            output = Path(own, "output")
            environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
            request = [str(folder), arguments, environment, str(output)]
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, "the process that forks Snakemake has ended"
            return subprocess.CompletedProcess(arguments, int(answer), output.read_text())

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait()


def serve() -> None:
    """Answer each request by a fork that becomes the call."""
    # What it finds is Python's and what is installed; a call adds its folder and PYTHONPATH.
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [place for place in sys.path[1:] if place not in given]

    import snakemake.cli  # noqa: F401
    import snakemake.executors.touch

    # Marking files as made, Snakemake sleeps a tenth of a second per job.
    snakemake.executors.touch.Executor.SLEEPING_TIME = 0
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            become(*json.loads(line))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, flush=True)


def become(folder: str, arguments: list[str], environment: dict[str, str], output: str) -> None:
    """Be the command ``snakemake``; does not return."""
    from snakemake.cli import main

    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, output, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        opened = os.open(path, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.dup2(1, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode = True
    sys.path[:0] = ["", *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = ["snakemake", *arguments]
    main()
    sys.exit()


if __name__ == "__main__":
    serve()

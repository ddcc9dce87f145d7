"""One case of the corpus, and how it is run: in this process, within bounds of time and memory."""

import contextlib
import io
import json
import resource
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlvae.stage.errors import UserError, sentence
from dlvae.stage.runtime import run_stage

ROOT = Path(__file__).resolve().parents[3]
PROTOCOLS = ROOT / "config" / "protocol"
PRESETS = ROOT / "config"

CPU_SECONDS, SECONDS = 10, 60
"""What a case may take of a processor, and by the clock, which a busy machine makes long."""

MEMORY = 3 << 30
"""Bytes that a case may add to the address space of the process; the least bomb wants more."""


@dataclass(frozen=True)
class BadInput:
    """One input.

    Attributes:
        name: what it is, for people: a row of the docs.
        said: what the sentence says, in part; of what is converted, what it becomes.
        run: makes the input in an empty folder and hands it in.
        converted: it is taken; `run` then returns what it became.
    """

    name: str
    said: str
    run: Callable[[Path], Any]
    converted: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Attributes:
        error: what was raised, if anything.
        text: the sentence, with all that was printed besides.
        value: what `run` returned.
    """

    error: BaseException | None
    text: str
    value: Any = None

    @property
    def told(self) -> bool:
        """Whether it was refused by an error of the project's kind."""
        stopped = isinstance(self.error, SystemExit) and self.error.code == 2
        return stopped or isinstance(self.error, UserError)


def outcome(case: BadInput, folder: Path) -> Outcome:
    """Run a case in an empty folder."""
    printed, error, value = io.StringIO(), None, None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            with bounded():
                value = case.run(folder)
        except (Exception, SystemExit, Hang) as found:
            error = found
    said = "" if isinstance(error, SystemExit) else str(error or "")
    return Outcome(error, printed.getvalue() + said, value)


class Hang(BaseException):
    """A case took too long; no `except Exception` on its way takes it for its own."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Let what runs inside take `CPU_SECONDS` and `SECONDS`, and `MEMORY` more than there is."""

    def stop(*_: Any) -> None:
        raise Hang("still running")

    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = {number: signal.signal(number, stop) for number in (signal.SIGALRM, signal.SIGPROF)}
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, limits[1]))
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        resource.setrlimit(resource.RLIMIT_AS, limits)


@contextlib.contextmanager
def planning() -> Iterator[None]:
    """Say what goes wrong inside as Snakemake does, see `workflow.plan.sentences`."""
    try:
        yield
    except Exception as error:
        if (said := sentence(error)) is None:
            raise
        raise UserError(said) from error


def stage(module: Any, **arguments: Any) -> None:
    """Run a stage's command line in this process, as a rule does."""
    words = []
    for name, value in arguments.items():
        text = json.dumps(value) if isinstance(value, dict | list) else str(value)
        words += [f"--{name.replace('_', '-')}={text}"]
    run_stage(module.main, module.command(), words)


AS_IT_IS = "as it is"
"""What a case says of an input that is taken without a remark."""

CANARY = "canary"
"""File that code in an input would make, in the folder of the case."""


class Exploit:
    """An object that makes the canary when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / CANARY)

    def __reduce__(self) -> tuple:
        return open, (self.path, "w")

"""How a stage is asked to stop, and how it does: at once, or after the step that it is in.

SIGTERM, SIGINT (Ctrl-C) and SIGHUP (a terminal that closes) ask a stage to stop, and so does the
end of the run that started it. It then ends within ``GRACE_SECONDS``: a loop that saves its state
does so after the step that it is in, whatever else is at work leaves off where it is. Nothing half
written stays, since files appear whole.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
GRACE_SECONDS = 8.0
"""From a request to the end of the process, in whatever it is."""
STARTED_BY = "DLVAE_STARTED_BY"
"""Variable of the environment: id of the process that a stage does not outlive."""


class Stopped(KeyboardInterrupt):
    """The stage was asked to stop, and does; the message says what is kept of its work."""


@dataclass
class _Requests:
    """What has been asked of this process so far, and how it takes it."""

    why: str = ""
    status: int = 0
    interrupts: int = 0
    deferred: bool = False
    raised: bool = False
    starter_ended: bool = False

    def add(self, signum: int) -> None:
        """Take note of a signal; raise :class:`Stopped` where nothing has to be saved first."""
        name = "the end of the run that started it" if self.starter_ended else None
        self.why = self.why or name or signal.Signals(signum).name
        self.status = self.status or 128 + signum
        # One Ctrl-C comes by two ways, from the terminal and from Snakemake as SIGTERM.
        self.interrupts += signum == signal.SIGINT
        if not self.raised and (not self.deferred or self.interrupts > 1):
            self.raised = True
            raise Stopped("the same command begins this stage anew")


_requests: _Requests | None = None  # signals are the whole process's, and so is this


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Hear requests to stop while the block runs, which then ends the process with one sentence.

    The exit status is 128 and the number of the signal, as in shells. Inside another such block, or
    in another thread than the main one, nothing changes.
    """
    if _requests is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    with _listening() as requests:
        try:
            yield
        except Stopped as stopped:
            requests.raised = True
            _end(f"stopped by {requests.why}: {stopped}", requests.status)


@contextlib.contextmanager
def deferred() -> Iterator[Callable[[], bool]]:
    """Let requests wait while the block runs: it asks for them where it can save what it has.

    Yields:
        Whether the process was asked to stop; the block then raises :class:`Stopped`. Where nothing
        listens, in a program that uses the library, it never is.
    """
    requests = _requests or _Requests()
    requests.deferred = True
    try:
        yield lambda: bool(requests.why)
    finally:
        requests.deferred = False


@contextlib.contextmanager
def _listening() -> Iterator[_Requests]:
    global _requests
    _requests = requests = _Requests()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    hearing, telling = socket.socketpair()
    telling.setblocking(False)
    # Python's handlers wait for the end of a long call into PyTorch; the watch hears at once.
    other = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
    ended = threading.Event()
    threading.Thread(target=_watch, args=(requests, hearing, ended), daemon=True).start()
    for number in SIGNALS:
        # A shell starts what is in the background without SIGINT, which is heard all the same:
        # whoever sends it means it. `nohup` does so with SIGHUP, and means that.
        if number != signal.SIGHUP or before[number] != signal.SIG_IGN:
            signal.signal(number, lambda signum, _frame: requests.add(signum))
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(other)
        ended.set()
        telling.close()
        _requests = None


def _watch(requests: _Requests, hearing: socket.socket, ended: threading.Event) -> None:
    """End the process where it is still at work some time after it was asked to stop."""
    poll, starter = select.poll(), _starter()
    poll.register(hearing, select.POLLIN)
    if starter is not None:
        poll.register(starter, select.POLLIN)
    while True:
        found = {number for number, _ in poll.poll()}
        if starter in found:
            poll.unregister(starter)
            requests.starter_ended = True
            os.kill(os.getpid(), signal.SIGTERM)
        elif not (heard := hearing.recv(64)):
            return
        elif {*heard} & {*SIGNALS}:
            break
    if not ended.wait(GRACE_SECONDS):
        _end(
            f"stopped in the midst of a step, which took more than {GRACE_SECONDS:.0f} s: the same "
            "command goes on from the last state that was saved, if any",
            128 + min({*heard} & {*SIGNALS}),
        )


def _starter() -> int | None:
    """Return a descriptor that can be read once the starter has ended; None for no starter."""
    number = os.environ.get(STARTED_BY, "")
    if not number.isdecimal() or int(number) <= 1 or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(int(number))
    except ProcessLookupError:  # it has ended already, but does not say how: ask at once
        ended, other = os.pipe()
        os.close(other)
        return ended
    except OSError:
        return None


def _end(text: str, status: int) -> NoReturn:
    """Say why and be gone: Python's own way to tidy up takes seconds once PyTorch is loaded."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # of a terminal or a pipe that is gone
            stream.flush()
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())
    os._exit(status)

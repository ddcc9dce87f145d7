"""What a run of Snakemake owes its jobs and the next run: an end, and no lock left behind."""

from __future__ import annotations

import atexit
import contextlib
import gc
import platform
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TextIO

import psutil

from dlvae.stage.process.file_lock import lock

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_runs: list[TextIO] = []  # locked while they are open: until this process ends


def stop_jobs_on_signals() -> None:
    """Let the first SIGINT, SIGTERM or SIGHUP stop every job, and with them the run.

    Snakemake by itself waits for the jobs at work, hours for a training, unless a terminal sends
    its Ctrl-C to them as well. A second SIGINT is Snakemake's own again. To be called once the
    scheduler of Snakemake has set its handler of SIGTERM, which ends the run after its jobs.
    """
    end_after_jobs = signal.getsignal(signal.SIGTERM)
    # Else the last collection walks through all that Snakemake has loaded: seconds, if busy.
    atexit.register(gc.freeze)

    def stop(signum: int, frame: FrameType | None) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _tell(
            f"Stopping by {signal.Signals(signum).name}: trainings save their state. The same "
            "command goes on from there."
        )
        # Snakemake's handler waits for a lock that the interrupted thread may have.
        arguments = (end_after_jobs, signum, frame)
        threading.Thread(target=_stop_jobs, args=arguments, daemon=True).start()

    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, stop)


def _stop_jobs(end_after_jobs, signum: int, frame: FrameType | None) -> None:
    if callable(end_after_jobs):
        end_after_jobs(signum, frame)
    told: set[psutil.Process] = set()
    while True:  # jobs that were about to start as well
        for process in {*psutil.Process().children(recursive=True)} - told:
            told.add(process)
            with contextlib.suppress(psutil.Error):
                process.terminate()
        time.sleep(0.2)


def forget_killed_run(folder: Path) -> None:
    """Remove the lock that a run of Snakemake in ``folder`` left when it was killed.

    Every run holds a lock that the kernel frees when the process ends. Where nobody holds one,
    Snakemake's own locks, plain files, are left over. Runs of other machines are not seen where a
    network file system keeps such locks to each machine: where one ran here, nothing is removed.
    """
    state, here = folder.absolute() / ".snakemake", platform.node()
    locks = state / "locks"
    try:
        state.mkdir(exist_ok=True)
        if alone := lock(state / "runs"):
            left = locks.is_dir() and any(locks.iterdir())
            machines = set(alone.read().split())
            if left and machines == {here}:
                shutil.rmtree(locks)
                _tell("The last run of Snakemake here was killed: its lock is removed.")
            if not left or machines == {here}:
                alone.truncate(0)
            alone.close()
        while (own := lock(state / "runs", shared=True)) is None:
            time.sleep(0.05)  # another run is looking whether it is alone
        if here not in own.read().split():
            own.write(f"{here}\n")
            own.flush()
        _runs.append(own)
    except OSError:
        return  # no locks on this file system, or nothing may be written: Snakemake says what to do


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):  # of a terminal that is gone
        print(text, file=sys.stderr, flush=True)

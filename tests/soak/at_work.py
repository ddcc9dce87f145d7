"""Which processes of a session are at work."""

import os

import psutil


def at_work(session: int) -> list[psutil.Process]:
    """Return the processes of a session (the number of its first process), but for zombies."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, ProcessLookupError):
            continue
    return found

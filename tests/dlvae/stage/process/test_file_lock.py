"""Locks on files between processes."""

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from dlvae.stage.process.file_lock import lock

ROOT = Path(__file__).resolve().parents[4]
HOLD = """
import sys, time
from pathlib import Path
from dlvae.stage.process.file_lock import lock
file = lock(Path(sys.argv[1]), shared=sys.argv[2] == "shared")
print("held" if file else "refused", flush=True)
time.sleep(60)
"""


@contextmanager
def process_that_holds(path, how):
    command = [sys.executable, "-c", HOLD, str(path), how]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_lock_is_of_one_process_and_free_when_that_is_killed(tmp_path):
    path = tmp_path / "lock"
    with process_that_holds(path, "alone") as process:
        assert lock(path) is None and lock(path, shared=True) is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert lock(path)


def test_a_shared_lock_is_of_several(tmp_path):
    path = tmp_path / "lock"
    with process_that_holds(path, "shared"):
        shared = lock(path, shared=True)
        assert shared and lock(path) is None
        shared.close()


def test_a_file_that_was_replaced_is_not_what_is_locked(tmp_path):
    path = tmp_path / "lock"
    first = lock(path)
    path.unlink()
    second = lock(path)
    assert first and second and lock(path) is None


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links"):
        lock(tmp_path / "lock")
    assert not (tmp_path / "target").exists()

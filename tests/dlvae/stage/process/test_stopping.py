"""Requests to stop: a stage ends in time, with one sentence, and says what is kept."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlvae.stage.process.stopping import STARTED_BY

ROOT = Path(__file__).resolve().parents[4]
AT_ONCE = """
import time
from dlvae.stage.process.stopping import stoppable
with stoppable():
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("tidied up")
"""
LOOP = """
import time
from dlvae.stage.process import stopping
stopping.GRACE_SECONDS = 0.3
with stopping.stoppable():
    with stopping.deferred() as asked:
        print("ready", flush=True)
        for step in range(6000):
            time.sleep(0.01)
            if asked() and not NEVER:
                raise stopping.Stopped("saved")
"""


def start(code, before=None, **more):
    """A program that is at work."""
    environment = {**os.environ, **more}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=before,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def ignoring(number):
    """What a shell does to what it starts in the background, and `nohup`."""
    return lambda: signal.signal(number, signal.SIG_IGN)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stage_stops_at_once_with_one_sentence(number):
    # The tests themselves may run in the background, or under `nohup`.
    handler = signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL
    process = start(AT_ONCE, lambda: signal.signal(number, handler))
    process.send_signal(number)
    printed, said = process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert said == f"stopped by {number.name}: the same command begins this stage anew\n"
    assert printed == "tidied up\n"


def test_nohup_means_it():
    process = start(AT_ONCE, ignoring(signal.SIGHUP))
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.send_signal(signal.SIGTERM)
    assert "stopped by SIGTERM" in process.communicate(timeout=10)[1]


def test_a_loop_stops_where_it_can_save():
    process = start(LOOP.replace("NEVER", "False"))
    # A terminal and Snakemake: one Ctrl-C, told twice.
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=10)[1]
    assert said in [f"stopped by {name}: saved\n" for name in ("SIGINT", "SIGTERM")]


def test_a_step_that_takes_too_long_is_cut():
    process, started = start(LOOP.replace("NEVER", "True")), time.monotonic()
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=10)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert "in the midst of a step" in said and "Traceback" not in said
    assert time.monotonic() - started < 5


def test_a_second_interrupt_does_not_wait_for_the_step():
    process = start(LOOP.replace("NEVER", "True").replace("0.3", "60"))
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert "stopped by SIGINT: the same command" in process.communicate(timeout=10)[1]


def test_a_stage_does_not_outlive_who_started_it():
    starter = subprocess.Popen(["sleep", "60"])
    process = start(LOOP.replace("NEVER", "False"), **{STARTED_BY: str(starter.pid)})
    starter.kill()
    starter.wait()
    said = process.communicate(timeout=10)[1]
    assert said == "stopped by the end of the run that started it: saved\n"
    assert process.returncode == 128 + signal.SIGTERM
    # It has ended before the stage began.
    late = start(LOOP.replace("NEVER", "False"), **{STARTED_BY: str(starter.pid)})
    assert "the end of the run" in late.communicate(timeout=10)[1]


def test_a_program_of_someone_else_keeps_its_handlers():
    code = """
import signal
from dlvae.stage.process.stopping import deferred, stoppable
before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
with deferred() as asked:
    assert not asked() and signal.getsignal(signal.SIGTERM) == before[signal.SIGTERM]
with stoppable(), stoppable():
    assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM]
assert before == {n: signal.getsignal(n) for n in before}
print("ready", flush=True)
"""
    assert start(code).wait(10) == 0


def test_a_module_is_stoppable_before_it_has_imported_anything(tmp_path):
    """As the rules start it: with arguments, and as the main module."""
    code = "import sys, time\nassert __name__ == '__main__'\nprint(*sys.argv[1:], flush=True)\n"
    (tmp_path / "slow.py").write_text(code + "time.sleep(60)\nimport torch\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "dlvae.stage", "slow", "--config", "{}"],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == "--config {}\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10)[1].startswith("stopped by SIGINT: ")
    assert process.returncode == 130

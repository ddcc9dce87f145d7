"""Snakemake and its job are asked to stop, or killed, in the midst of a training: a minute."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.soak.at_work import at_work

TARGET = "results/smoke/models/three_moons/ours/seed0/weights.safetensors"
ENDLESS = ("--config", "preset=smoke", "three_moons={train: {epochs: 100000}}")


class Call:
    """A call of Snakemake that trains, in a session of its own."""

    def __init__(self, folder, log):
        self.log = log
        command = [sys.executable, "-m", "snakemake", "--cores", "1", TARGET, *ENDLESS]
        with open(log, "w") as file:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(folder)},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # As a shell starts what is in the background.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
            )
        while not re.search(r"step \d+/\d+  \d+ images/s", self.text):
            assert self.process.poll() is None, self.text
            time.sleep(0.1)

    @property
    def text(self):
        return self.log.read_text()

    def alive(self):
        return at_work(self.process.pid)

    def job(self):
        """The stage at work, whose shell and tee have other command lines."""
        (job,) = [process for process in self.alive() if "dlvae.stage" in process.cmdline()]
        return job

    def ends(self):
        """Wait until nothing of it is at work; the status of Snakemake."""
        sent = time.monotonic()
        while left := self.alive():
            assert time.monotonic() - sent < 10, (left, self.text)
            time.sleep(0.05)
        return self.process.wait()

    def saved(self):
        """The step whose state was saved at the end."""
        assert "Traceback" not in self.text
        (step,) = set(re.findall(r"the state after step (\d+) of \d+ is saved", self.text))
        return int(step)

    def resumed(self):
        (step,) = set(re.findall(r"resumed at step (\d+) of", self.text))
        return int(step)


@pytest.mark.slow
@pytest.mark.long
def test_nothing_goes_on_and_everything_goes_on_from_where_it_was(copy, tmp_path):
    first = Call(copy, tmp_path / "first")
    first.process.send_signal(signal.SIGINT)  # to Snakemake alone
    assert first.ends() == 1
    assert "Stopping by SIGINT: trainings save their state." in first.text

    second = Call(copy, tmp_path / "second")
    assert second.resumed() == first.saved()
    os.killpg(second.process.pid, signal.SIGTERM)  # to all, as a scheduler does
    assert second.ends() == 1

    third = Call(copy, tmp_path / "third")
    assert third.resumed() == second.saved()
    third.job().send_signal(signal.SIGINT)
    assert third.ends() == 1

    fourth = Call(copy, tmp_path / "fourth")
    assert fourth.resumed() == third.saved()
    fourth.process.kill()
    assert fourth.ends() == -signal.SIGKILL
    assert "stopped by the end of the run that started it" in fourth.text

    fifth = Call(copy, tmp_path / "fifth")
    assert "was killed: its lock is removed" in fifth.text
    assert fifth.resumed() == fourth.saved()
    os.killpg(fifth.process.pid, signal.SIGKILL)
    fifth.ends()

"""What a run of Snakemake leaves to the next one: locks of killed runs are removed, others stay."""

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from workflow.plan import running

ROOT = Path(__file__).resolve().parents[3]
ALIVE = """
import sys
from pathlib import Path
from workflow.plan.running import forget_killed_run
forget_killed_run(Path(sys.argv[1]))
print("here", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def left(tmp_path, monkeypatch):
    """A folder with the lock of a run that was killed; its path."""
    monkeypatch.setattr(running, "_runs", [])
    folder = tmp_path / ".snakemake" / "locks"
    folder.mkdir(parents=True)
    (folder / "0.output.lock").write_text("results/x\n")
    (tmp_path / ".snakemake" / "runs").write_text(f"{platform.node()}\n")
    return folder


def test_the_lock_of_a_killed_run_is_removed(left, tmp_path, capsys):
    running.forget_killed_run(tmp_path)
    assert not left.exists()
    assert "was killed: its lock is removed" in capsys.readouterr().err


def test_the_lock_of_a_run_that_lives_stays(left, tmp_path, capsys):
    process = subprocess.Popen(
        [sys.executable, "-c", ALIVE, str(tmp_path)],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == "here\n"
    left.mkdir()
    (left / "0.output.lock").touch()
    running.forget_killed_run(tmp_path)
    assert left.exists() and not capsys.readouterr().err
    running._runs[0].close()
    process.kill()
    process.communicate()
    running.forget_killed_run(tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("machines", ["", "elsewhere\n", f"{platform.node()}\nelsewhere\n"])
def test_the_lock_of_another_machine_stays(left, tmp_path, machines):
    """Network file systems may keep locks to each machine: nobody seems to be there."""
    (tmp_path / ".snakemake" / "runs").write_text(machines)
    running.forget_killed_run(tmp_path)
    assert left.exists()
    # Once nothing is left, the machines that ran here are forgotten.
    running._runs.clear()
    (left / "0.output.lock").unlink()
    running.forget_killed_run(tmp_path)
    assert (tmp_path / ".snakemake" / "runs").read_text() == f"{platform.node()}\n"


def test_every_job_is_started_as_a_module():
    """The prefix of the rules' shells takes the first argument of `python` for -m."""
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert len(re.findall(r"\bpython -m [a-z{]", rules)) > 20
    assert not re.findall(r"\"python (?!-m ).*", rules)

"""Many cells: how long Snakemake takes to plan them, and to choose among ready jobs."""

import resource
import subprocess
import sys

import pytest

ROUND = "Ready jobs:"  # in the log of --verbose, once for every look at them

EIGHT_JOBS = """
from workflow.plan.resources import look_once_per_job

onstart:
    look_once_per_job(workflow.scheduler, workflow.scheduling_settings)

rule all:
    input: expand("{n}", n=range(8))

rule one:
    output: "{n}"
    shell: "touch {output}; sleep 1"
"""


def rounds(folder, snakefile, *arguments):
    """Run eight jobs of a second, one at a time; return how often Snakemake looked for a job."""
    folder.mkdir()
    (folder / "Snakefile").write_text(snakefile)
    command = [sys.executable, "-m", "snakemake", "--directory", str(folder), "--verbose"]
    command += ["-s", str(folder / "Snakefile"), "--cores", "1", "--scheduler", "greedy"]
    command += ["--workflow-profile", "none", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    assert "8 of 9 steps" in done.stdout
    return done.stdout.count(ROUND)


@pytest.mark.long
@pytest.mark.slow  # 40 s: two runs of 8 jobs of a second, and Snakemake's start
def test_snakemake_looks_for_jobs_when_one_has_ended(tmp_path):
    assert rounds(tmp_path / "once", EIGHT_JOBS) <= 10
    # Without it a look begins again a second after each, and as many at a time as jobs have ended.
    # Where this fails, Snakemake has mended it, and `look_once_per_job` can go.
    assert (
        rounds(tmp_path / "often", EIGHT_JOBS.replace("    look_once", "    pass  # look_once"))
        > 20
    )


@pytest.mark.long
@pytest.mark.slow  # 40 s of a processor
def test_a_thousand_cells_are_planned_in_a_minute(repository, plan):
    """Two data sets, four models and 125 seeds: Table 1 of 1,000 trainings, 13,783 jobs."""
    seeds = f"seeds={list(range(125))}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = plan(repository, "table1", "--quiet", "all", "--config", "preset=smoke", seeds)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert found.returncode == 0, found.text
    assert found.rules["train"] == 1000
    # Of the processor, so that what else runs on the machine makes no difference.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 60

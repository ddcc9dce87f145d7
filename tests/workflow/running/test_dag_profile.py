"""The profile of a run, from records that Snakemake wrote and from made-up times."""

import csv
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.benchmarks import dag

WORKFLOW = """
rule all:
    input: expand("results/tiny/{name}/joined_%s.txt", name=["a", "b"])
rule first:
    output: "results/tiny/{name}/one.txt", "results/tiny/{name}/two.txt"
    shell: "sleep 0.1; touch {output}"
rule join:
    input: "results/tiny/{name}/one.txt", "results/tiny/{name}/two.txt"
    output: "results/tiny/{name}/joined_%s.txt"
    threads: 2
    shell: "sleep 0.1; touch {output} # --threads 2"
"""
LONG = "x" * 200  # its record lies in a folder of its own


def job(name, start, end, *inputs):
    return dag.Job(name.rstrip("0123456789"), start, end, frozenset(inputs), frozenset([name]))


# Two cores: a1 and b1 side by side, then a2 alone, which needs a1; nothing for 1 s; then c.
JOBS = [
    job("a1", 10.0, 14.0),
    job("b1", 10.0, 12.0, "given"),
    job("a2", 14.0, 17.0, "a1"),
    job("c", 18.0, 20.0, "b1", "a2"),
]


def test_longest_chain():
    assert [next(iter(j.outputs)) for j in dag.critical_path(JOBS)] == ["a1", "a2", "c"]


def test_idle_time_is_what_no_job_filled():
    assert dag.idle_share(JOBS, cores=2) == pytest.approx(1 - 11 / 20)
    assert dag.idle_share(JOBS[:2], cores=2) == pytest.approx(2 / 8)


def test_a_job_of_two_threads_holds_two_cores_where_there_are_two():
    jobs = [replace(JOBS[0], threads=2), replace(JOBS[3], threads=2)]  # 4 s, 4 s nothing, 2 s
    assert dag.idle_share(jobs, cores=2) == pytest.approx(4 / 10)
    assert dag.idle_share(jobs, cores=4) == pytest.approx(1 - 12 / 40)
    assert dag.idle_share(jobs, cores=1) == pytest.approx(4 / 10)
    rows = {row["rule"]: row for row in dag.profile(jobs, cores=4)}
    assert rows["[sum / cores]"]["seconds"] == 3.0 and rows["[idle]"]["share"] == 0.7


def test_rules_and_floors():
    rows = {row["rule"]: row for row in dag.profile(JOBS, cores=2)}
    assert list(rows)[:3] == ["a", "b", "c"]
    assert rows["a"] == {"rule": "a", "jobs": 2, "seconds": 7.0, "longest": 4.0, "share": 0.6364}
    assert rows["[run]"]["seconds"] == 10.0
    assert rows["[idle]"]["seconds"] == 4.5
    assert rows["[sum / cores]"]["seconds"] == 5.5
    assert rows["[longest chain]"]["seconds"] == 9.0


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "Snakefile").write_text(WORKFLOW % (LONG, LONG))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet"]
    subprocess.run(command, check=True, cwd=folder)
    return folder / ".snakemake" / "metadata"


def test_jobs_of_a_run(records):
    jobs = dag.read_jobs(records, "results/tiny/")
    assert sorted(j.rule for j in jobs) == ["first", "first", "join", "join"]
    assert all(0 < j.seconds < 60 for j in jobs)
    assert [j.rule for j in dag.critical_path(jobs)] == ["first", "join"]
    (joined,) = (j for j in jobs if j.outputs == {f"results/tiny/a/joined_{LONG}.txt"})
    assert joined.threads == 2 and all(j.threads == 1 for j in jobs if j.rule == "first")
    assert joined.inputs == {"results/tiny/a/one.txt", "results/tiny/a/two.txt"}


def test_a_run_that_left_nothing_is_an_error(records):
    with pytest.raises(SystemExit, match="no jobs of results/other/"):
        dag.main(["--preset", "other", "--records", str(records)])


def test_command_saves_the_rows(records, tmp_path, capsys):
    out = tmp_path / "dag.csv"
    dag.main(["--preset", "tiny", "--records", str(records), "--out", str(out)])
    with out.open() as file:
        rows = list(csv.DictReader(file))
    jobs = {row["rule"]: row["jobs"] for row in rows if not row["rule"].startswith("[")}
    assert jobs == {"first": "2", "join": "2"}
    columns = ["preset", "cores", "rule", "jobs", "seconds", "longest", "share"]
    assert list(rows[0]) == columns + ["processor", "instructions", "torch", "date", "commit"]
    assert "longest chain: first" in capsys.readouterr().out


def test_no_cores_are_refused(capsys):
    with pytest.raises(SystemExit):
        dag.main(["--cores", "0"])
    assert "python -m tests.benchmarks.dag: error" in capsys.readouterr().err

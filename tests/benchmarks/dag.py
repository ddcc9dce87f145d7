"""Where the time of a finished run went: ``python -m tests.benchmarks.dag``.

Reads the records that Snakemake keeps of every job (``.snakemake/metadata``, of Snakemake 9): rule,
inputs, outputs, start and end. Prints the time of every rule, and two floors: the longest chain of
jobs, below which no number of cores comes, and the sum of all jobs shared by the cores, a job of
several threads (``--threads`` of its command) holding as many. A folder that was run twice holds
the latest job of every file, so profile a run that began from nothing. Columns of the machine are
those of where the profile is made.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from dlvae.stage.errors import UserError
from reports.freeze.machine import ROOT
from tests.benchmarks.measuring.command import Run, positive
from tests.benchmarks.measuring.machine import here
from workflow.plan.cost.timed_jobs import Job, read_jobs


def critical_path(jobs: Iterable[Job]) -> list[Job]:
    """Return the chain of jobs, each an input of the next, that takes longest."""
    jobs = list(jobs)
    maker = {file: job for job in jobs for file in job.outputs}

    @cache
    def chain(job: Job) -> tuple[float, tuple[Job, ...]]:
        before = {maker[file] for file in job.inputs if file in maker}
        seconds, path = max((chain(one) for one in before), default=(0.0, ()), key=lambda c: c[0])
        return seconds + job.seconds, (*path, job)

    return list(max((chain(job) for job in jobs), key=lambda c: c[0])[1])


def idle_share(jobs: Iterable[Job], cores: int) -> float:
    """Return the share of the cores' time, from first start to last end, that no job filled."""
    jobs = list(jobs)
    wall = max(job.end for job in jobs) - min(job.start for job in jobs)
    return 1 - sum(job.held(cores) for job in jobs) / (cores * wall)


def profile(jobs: list[Job], cores: int) -> list[Mapping[str, object]]:
    """Return one row per rule, longest first, then the run and its floors as rules in brackets."""
    total, counts, path = sum(job.seconds for job in jobs), Counter(), critical_path(jobs)
    for job in jobs:
        counts[job.rule] += job.seconds
    rows = []
    for rule, seconds in counts.most_common():
        of = [job.seconds for job in jobs if job.rule == rule]
        rows.append(_row(rule, len(of), seconds, max(of), seconds / total))
    wall, chain = max(j.end for j in jobs) - jobs[0].start, sum(job.seconds for job in path)
    longest, idle = max(job.seconds for job in jobs), idle_share(jobs, cores)
    rows.append(_row("[run]", len(jobs), wall, longest, 1.0))
    rows.append(_row("[idle]", 0, idle * wall, 0.0, idle))
    shared = sum(job.held(cores) for job in jobs) / cores
    rows.append(_row("[sum / cores]", len(jobs), shared, longest, shared / wall))
    rows.append(_row("[longest chain]", len(path), chain, longest, chain / wall))
    return rows


def _row(rule: str, jobs: int, seconds: float, longest: float, share: float) -> dict[str, object]:
    shown = {"seconds": round(seconds, 1), "longest": round(longest, 1), "share": round(share, 4)}
    return {"rule": rule, "jobs": jobs, **shown}


def main(argv: Sequence[str] | None = None) -> None:
    """Print the profile of a run, and save it if asked to."""

    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--preset", default="quick")
        parser.add_argument("--cores", type=positive, default=2, help="that the run was given")
        records = ROOT / ".snakemake" / "metadata"
        parser.add_argument("--records", type=Path, default=records, help="of another folder")

    run = Run.parse("dag", __doc__, argv, add=add, timed=False)
    args = run.arguments
    try:
        jobs = read_jobs(args.records, f"results/{args.preset}/")
    except UserError as error:
        raise SystemExit(f"error: {error}") from None
    rows = profile(jobs, args.cores)
    print(f"{'rule':22}{'jobs':>6}{'seconds':>10}{'longest':>10}{'share':>8}")
    for row in rows:
        print("{rule:22}{jobs:6}{seconds:10}{longest:10}{share:8.1%}".format(**row))
    print("longest chain:", ", ".join(f"{j.rule} {j.seconds:.1f} s" for j in critical_path(jobs)))
    run.save([{"preset": args.preset, "cores": args.cores, **row, **here()} for row in rows])


if __name__ == "__main__":
    main()

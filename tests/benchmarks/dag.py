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
import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reports.freeze.machine import ROOT
from tests.benchmarks.measuring.command import Run, positive
from tests.benchmarks.measuring.machine import here

THREADS = re.compile(r"--threads[ =](\d+)")


@dataclass(frozen=True)
class Job:
    """One job that ran: times in seconds since the epoch, files by path."""

    rule: str
    start: float
    end: float
    inputs: frozenset[str]
    outputs: frozenset[str]
    threads: int = 1

    @property
    def seconds(self) -> float:
        """How long it ran.

        Snakemake writes the start down as it hands the job out, once its cores are free, and takes
        the last change of an output for the end: imports count, waiting for a core does not.
        """
        return self.end - self.start

    def held(self, cores: int) -> float:
        """Seconds of cores that it held; Snakemake cuts its threads down to what there is."""
        return self.seconds * min(self.threads, cores)


def read_jobs(records: Path, under: str = "") -> list[Job]:
    """Read the jobs whose outputs lie under a folder, in the order of their start.

    Raises:
        SystemExit: there are none.
    """
    parts: dict[tuple[str, str], dict[str, dict]] = {}
    for path in filter(Path.is_file, records.rglob("*")):
        # The path of the output in base 64, cut into folders whose names begin with @.
        name = "".join(part.removeprefix("@") for part in path.relative_to(records).parts)
        output = base64.urlsafe_b64decode(name).decode()
        if output.startswith(under):
            # One record per output: those of one job share the command.
            record = json.loads(path.read_text())
            parts.setdefault((record["rule"], record["shellcmd"]), {})[output] = record
    jobs = [
        Job(
            rule,
            min(record["starttime"] for record in files.values()),
            max(record["endtime"] for record in files.values()),
            frozenset(file for record in files.values() for file in record["input"]),
            frozenset(files),
            max(map(int, THREADS.findall(command or "")), default=1),
        )
        for (rule, command), files in parts.items()
    ]
    if not jobs:
        raise SystemExit(f"error: {records} has no jobs of {under or 'any run'}")
    return sorted(jobs, key=lambda job: job.start)


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
    jobs = read_jobs(args.records, f"results/{args.preset}/")
    rows = profile(jobs, args.cores)
    print(f"{'rule':22}{'jobs':>6}{'seconds':>10}{'longest':>10}{'share':>8}")
    for row in rows:
        print("{rule:22}{jobs:6}{seconds:10}{longest:10}{share:8.1%}".format(**row))
    print("longest chain:", ", ".join(f"{j.rule} {j.seconds:.1f} s" for j in critical_path(jobs)))
    run.save([{"preset": args.preset, "cores": args.cores, **row, **here()} for row in rows])


if __name__ == "__main__":
    main()

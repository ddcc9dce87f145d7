"""Measured rates of jobs, and what jobs that have not run will take by them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import mean, median
from typing import Any

from reports.freeze.stored import STORED, Part, load_stored, stored_presets
from workflow.plan import resolved
from workflow.plan.cost.timed_jobs import Job, read_jobs
from workflow.plan.cost.work import Work, work_of

RATES = STORED / "benchmarks" / "jobs.csv"
# Seconds of a job before it works: Snakemake's shell, Python, imports. Measured: the shortest jobs
# with torch (a prior that is fitted, a set that is sampled) take 2.2 to 3.2 s in all.
START = 2.0


@dataclass(frozen=True)
class Rate:
    """Jobs of one kind that were measured, averaged.

    Attributes:
        preset: whose configuration they had.
        dataset: that they were about, or empty.
        jobs: how many.
        seconds: that each took, its start included.
        mib: that the outputs of each hold.
        work: of each.
    """

    preset: str
    dataset: str
    jobs: int
    seconds: float
    mib: float
    work: Work

    def row(self) -> dict[str, Any]:
        """Return the row of the CSV."""
        own = {"preset": self.preset, "dataset": self.dataset, "jobs": self.jobs}
        numbers = {"seconds": round(self.seconds, 2), "mib": round(self.mib, 3)}
        return own | numbers | asdict(self.work)

    @classmethod
    def of_row(cls, row: Mapping[str, str]) -> Rate:
        """Return the rate of a row of the CSV."""
        words = {field.name: row[field.name] for field in fields(Work)}
        numbers = {name: float(words[name]) for name in ("amount", "weight", "space")}
        seconds, mib = float(row["seconds"]), float(row["mib"])
        work = Work(**words | numbers)
        return cls(row["preset"], row["dataset"], int(row["jobs"]), seconds, mib, work)


@dataclass(frozen=True)
class Estimate:
    """What a job will take.

    Attributes:
        seconds: with its start.
        mib: of its outputs.
        measured: jobs of the same shape were measured; else both numbers are extrapolated, or those
            of a job that may have had more or less to do.
    """

    seconds: float
    mib: float
    measured: bool


def stored_rates(path: Path = RATES) -> list[Rate]:
    """Return the rates that are stored with the project.

    Those of a quiet machine, and for families of scores that it did not take those of manifests.
    """
    with open(path, encoding="utf-8", newline="") as file:
        rates = [Rate.of_row(row) for row in csv.DictReader(file)]
    taken = {rate.work.family for rate in rates}
    return rates + [rate for rate in manifest_rates() if rate.work.family not in taken]


def manifest_rates(root: Path = STORED) -> list[Rate]:
    """Return the rates of families of scores, by the manifests of stored results."""
    found = []
    for preset in stored_presets(root):
        stored, groups = load_stored(preset, root), {}
        config = resolved(stored.config, [stored.folder / Part.CONFIG])
        for artefact, manifest in stored.manifests.items():
            if artefact.startswith("scores/"):
                work = work_of("score", f"{artefact}.csv", config)
                dataset = artefact.split("/")[1]
                groups.setdefault((dataset, work), []).append(manifest["wall_seconds"])
        found += [
            Rate(preset, dataset, len(seconds), START + median(seconds), 0.0, work)
            for (dataset, work), seconds in groups.items()
        ]
    return found


def measured_rates(root: Path, config: Mapping[str, Any]) -> list[Rate]:
    """Return the rates of the jobs of a preset that ran in a folder.

    Args:
        root: with ``results/`` and Snakemake's records of what it ran.
        config: of the run, resolved.

    Raises:
        UserError: there are no records.
    """
    under = f"results/{config['preset']}/"
    groups: dict[tuple[str, Work], list[Job]] = {}
    for job in read_jobs(root / ".snakemake" / "metadata", under):
        output = min(job.outputs)
        found = work_of(job.rule, output.removeprefix(under), config)
        dataset = next((d for d in (*config["datasets"], "three_moons") if f"/{d}" in output), "")
        groups.setdefault((dataset if found.shape else "", found), []).append(job)
    return [
        Rate(
            config["preset"],
            dataset,
            len(jobs),
            mean(job.seconds for job in jobs),
            mean(sum(_bytes(root / path) for path in job.outputs) for job in jobs) / 2**20,
            work,
        )
        for (dataset, work), jobs in sorted(groups.items(), key=lambda kind: str(kind[0]))
    ]


def estimate(work: Work, dataset: str, rates: Iterable[Rate]) -> Estimate | None:
    """Return what a job will take by the measured job that is most like it; None without any.

    Of the same rule and family; then of the same shape, model and data set, in this order of
    weight, then of the size that is next to its own.
    """
    alike = [r for r in rates if (r.work.rule, r.work.family) == (work.rule, work.family)]
    if not alike:
        return None

    def unlike(rate: Rate) -> tuple[bool, bool, bool, float]:
        differs = rate.work.model != work.model, rate.work.shape != work.shape
        return (*differs, rate.dataset != dataset, abs(math.log(rate.work.weight / work.weight)))

    nearest = min(alike, key=unlike)
    base = nearest.work
    ratio = work.amount * work.weight / (base.amount * base.weight)
    seconds = min(START, nearest.seconds) + max(0.0, nearest.seconds - START) * ratio
    same = bool(work.shape) and (base.shape, base.model) == (work.shape, work.model)
    return Estimate(seconds, nearest.mib * work.space / base.space, same)


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0

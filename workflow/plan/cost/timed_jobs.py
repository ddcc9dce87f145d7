"""Jobs that have run, by the records that Snakemake keeps of them (``.snakemake/metadata``)."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path

from dlvae.stage.errors import UserError

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
        UserError: there are none.
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
        raise UserError(f"{records} has no jobs of {under or 'any run'}")
    return sorted(jobs, key=lambda job: job.start)

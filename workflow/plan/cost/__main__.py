"""What targets cost before they run: ``python -m workflow.plan.cost --targets table1 ...``.

Asks Snakemake which files of the targets are not there or out of date, and takes for each job the
time and space of the measured job that is most like it, scaled by its number of steps or images
and by the size of its networks. Nothing is run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dlvae.stage.errors import UserError
from eval.families import FAMILIES
from workflow.plan.cost.rates import Estimate, Rate, estimate, stored_rates
from workflow.plan.cost.work import PLACE, guessed, work_of

PENDING = "update pending"


@dataclass
class Sum:
    """What the jobs of one rule, and of one family of scores, come to."""

    jobs: int = 0
    seconds: float = 0.0
    on_gpu: float = 0.0
    mib: float = 0.0
    longest: float = 0.0
    measured: int = 0
    unknown: int = 0

    def add(self, found: Estimate | None, gpu: bool) -> None:
        """Add a job; without an estimate it is counted alone."""
        self.jobs += 1
        if found is None:
            self.unknown += 1
            return
        self.seconds += found.seconds
        self.on_gpu += found.seconds * gpu
        self.mib += found.mib
        self.longest = max(self.longest, found.seconds)
        self.measured += found.measured


@dataclass
class Bill:
    """The cost of a plan, by rule; of scores by family."""

    of: dict[str, Sum] = field(default_factory=dict)

    def total(self, name: str) -> float:
        """Return the sum over all rules of a number."""
        return sum(getattr(part, name) for part in self.of.values())


def pending(summary: str, results: str) -> list[tuple[str, str]]:
    """Return rule and one output of every job that has not run, by Snakemake's summary.

    Args:
        summary: text of ``snakemake --summary``.
        results: folder of the preset; outputs are relative to it.
    """
    found: dict[tuple[str, str], str] = {}
    for line in summary.splitlines():
        cells = line.split("\t")
        if len(cells) == 6 and cells[-1] == PENDING and cells[0].startswith(f"{results}/"):
            output = PurePosixPath(cells[0].removeprefix(f"{results}/"))
            # The outputs of a job are files of one folder, or one file under several endings.
            folder = cells[2] in FOLDER_RULES
            stem = output.parent if folder else output.with_name(output.name.partition(".")[0])
            scored = output.name if cells[2] == "score" else ""
            found.setdefault((cells[2], f"{stem}/{scored}"), str(output))
    return [(rule, output) for (rule, _), output in found.items()]


FOLDER_RULES = ("prepare", "prepare_judges", "prepare_unlabelled", "evaluator", "factors")
FOLDER_RULES += ("evaluator_member", "train", "train_longer", "train_semi", "fit_prior", "panel")


def bill(
    jobs: Iterable[tuple[str, str]],
    config: Mapping[str, Any],
    rates: Sequence[Rate],
    gpu_rules: Iterable[str],
) -> Bill:
    """Return what jobs will take.

    Args:
        jobs: rule and output of each, see :func:`pending`.
        gpu_rules: rules whose jobs ask for a GPU, apart from scores of logits.
    """
    found, on_gpu, known = Bill(), set(gpu_rules), {}
    for rule, output in jobs:
        work = work_of(rule, output, config)
        place = PLACE.match(output)
        dataset = place["dataset"] if place else ""
        if (work, dataset) not in known:
            known[work, dataset] = estimate(work, dataset, rates)
        logits = work.family and FAMILIES[work.family].of_logits
        name = f"{rule}, {work.family}" if work.family else rule
        part = found.of.setdefault(name, Sum())
        part.add(known[work, dataset], rule in on_gpu and not logits)
    return found


def page(
    found: Bill, targets: Sequence[str], config: Mapping[str, Any], at_once: int, gpus: int
) -> str:
    """Return the bill as text.

    Args:
        at_once: jobs that run together.
        gpus: that jobs may ask for, 0: none.
    """
    if not found.of:
        return f"{', '.join(targets)} of preset {config['preset']}: nothing is left to be made\n"
    lines = [f"{', '.join(targets)} of preset {config['preset']}, what has not run yet:", ""]
    lines.append(f"{'rule':24}{'jobs':>7}{'time':>10}{'on a GPU':>10}{'GiB':>8}  known by")
    for name, part in sorted(found.of.items(), key=lambda item: -item[1].seconds):
        lines.append(f"{name:24}{_numbers(part)}  {_known_by(part)}")
    whole = Sum(**{f: found.total(f) for f in ("jobs", "seconds", "on_gpu", "mib", "measured")})
    lines.append(f"{'all':24}{_numbers(whole)}")
    slowest = max(part.longest for part in found.of.values())
    shared = max(whole.seconds / at_once, slowest, whole.on_gpu / gpus if gpus else 0.0)
    lines += ["", f"At least {_time(shared)} with {at_once} jobs at a time"]
    lines[-1] += f" on {gpus} GPU(s)" if gpus else ", none on a GPU"
    lines[-1] += f"; the longest job takes {_time(slowest)}."
    lines += _notes(found, config, gpus)
    return "\n".join(lines) + "\n"


def _numbers(part: Sum) -> str:
    times = f"{_time(part.seconds):>10}{_time(part.on_gpu):>10}"
    return f"{part.jobs:7.0f}{times}{part.mib / 1024:8.2f}"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds else "-"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:,.1f} h"


def _known_by(part: Sum) -> str:
    if part.unknown == part.jobs:
        return "no such job was measured: not counted"
    known = part.jobs - part.unknown
    if part.measured == known:
        return "measured"
    some = f"{part.measured} measured, " if part.measured else ""
    return f"{some}{known - part.measured} extrapolated"


def _notes(found: Bill, config: Mapping[str, Any], gpus: int) -> list[str]:
    notes = [
        "Measured: jobs of the same model, network, batch and size of images, on one core of the",
        "processor in reports/stored/benchmarks/jobs.csv; other numbers of steps or images are",
        "taken in proportion. Extrapolated: width and batch by the curves in scaling.csv,",
        "another backbone by its operations, images by their pixels, other jobs as they were; such",
        "a time may be off by a factor of three.",
    ]
    if gpus:
        notes += [
            "No rate was measured on a GPU: the times on GPUs are those that a core takes for the",
            "jobs that will ask for one, a bound from above.",
        ]
    if unsure := [name for name in config["datasets"] if guessed(name, config)]:
        notes.append(f"How many classes and images {', '.join(unsure)} has is a guess until it is")
        notes[-1] += " prepared."
    notes.append("States that trainings resume from come and go beside the storage above.")
    return ["", *notes]


def summary_of(targets: Sequence[str], config: Mapping[str, Any], snakefile: str) -> str:
    """Return Snakemake's summary of targets; nothing is run, locked or written.

    Raises:
        UserError: Snakemake cannot plan them; its own words.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.yaml")
        path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        command = [sys.executable, "-m", "snakemake", "-s", snakefile, *targets, "--summary"]
        command += ["--nolock", "--cores", "1", "--workflow-profile", "none"]
        done = subprocess.run(
            [*command, "--configfile", str(path)],
            capture_output=True,
            text=True,
            env={k: v for k, v in os.environ.items() if k != "SNAKEMAKE_PROFILE"},
        )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise UserError(f"{', '.join(targets)} cannot be planned: {' '.join(said[-2:])}")
    return done.stdout


def main(argv: Sequence[str] | None = None) -> None:
    """Print the cost of targets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--targets", nargs="+", required=True)
    parser.add_argument("--config", type=json.loads, required=True, help="resolved, as JSON")
    parser.add_argument("--snakefile", default="Snakefile")
    parser.add_argument("--gpu-rules", nargs="*", default=[], help="whose jobs ask for a GPU")
    parser.add_argument("--gpus", type=int, default=0, help="in use at once")
    parser.add_argument("--at-once", type=int, default=1, help="jobs that run together")
    args = parser.parse_args(argv)
    try:
        summary = summary_of(args.targets, args.config, args.snakefile)
        jobs = pending(summary, f"results/{args.config['preset']}")
        found = bill(jobs, args.config, stored_rates(), args.gpu_rules if args.gpus else ())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print(page(found, args.targets, args.config, args.at_once, args.gpus), end="")


if __name__ == "__main__":
    main()

"""SIGKILL at random moments over a small run, each followed by the same command: what is lost?

    python tests/soak/fifty_kills.py [--kills 50] [--seed 0] [--cores 1] [--log docs/soak.log]

In a clone, so what counts is what is committed. A run of `table1` and `learning_curves` on digits
is made once undisturbed and once with kills, whose moments and kinds the seed draws:

- `snakemake`: Snakemake alone; its jobs are left without it,
- `job`: one job alone; Snakemake then ends by itself,
- `everything`: Snakemake and all its jobs at once, as when a machine loses its power.

After each the plain command is given again, at once; if a run completes before the last kill, its
results are held against the undisturbed ones and a new one is begun. Exit status 1 if anything is
lost, done twice, left at work, different or told with a traceback.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections import Counter
from pathlib import Path

import psutil
import yaml
from at_work import at_work  # beside this script

ROOT = Path(__file__).resolve().parents[2]
PRESET, TARGETS = "soak", ("table1", "learning_curves")
KINDS = ("snakemake", "job", "everything")
# What differs from run to run: times. Scores of curves have rows of processor seconds, and what is
# made of these differs as well.
TIMES = {"logs", "benchmarks", "resume", "manifest.json"}
TIMES |= {f"learning_curves.{kind}" for kind in ("csv", "md", "png", "pdf")}
SECONDS = re.compile(rb"^.*,cpu_seconds:.*\n", re.MULTILINE)
RESUMED, FINISHED = (
    re.compile(r"^\S+: resumed at step (\d+) of", re.M),
    re.compile(r"\(Rule: (\w+)\)"),
)
LONGEST_SECONDS = 45.0
"""From the start of a run to a kill, at most."""
ORPHAN_SECONDS = 10.0


def write_config(path: Path) -> None:
    """Write the preset: of smoke one data set and one model, long enough to be killed midway."""
    config = yaml.safe_load((ROOT / "config/smoke.yaml").read_text(encoding="utf-8"))
    digits = config["datasets"]["digits"]
    digits["train"]["steps"], digits["evaluator"]["epochs"] = 120, 3
    config |= {"preset": PRESET, "models": ["cvae"], "fitted": ["cvae"], "figures": {}}
    config["datasets"] = {"digits": digits}
    del config["ablations"]
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


class Run:
    """One call of Snakemake in the checkout, with all its processes in a session of its own."""

    def __init__(self, checkout: Path, cores: int, log: Path) -> None:
        self.log, self.started = log, time.monotonic()
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *TARGETS]
        command += ["--configfile", "soak.yaml"]
        environment = os.environ | {"PYTHONPATH": str(checkout)}
        with open(log, "w", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                command,
                cwd=checkout,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self.started

    @property
    def text(self) -> str:
        """What Snakemake and its jobs have printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def alive(self) -> list[psutil.Process]:
        """Return the processes of the session that are at work."""
        return at_work(self.process.pid)

    def jobs(self) -> list[tuple[psutil.Process, str]]:
        """Return the stages at work, each with the name of its module."""
        found = []
        for process in self.alive():
            try:
                words = process.cmdline()
            except psutil.Error:
                continue
            if "dlvae.stage" in words and words[1] == "-m":
                found.append((process, words[words.index("dlvae.stage") + 1]))
        return found


class Soak:
    """The kills, and what is found after each."""

    def __init__(self, work: Path, log: Path, kills: int, seed: int, cores: int) -> None:
        self.checkout, self.logs, self.log = work / "checkout", work / "logs", log
        self.kills, self.cores, self.draw = kills, cores, random.Random(seed)
        self.results = self.checkout / "results" / PRESET
        self.runs = self.killed = self.resumed = 0
        self.kill_moment = 0.0
        self.kinds: Counter[str] = Counter()
        self.at_work: Counter[str] = Counter()
        self.orphans: list[float] = []
        self.finished: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        """Print a line and keep it in the log."""
        line = f"== {time.monotonic() - self.began:5.0f} s  {text}"
        print(line, flush=True)
        with open(self.log, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def fault(self, text: str) -> None:
        """Note what should not be."""
        self.wrong.append(text)
        self.say(f"WRONG: {text}")

    def start(self) -> Run:
        """Give the command."""
        self.runs += 1
        return Run(self.checkout, self.cores, self.logs / f"{self.runs:03d}.log")

    def undisturbed(self) -> tuple[dict[str, str], Counter[str]]:
        """Make the run once; the content of its results, and its jobs by rule."""
        run = self.start()
        if run.process.wait() != 0:
            print(run.text)
            raise SystemExit("error: the undisturbed run failed")
        content, jobs = self.content(), Counter(FINISHED.findall(run.text))
        self.say(
            f"undisturbed: {sum(jobs.values())} jobs, {len(content)} files, {run.seconds:.0f} s"
        )
        self.anew()
        return content, jobs

    def anew(self) -> None:
        """Remove all results, and what Snakemake knows of them."""
        shutil.rmtree(self.checkout / "results")
        shutil.rmtree(self.checkout / ".snakemake")

    def content(self) -> dict[str, str]:
        """Return the hash of every result whose bytes do not depend on the time."""
        return {
            str(path.relative_to(self.results)): sha256(path, without=SECONDS)
            for path in self.files()
            if not TIMES & {*path.relative_to(self.results).parts}
            and not path.name.endswith(".manifest.json")
        }

    def files(self) -> list[Path]:
        return [path for path in sorted(self.results.rglob("*")) if path.is_file()]

    def complete(self) -> dict[Path, tuple[int, str]]:
        """Return time and hash of every result whose job has ended, by Snakemake's own marks."""
        marks = self.checkout / ".snakemake" / "incomplete"
        marked = {path.name for path in marks.rglob("*")} if marks.is_dir() else set()
        found = {}
        for path in self.files():
            name = str(path.relative_to(self.checkout))
            first = path.relative_to(self.results).parts[0]
            if first in TIMES | {"config.yaml"} or path.name.startswith("."):
                continue
            if urlsafe_b64encode(name.encode()).decode() not in marked:
                found[path] = (path.stat().st_mtime_ns, sha256(path))
        return found

    def one_kill(self, run: Run) -> bool:
        """Kill at a random moment; False if the run had ended before."""
        kind, moment = self.draw.choice(KINDS), self.draw.uniform(0, LONGEST_SECONDS)
        while run.process.poll() is None and (
            run.seconds < moment or (kind == "job" and not run.jobs())
        ):
            time.sleep(0.05)
        jobs = run.jobs()
        if run.process.poll() is not None or (kind == "job" and not jobs):
            return False
        self.killed += 1
        self.kinds[kind] += 1
        names = sorted(name for _, name in jobs)
        self.at_work[" and ".join(names) or "Snakemake alone"] += 1
        when = run.seconds
        victims = {
            "snakemake": lambda: [psutil.Process(run.process.pid)],
            "job": lambda: [self.draw.choice(jobs)[0]],
            "everything": run.alive,
        }[kind]()
        for victim in victims:
            try:
                victim.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        self.kill_moment = time.monotonic()
        run.process.wait()
        self.say(
            f"kill {self.killed}: {kind}, {when:.1f} s after its start, at work: "
            f"{', '.join(names) or 'no job'}"
        )
        return True

    def after_kill(self, run: Run, before: dict[Path, tuple[int, str]]) -> dict:
        """Look for what was lost, and for what is left at work."""
        self.count(run)
        now = self.complete()
        for path, (when, digest) in before.items():
            if path not in now:
                self.fault(f"{path.relative_to(self.results)} was complete and is lost")
            elif now[path] != (when, digest):
                self.fault(f"{path.relative_to(self.results)} was complete and was made again")
        return now

    def wait_for_orphans(self, run: Run) -> None:
        """Measure how long processes go on after a kill, beside the next run."""
        while alive := run.alive():
            if time.monotonic() - self.kill_moment > ORPHAN_SECONDS:
                self.fault(f"at work {ORPHAN_SECONDS:.0f} s after the kill: {alive}")
                return
            time.sleep(0.05)
        self.orphans.append(time.monotonic() - self.kill_moment)

    def count(self, run: Run) -> None:
        """Read what a run has printed, and the logs of its jobs."""
        self.finished += Counter(FINISHED.findall(run.text))
        self.resumed += sum(int(step) > 0 for step in set(RESUMED.findall(run.text)))
        texts = {run.log: run.text}
        texts |= {
            path: path.read_text(errors="replace") for path in self.results.rglob("logs/**/*.log")
        }
        for path, text in texts.items():
            if "Traceback" in text:
                self.fault(f"a traceback in {path.name}:\n{text[text.index('Traceback') :][:2000]}")

    def soak(self) -> None:
        """All kills, and the run after the last."""
        expected, jobs = self.undisturbed()
        before, rounds, last = {}, 0, None
        while True:
            run = self.start()
            if last is not None:
                self.wait_for_orphans(last)
            last = None
            if self.killed < self.kills and self.one_kill(run):
                before, last = self.after_kill(run, before), run
                continue
            if run.process.wait() != 0:
                self.fault(f"a run that nobody killed failed:\n{run.text[-3000:]}")
                return
            self.count(run)
            rounds += 1
            self.compare(expected, jobs)
            self.finished, before = Counter(), {}
            if self.killed >= self.kills:
                break
            self.anew()
        self.summary(rounds, len(expected))

    def compare(self, expected: dict[str, str], jobs: Counter[str]) -> None:
        """Hold a completed run against the undisturbed one."""
        content = self.content()
        for name in sorted(expected.keys() | content.keys()):
            if expected.get(name) != content.get(name):
                what = "differs" if name in expected and name in content else "is not in both"
                self.fault(f"{name} {what}")
        for rule in sorted(jobs.keys() | self.finished.keys()):
            if self.finished[rule] != jobs[rule]:
                self.fault(f"{rule}: expected {jobs[rule]} jobs, found {self.finished[rule]} done")
        if left := list((self.results / "resume").glob("*/.*")):
            self.fault(f"temporary files of states are left: {left}")
        self.say(
            f"complete after {self.killed} kills: {len(content)} files held against undisturbed"
        )

    def summary(self, rounds: int, files: int) -> None:
        """Say what it comes to."""
        self.say(f"kills: {self.killed} ({', '.join(f'{n} {k}' for k, n in self.kinds.items())})")
        self.say("at work: " + ", ".join(f"{k} {n}" for k, n in self.at_work.most_common()))
        self.say(f"runs completed: {rounds}, {files} files of each held against the undisturbed")
        self.say(f"trainings that went on from a saved state: {self.resumed}")
        slowest = max(self.orphans, default=0.0)
        self.say(f"processes left by a kill ended after at most {slowest:.1f} s")
        self.say(
            f"wrong: {len(self.wrong)} (lost, made again, different, left at work, tracebacks)"
        )


def sha256(path: Path, without: re.Pattern[bytes] | None = None) -> str:
    """Return the hash of a file, of a table without the rows of ``without``."""
    content = path.read_bytes()
    if without is not None and path.suffix == ".csv":
        content = without.sub(b"", content)
    return hashlib.sha256(content).hexdigest()


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--log", type=Path, default=ROOT / "docs" / "soak.log")
    args = parser.parse_args()
    args.log.write_text("", encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "logs").mkdir()
        soak = Soak(work, args.log.absolute(), args.kills, args.seed, args.cores)
        subprocess.run(["git", "clone", "--quiet", ROOT, soak.checkout], check=True)
        write_config(soak.checkout / "soak.yaml")
        commit = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(commit, check=True, capture_output=True, text=True).stdout.strip()
        date = time.strftime("%F", time.gmtime())
        soak.say(
            f"{platform.machine()}, {args.cores} cores, seed {args.seed}, commit {commit}, {date}"
        )
        soak.soak()
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

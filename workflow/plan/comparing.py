"""The comparison of a candidate with the stored results: who it is, and the files of its page."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from dlvae.candidate import Candidate, find_candidate
from dlvae.config.preset import canonical
from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError
from eval.families import families_on
from eval.intake.candidate_files import check_candidate
from reports.compare.conditions import other_protocol, thresholds
from workflow.plan import STORED, digest
from workflow.plan.frozen import FrozenPlan


class ComparisonPlan(FrozenPlan):
    """What `compare` sets beside the stored results."""

    @cached_property
    def candidate(self) -> Candidate | None:
        """The candidate, None without one."""
        return find_candidate(self.config, self.ablations)

    @property
    def from_outside(self) -> list[str]:
        """The name of samples from outside, if those are the candidate."""
        who = self.candidate
        return [who.name] if who and who.samples else []

    def comparable(self) -> Candidate:
        """Return the candidate.

        Raises:
            UserError: there is none, or it cannot be compared.
        """
        who = self.candidate
        if who is None:
            raise UserError(
                "compare needs a candidate: snakemake compare --config candidate=MODEL, with a "
                "folder of baselines/ or an installed model, or --config candidate=PATH "
                "dataset=NAME, with the file or folder of samples from elsewhere"
            )
        for dataset in who.datasets:
            if dataset not in self.stored.datasets:
                raise UserError(
                    f"the stored results of preset '{self.preset}' have no '{dataset}': expected "
                    f"{', '.join(self.stored.datasets)}; say --config dataset=NAME"
                )
        folders = {name: self.stored.evaluator(name) for name in who.datasets}
        cards = {name: read_json(folder / "card.json") for name, folder in folders.items()}
        classes = {name: len(card["class_names"]) for name, card in cards.items()}
        thresholds(self.config["fail_below"], who.datasets, classes)
        if who.samples:
            check_candidate(who.samples, self.section(who.datasets[0])["data"]["size"])
        if self.protocol.hash != self.stored.protocol.hash:
            raise UserError(other_protocol(self.stored, self.protocol.label))
        return who

    def stored_judge(self, job: Any) -> dict[str, str]:
        """Return a judge as stored, or as its recipe gives it where its hash alone is stored."""
        name = f"{job.dataset}{job.kind}"
        if self.stored.has_weights(name):
            return {"weights": str(self.stored.evaluator(name) / "weights.safetensors")}
        built = self.judge(name)
        return {"weights": f"{built}/weights.safetensors", "built": f"{built}/card.json"}

    def judge_hash(self, job: Any) -> str:
        """Return the hash of a stored judge: stored files are read through ancient()."""
        card = self.stored.evaluator(f"{job.dataset}{job.kind}") / "card.json"
        return read_json(card)["weights_sha256"]

    def samples_stamp(self, job: Any) -> str:
        """Return sizes and times of samples from outside: they are drawn anew under old names."""
        root = self.candidate.samples
        files = sorted(root.rglob("*")) if root.is_dir() else [root]
        stats = [(os.path.relpath(file, root), file.stat()) for file in files]
        found = [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]
        return digest(canonical(found).encode())

    def runs(self) -> list[dict[str, Any]]:
        """Return the files of every run of the candidate, by the names of `reports.compare`."""
        who = self.comparable()
        name, trained = who.name, not who.samples
        return [
            {
                "dataset": dataset,
                "seed": seed,
                "scores": [
                    self.score(dataset, name, f, seed, STORED) for f in families_on("compare")
                ],
                "samples": f"{self.run('samples', dataset, name, seed)}.manifest.json",
                "duplicates": f"{self.run('near_duplicates', dataset, name, seed)}.json",
                "model": f"{self.run('models', dataset, name, seed)}/manifest.json"
                if trained
                else None,
            }
            for dataset in who.datasets
            for seed in who.seeds
        ]

    def run_files(self, job: Any) -> list[str]:
        """Return the files of `runs`; UserError if the page is of another candidate."""
        runs, name = self.runs(), self.candidate.name
        if job.candidate != name:
            raise UserError(
                f"the candidate is '{name}', not '{job.candidate}': --config candidate="
                f"{job.candidate}"
            )
        files = [[*run["scores"], run["samples"], run["duplicates"], run["model"]] for run in runs]
        return [file for found in files for file in found if file]

    @property
    def submit_command(self) -> str:
        """What submits the candidate again; of samples from outside with a path to fill in."""
        who = self.comparable()
        preset, stored = self.preset, self.stored.folder.as_posix()
        keys = [f"preset={preset}", f"candidate={'PATH' if who.samples else who.name}"]
        if not who.samples:
            keys.append(f"seeds='{list(who.seeds)}'")
        if len(who.datasets) == 1:
            keys.append(f"dataset={who.datasets[0]}")
        file = f"--configfile {stored}/config.yaml --config {' '.join(keys)}"
        return f"snakemake --cores all submit {file}"

    @property
    def submission(self) -> str:
        """Where the candidate's results are collected, under `results`."""
        return f"{self.results}/submission/{self.comparable().name}"

    def compare_slice(self, job: Any) -> str:
        """Return the slice of the comparison."""
        who = self.comparable()
        own = {"name": who.name, "samples": who.samples and str(who.samples)}
        own |= {"datasets": who.datasets, "seeds": who.seeds}
        return canonical({"preset": self.preset, **own, "fail_below": self.config["fail_below"]})

"""Scores: the files behind every family of `eval.families`, its slice and its code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlvae.stage.errors import UserError
from dlvae.stage.fingerprint import fingerprint
from dlvae.stage.registry import module_name
from eval.families import FAMILIES, OURS, Family
from reports.names import as_published
from workflow.plan import JUDGE_FILES, MODEL_FILES, REAL, SNAPSHOTS
from workflow.plan.trainings import TrainingPlan

TRAINED = [*MODEL_FILES, SNAPSHOTS, "manifest.json"]
# Sources that are folders, and what is read in them.
FOLDERS = {"model": MODEL_FILES, "semi": MODEL_FILES, "longer": TRAINED}
FOLDERS |= {"evaluator": JUDGE_FILES, "factors": JUDGE_FILES}
FOLDERS |= {"unlabelled": ["train.npz", "heldout.npz", "card.json"]}


class ScorePlan(TrainingPlan):
    """Scoring, and the features that it reads."""

    def can_be_had(self, model: str, family: str) -> bool:
        """Whether a model has what a family reads, and this form of it is scored apart."""
        row, published = FAMILIES[family], model == as_published(model)
        return (row.fitted or published) and row.can_be_had_of(self.registered(model))

    def score(self, dataset: str, model: str, family: str, seed: int = 0, judge: str = "") -> str:
        """Return a file of score rows; of `STORED` judges where ``judge`` says so."""
        return f"{self.run(f'scores{judge}', dataset, model, seed)}.{family}.csv"

    def of_family(self, family: str) -> list[str]:
        """Return its score files: every model that has it, by seed, and the real images once."""
        runs = [(model, seed) for model in self.scored_models for seed in self.config["seeds"]]
        return [
            self.score(dataset, model, family, seed)
            for dataset in self.image_sets
            for model, seed in [("real", 0), *runs]
            if self.can_be_had(model, family)
        ]

    def sources(self, job: Any) -> dict[str, str]:
        """Return the files and folders behind a score, by the names that `eval.families` has.

        Raises:
            UserError: the family is not about this model or data set.
        """
        family, model = FAMILIES[job.family], job.model
        if family.of == OURS and self.registered(model) != "ours":
            raise UserError(
                f"{family.name} varies z_s or z_u, which '{model}' has not: ask for ours"
            )
        if family.only_on not in ("", job.dataset):
            raise UserError(f"{family.name} is of {family.only_on} alone, found '{job.dataset}'")
        if not family.can_be_had_of(self.registered(model)):
            raise UserError(
                f"{family.name} cannot be had of '{model}': ask for a model that encodes"
            )
        names = (*family.reads, *family.optional)
        found = {name: self._source(job, family, name) for name in names}
        return {name: path for name, path in found.items() if path}

    def _source(self, job: Any, family: Family, name: str) -> str:
        """Return one source of a score, empty for an optional one that the preset has not."""
        dataset, model, seed = job.dataset, job.model, job.seed
        if name in REAL:
            return f"{self.run(f'features{job.stored}', dataset, name)}.npz"
        if name.startswith("features"):
            source = f"real_{family.real}" if model == "real" else model
            judge = job.stored + name.removeprefix("features")
            return f"{self.run(f'features{judge}', dataset, source, seed)}.npz"
        if name == "images" and model == "real":
            return f"{self.data(dataset)}/{family.real}.npz"
        if name == "weights":
            return self.imagenet_weights()
        if name == "longer" and self.curve_factor(seed) == 1:
            return ""
        if name == "factors" and not self.section(dataset).get("factors"):
            return ""
        if name in ("unlabelled", "semi") and self.without_unlabelled(dataset):
            return ""
        return {
            "images": f"{self.run('samples', dataset, model, seed)}.npz",
            "model": self.run("models", dataset, model, seed),
            "longer": self.run("curves", dataset, model, seed),
            "semi": self.run("models", dataset, f"{model}_semi", seed),
            "evaluator": self.judge(dataset),
            "factors": self.judge(dataset, "_factors"),
            "unlabelled": f"{self.data(dataset)}_unlabelled",
        }[name]

    def inputs(self, job: Any) -> dict[str, Any]:
        """Return the files of `sources`, and the splits of the data set read beside them."""
        family, files = FAMILIES[job.family], {}
        folders = FOLDERS | ({"model": TRAINED} if family.snapshots else {})
        for name, source in self.sources(job).items():
            inside = folders.get(name)
            files[name] = [f"{source}/{file}" for file in inside] if inside else source
        return files | {"splits": [f"{self.data(job.dataset)}/{s}.npz" for s in family.splits]}

    def imagenet_weights(self) -> str:
        """Return the weights of ImageNet's Inception, which nobody needs for anything else."""
        path = self.config["imagenet_weights"]
        if path is None or not Path(path).is_file():
            raise UserError(
                f"imagenet_weights: expected a file, found {path or 'none'}; download "
                "weights-inception-2015-12-05-6726825d.pth from the releases of torch-fidelity and "
                "say --config imagenet_weights=PATH"
            )
        return path

    def score_slice(self, job: Any) -> str:
        """Return the slice of a score."""
        figure, more = self.config["figures"].get("figure7") or {}, {}
        if job.family == "inpainting" and figure.get("dataset") == job.dataset:
            more = {"landmarks": figure.get("landmarks")}  # the masks of the figure
        return self.slice(job, protocol_overrides=self.overrides, **more)

    def score_code(self, job: Any) -> str:
        """Return the fingerprint of a score, that of the model included where it runs one."""
        family = FAMILIES[job.family]
        modules = ["eval.scores.__main__", family.module_name]
        if family.runs_model:
            modules.append(module_name(self.registered(job.model)))
        return fingerprint(*modules)

    def feature_images(self, job: Any) -> str:
        """Return the images behind a feature set."""
        if split := REAL.get(job.source):
            return f"{self.data(job.dataset)}/{split}.npz"
        return f"{self.run('samples', job.dataset, job.source, job.seed)}.npz"

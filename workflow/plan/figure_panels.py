"""Panels: what each figure shows, of which models, and the files behind it."""

from __future__ import annotations

from typing import Any

from dlvae.stage.fingerprint import fingerprint
from dlvae.stage.registry import module_name
from reports.names import forms_of
from workflow.plan import JUDGE_FILES, MODEL_FILES, SNAPSHOTS, Plan

# Sources of every panel, by the names that `eval.panels` knows.
SOURCES = {
    "figure2": ("data", "models"),
    "figure3": ("data", "samples"),
    "figure4": ("data", "models"),
    "figure5": ("data", "models", "factors"),
    "figure6": ("model", "unlabelled"),
    "figure7": ("data", "cvae_gan", "ours"),
    "explorer": ("data", "model"),
}
FIGURES = [name for name in SOURCES if name != "explorer"]
# What is read in sources that are no models.
FILES = {"data": ["train.npz", "test.npz", "card.json"], "unlabelled": ["train.npz", "card.json"]}
FILES |= {"factors": JUDGE_FILES}


class PanelPlan(Plan):
    """Decoding of panels."""

    def shown(self, figure: str) -> list[str]:
        """Return the data sets that a figure shows; the swap explorer shows that of Figure 5."""
        part = self.config["figures"]["figure5" if figure == "explorer" else figure]
        return ["three_moons"] if figure == "figure2" else part.get("datasets") or [part["dataset"]]

    def panels(self, figure: str, file: str = "") -> list[str]:
        """Return the folder of every panel of a figure, or a file in each."""
        folders = [f"{self.results}/panels/{figure}/{dataset}" for dataset in self.shown(figure)]
        return [f"{folder}/{file}" if file else folder for folder in folders]

    def decoded(self, figure: str) -> list[str]:
        """Return the models that a panel decodes; of one drawn from its priors, every form."""
        fixed = {"figure3": [], "figure6": ["ours_semi"], "figure7": ["cvae_gan", "ours"]}
        fixed |= {"explorer": ["ours"]}
        if figure in fixed:
            return fixed[figure]
        drawn = self.config["figures"][figure]["models"] if figure == "figure2" else ["ours"]
        return forms_of(drawn, self.config["fitted"])

    def sources(self, job: Any) -> dict[str, Any]:
        """Return folders, of figure 3 sample files, behind a panel; models as they are drawn."""
        dataset, seed = job.dataset, self.config["seeds"][0]
        models = {n: self.run("models", dataset, n, seed) for n in self.decoded(job.figure)}
        samples = {n: f"{self.run('samples', dataset, n, seed)}.npz" for n in self.scored_models}
        regressed = self.section(dataset).get("factors")
        every = {
            "data": self.data(dataset),
            "unlabelled": f"{self.data(dataset)}_unlabelled",
            "factors": self.judge(dataset, "_factors") if regressed else None,
            "samples": samples,
            "models": models,
            "model": next(iter(models.values()), None),
            **models,
        }
        return {name: every[name] for name in SOURCES[job.figure]}

    def inputs(self, job: Any) -> dict[str, list[str]]:
        """Return the files of `sources`, by name."""
        trained = MODEL_FILES + ([SNAPSHOTS] if job.figure == "figure2" else [])
        found = {}
        for name, source in self.sources(job).items():
            places = [*source.values()] if isinstance(source, dict) else [source] if source else []
            files = [f"{place}/{file}" for place in places for file in FILES.get(name, trained)]
            found[name] = places if name == "samples" else files
        return found

    def panel_slice(self, job: Any) -> str:
        """Return the slice of a panel."""
        figure, seed = self.config["figures"].get(job.figure), self.config["seeds"][0]
        return self.slice(job, seed=seed, bn_eval=self.protocol.bn_eval, figure=figure)

    def panel_code(self, job: Any) -> str:
        """Return the fingerprint of a panel, that of the models it decodes included."""
        names = [name.removesuffix("_semi") for name in self.decoded(job.figure)]
        modules = {module_name(self.registered(name)) for name in names}
        return fingerprint("eval.panels.__main__", f"eval.panels.{job.figure}", *modules)

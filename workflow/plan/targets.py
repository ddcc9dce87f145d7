"""Targets: the pages made of scores, what is behind each, and what a preset cannot give and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlvae.config.preset import canonical, load_preset, preset_files
from dlvae.stage.errors import UserError
from eval.families import FAMILIES, families_of, families_on
from reports.claims.rules import load_rules, needed_scores
from reports.names import as_published, fitted_form
from reports.report.made_studies import STUDY_FILES
from reports.tables.specs import TABLES
from workflow.plan import PRESETS, digest
from workflow.plan.figure_panels import FIGURES, PanelPlan
from workflow.plan.scoring import ScorePlan

STUDIES = ("claims", "ablations", "learning_curves", "table2_scale", "evaluator_noise")
# Sections of the configuration that a study needs.
SECTIONS = {"ablations": "ablations", "learning_curves": "curves"}


class TargetPlan(ScorePlan):
    """What a user asks for by name."""

    def target(self, name: str) -> list[str]:
        """Return the files of a table, a figure or a study.

        Raises:
            UserError: the preset cannot give it; it names the presets that can.
        """
        if reason := self.missing(name):
            others = ", ".join(self.presets_with(name))
            hint = f"; presets that have it: {others}" if others else ""
            raise UserError(f"{name} cannot be made: {reason}{hint}")
        drawn = [f"{self.results}/figures/{name}.{kind}" for kind in ("png", "pdf")]
        if name in TABLES:
            return [f"{self.results}/tables/{name}.{k}" for k in ("csv", "md", "html", "tex")]
        page = [f"{self.results}/{name}.{kind}" for kind in ("csv", "md")]
        if name in (*FIGURES, "training_curves"):
            return drawn
        return page + drawn * (name == "learning_curves")

    def missing(self, name: str) -> str:
        """Return why a target is left out of the preset; an empty text if it is not."""
        if key := SECTIONS.get(name):
            hint = ": set it with --config curves='{factor: 2}'" if key == "curves" else ""
            return "" if self.config[key] else f"preset '{self.preset}' has no {key}{hint}"
        if name not in FIGURES:
            return ""
        if self.config["figures"].get(name) is None:
            return f"preset '{self.preset}' has no {name}"
        shown = PanelPlan(self.config).shown(name)
        for dataset in shown:
            if dataset not in self.datasets:
                return f"{name} shows '{dataset}', which preset '{self.preset}' has not"
        return self.without_unlabelled(shown[0]) if name == "figure6" else ""

    def presets_with(self, name: str) -> list[str]:
        """Return the other shipped presets that have a target, for messages."""
        others = [other for other in preset_files(PRESETS) if other != self.preset]
        sections = {other: load_preset(other, PRESETS) for other in others}
        key = SECTIONS.get(name, name)
        return [other for other, part in sections.items() if key in part | part["figures"]]

    def training_curves(self) -> list[str]:
        """Return the folders, relative to that of the models, of the trainings that are drawn.

        Those behind the paper's tables and figures: all seeds of image models; of the toy models
        and of the semi-supervised stage the first seed, as figures 2 and 6 show it.
        """
        models, seeds = self.config["models"], self.config["seeds"]
        found = [(d, m, seed) for d in self.image_sets for m in models for seed in seeds]
        if not self.missing("figure2"):
            shown = self.config["figures"]["figure2"]["models"]
            found += [("three_moons", model, seeds[0]) for model in shown]
        if not self.missing("figure6"):
            found += [(self.config["figures"]["figure6"]["dataset"], "ours_semi", seeds[0])]
        return [f"{dataset}/{model}/seed{seed}" for dataset, model, seed in found]

    def reproducible(self) -> list[str]:
        """Return the paper's tables and figures that the preset can give."""
        return [name for name in ["table1", "table2", *FIGURES] if not self.missing(name)]

    def report_inputs(self) -> list[str]:
        """Return the files of those, of the training curves, and of the swap explorer's panel."""
        names = [*self.reproducible(), "training_curves"]
        files = [file for name in names for file in self.target(name)]
        kinds = ("npz", "json") if self.explorer() else ()
        return files + [
            file for k in kinds for file in PanelPlan(self.config).panels("explorer", f"panel.{k}")
        ]

    def explorer(self) -> list[str]:
        """Return the data set of the swap explorer, that of Figure 5; none without that."""
        return [] if self.missing("figure5") else PanelPlan(self.config).shown("explorer")

    def made_studies(self) -> dict[str, str]:
        """Return the hashes of the studies that the report shows, as far as they were made.

        They are no input of the report, which would else make them: with claims come ablations.
        """
        paths = {name: Path(self.results) / file for name, file in STUDY_FILES.items()}
        return {name: digest(path.read_bytes()) for name, path in paths.items() if path.exists()}

    def report_slice(self) -> str:
        """Return the slice of the report, which names what is left out and who has it."""
        left_out = [
            {"target": name, "reason": reason, "presets": self.presets_with(name)}
            for name in FIGURES
            if (reason := self.missing(name))
        ]
        shown = {"targets": self.reproducible(), "left_out": left_out, "config": self.run_config}
        shown |= {"explorer": next(iter(self.explorer()), None)}
        shown |= {"studies": {name: self.missing(name) for name in STUDY_FILES}}
        return canonical({"preset": self.preset, **shown})

    # --- Pages of scores -----------------------------------------------------------------------

    def page_scores(self, page: str) -> list[str]:
        """Return the score files of a page: a table, or one of `STUDIES`."""
        if page == "claims":
            return [file for *_, files, _ in self._claimed() for file in files]
        if page == "ablations":
            return [
                self.score(self.ablated, model, family, self.config["seeds"][0])
                for model in self.ablation_rows
                for family in families_on(page)
                if self.can_be_had(model, family)
            ]
        families = families_on(page) or families_of(TABLES[page].metrics)
        # Of the curves, the ceiling.
        real = self.image_sets if page == "learning_curves" else []
        files = [self.score(dataset, "real", "inception") for dataset in real]
        return files + [file for family in families for file in self.of_family(family)]

    def page_slice(self, page: str) -> str:
        """Return the slice of a page."""
        own: dict[str, Any] = {"datasets": self.image_sets, "models": self.scored_models}
        if page == "claims":
            keys = ("dataset", "model", "family", "reason")
            found = [(*key, reason) for key, _, reason in self._claimed() if reason]
            left_out = [dict(zip(keys, values, strict=True)) for values in found]
            own = {"datasets": self.datasets, "ablated": self.ablated, "left_out": left_out}
        if page == "ablations":
            # A list: the order is that of the rows.
            changed = [{"model": model, "method": keys} for model, keys in self.ablations.items()]
            own = {"dataset": self.ablated, "steps": self.budget(self.ablated)["steps"]}
            own |= {"ablations": changed, "beside": self.config["ablations"]["beside"]}
            # As in every stored slice, without fitted forms there is no such key.
            fitted = [m for m in self.config["fitted"] if fitted_form(m) in self.ablation_rows]
            own |= {"fitted": fitted} if fitted else {}
        return canonical({"preset": self.preset, **own, "protocol_overrides": self.overrides})

    def cards(self, *kinds: str) -> list[str]:
        """Return the report cards of judges of every data set; see :meth:`Plan.judge`."""
        return [f"{self.judge(d, k)}/report.json" for k in kinds or ("",) for d in self.image_sets]

    @property
    def ablated(self) -> str:
        """Data set of the ablations; empty without any."""
        return self.config["ablations"]["dataset"] if self.config["ablations"] else ""

    def _claimed(self) -> list[tuple[tuple[str, str, str], list[str], str]]:
        """Return what claims are judged by: (data set, model, family), files, or why none."""
        found = []
        for key in needed_scores(load_rules(), self.datasets, self.ablated):
            dataset, model, family = key
            reason = self.why_not_scored(dataset, model, family)
            # Of ablations the first seed, as their table does.
            first = self.config["seeds"][: 1 if model in self.ablations else None]
            seeds = [] if reason else [0] if model == "real" else first
            files = [self.score(dataset, model, family, seed) for seed in seeds]
            found.append((key, files, reason))
        return found

    def why_not_scored(self, dataset: str, model: str, family: str) -> str:
        """Return why the preset has not a score; an empty text if it has."""
        if model in self.ablations:
            elsewhere = dataset != self.ablated
            return f"the preset's ablations are on '{self.ablated}'" if elsewhere else ""
        if as_published(model) not in ["real", *self.config["models"]]:
            return f"preset '{self.preset}' has no model '{as_published(model)}'"
        if model not in ["real", *self.scored_models]:
            return f"preset '{self.preset}' does not fit the priors of '{as_published(model)}'"
        return self.without_unlabelled(dataset) if "unlabelled" in FAMILIES[family].optional else ""

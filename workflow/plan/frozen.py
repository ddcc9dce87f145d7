"""Freezing and verifying: what is stored of a preset, and what is made again as it is stored."""

from __future__ import annotations

import json
import os
import shlex
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dlvae.config.preset import canonical
from dlvae.data.sources import PUBLISHABLE
from eval.families import FAMILIES
from reports.freeze.pictures import CURVES, files_of
from reports.freeze.retraining import cheapest_training
from reports.freeze.stored import UNREADABLE, Stored, load_stored
from reports.names import as_published
from workflow.plan import JUDGE_FILES, PLAIN, ROOT, in_order
from workflow.plan.data_sets import DataSetPlan
from workflow.plan.figure_panels import FIGURES, PanelPlan
from workflow.plan.targets import STUDIES, TABLES, TargetPlan

# Where stored results lie; relative, as every path of the workflow.
STORED_ROOT = Path(os.path.relpath(ROOT / "reports" / "stored"))


class FrozenPlan(TargetPlan, DataSetPlan):
    """Freezing and verifying."""

    def frozen_pages(self) -> dict[str, list[str]]:
        """Return the pages that are stored, and the score files of each."""
        names = {f"tables/{name}": name for name in TABLES if name != "imagenet"}
        names |= {name: name for name in STUDIES if not self.missing(name)}
        found = {place: self.page_scores(name) for place, name in names.items()}
        return {place: files for place, files in found.items() if files}

    def frozen_figures(self) -> dict[str, list[str]]:
        """Return the figures that are stored, and the data sets of each: those fit to publish.

        Learning curves show no data set's images, so they have none.
        """
        plan = PanelPlan(self.config)
        shown = {name: plan.shown(name) for name in FIGURES if not self.missing(name)}
        found = {name: sets for name, sets in shown.items() if {*sets} <= {*PUBLISHABLE}}
        return found | ({CURVES: []} if CURVES in self.frozen_pages() else {})

    def files(self, job: Any) -> list[str]:
        """Return the files that are stored, and the scores that are put together."""
        found = self.frozen_pages()
        judges = [self.judge(dataset, kind) for dataset in self.image_sets for kind in ("", PLAIN)]
        return [
            *(f"{self.results}/{page}.{kind}" for page in found for kind in ("csv", "md")),
            *dict.fromkeys(file for files in found.values() for file in files),
            *(f"{judge}/{file}" for judge in judges for file in [*JUDGE_FILES, "report.json"]),
            *(f"{self.results}/{file}" for file in files_of(self.frozen_figures())),
        ]

    def freeze_slice(self, job: Any) -> str:
        """Return the run's configuration, and of every page its scores and its slice."""
        pages, folder = {}, f"{self.results}/scores/"
        for place, files in self.frozen_pages().items():
            names = [file.removeprefix(folder).removesuffix(".csv") for file in files]
            own = json.loads(self.page_slice(place.removeprefix("tables/")))
            pages[place] = {"config": own, "scores": names}
        # As it is: the order of the data sets is that of the tables.
        figures = self.frozen_figures()
        return in_order({"config": self.run_config, "pages": pages, "figures": figures})

    # --- Verification --------------------------------------------------------------------------

    @cached_property
    def stored(self) -> Stored:
        """The stored results of the preset; UserError without any."""
        return load_stored(self.preset, STORED_ROOT)

    @cached_property
    def again(self) -> tuple[list[str], str]:
        """What of one stored training `verify` makes again, and the argument that names it.

        Nothing, and the reason, where no data set is at hand: without a download or a folder that
        is not named.
        """
        roots = {d: self.section(d)["data"].get("root", "none needed") for d in self.image_sets}
        at_hand = [d for d, root in roots.items() if root or self.config["data_root"] is not None]
        try:
            name = cheapest_training(self.stored, at_hand)
        except UNREADABLE as error:
            return [], f"--no-cell {shlex.quote(str(error))}"
        place = f"{self.results}/verify"
        return [f"{place}/samples/{name}.npz"], f"--cell {name} --retrained {place}"

    def present_codes(self, job: Any) -> str:
        """Return fingerprints of the code that would make the rows and models now."""
        models = [*self.scored_models, *self.ablation_rows]
        scored, trained = {}, [model for model in models if model == as_published(model)]
        for model in models:
            for name in (name for name in FAMILIES if self.can_be_had(model, name)):
                # Without a model's own code it is the same for all of them, real images too.
                key = f"{model}.{name}" if FAMILIES[name].runs_model else name
                scored[key] = self.score_code(SimpleNamespace(model=model, family=name))
        codes = {model: self.code("dlvae.train.__main__", model) for model in trained}
        return canonical({"scores": scored, "models": codes})

    def made(self, stage: str, job: Any) -> dict[str, Any]:
        """Return the stored manifest of a data set, a training or a sample set."""
        run = "" if stage == "data" else f"/{job.model}/seed{job.seed}"
        return self.stored.manifests[f"{stage}/{job.dataset}{run}"]

    def made_from(self, stage: str, job: Any) -> str:
        """Return the slice that it was made from; of a data set, from the folder that is here."""
        own = {"root": self.folder(job.dataset)} if stage == "data" else {}
        return canonical(self.made(stage, job)["config"] | own)

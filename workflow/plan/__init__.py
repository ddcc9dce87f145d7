"""What the rules ask: a configuration, and all that follows from it. No Snakemake, no torch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dlvae.config.preset import ablation_models, canonical, protocol_file, resolve
from dlvae.config.yaml_files import read_yaml
from dlvae.stage.errors import UserError
from dlvae.stage.fingerprint import fingerprint
from dlvae.stage.registry import module_name
from eval.protocol import Protocol, load_protocol
from reports.names import as_published, forms_of

ROOT = Path(__file__).resolve().parents[2]
PRESETS = ROOT / "config"
# Endings of what another judge than the run's own robust one judges: the plain one, and those
# behind the stored results.
PLAIN, STORED = "_plain", "_stored"
# Sources of features that are no model: the splits of the real images.
REAL = {"real_train": "train", "real_test": "test"}
MODEL_FILES = ["weights.safetensors", "model.json"]
SNAPSHOTS = "snapshots.safetensors"
JUDGE_FILES = ["weights.safetensors", "card.json"]


def resolved(given: Mapping[str, Any], files: Sequence[str | Path]) -> dict[str, Any]:
    """Return the configuration of a run, complete and checked.

    Args:
        given: what the command line brought, configuration files included.
        files: the configuration files, each a whole preset.

    Raises:
        UserError: it is wrong, or a file is another preset than the one that is asked for.
    """
    for path in files:
        own = read_yaml(path, "a preset").get("preset")
        if own not in (None, given.get("preset")):
            raise UserError(
                f"{path} is the preset '{own}', but --config asks for '{given.get('preset')}': "
                "leave one of them out, or results of one would land in the folder of the other"
            )
    return resolve(given, bool(files), PRESETS)


@dataclass(frozen=True)
class Plan:
    """What a run is asked for; each subclass answers what one part of the rules asks.

    Methods take a job, which is its wildcards, or names. Paths are relative to the root.

    Attributes:
        config: resolved, see :func:`dlvae.config.preset.resolve`.
    """

    config: Mapping[str, Any]

    @property
    def preset(self) -> str:
        """Name of the preset."""
        return self.config["preset"]

    @property
    def results(self) -> str:
        """Folder of the results."""
        return f"results/{self.preset}"

    @property
    def run_config(self) -> dict[str, Any]:
        """The configuration of results: what `compare`, `prepare_faces` and `cost` ask left out."""
        # As in every stored configuration, `fast` is said where it is false.
        apart = ["candidate", "dataset", "fail_below", "photos", "prepare_faces", "cost_of"]
        apart += ["fast"] if self.config["fast"] else []
        return {key: value for key, value in self.config.items() if key not in apart}

    # --- Data sets and models ------------------------------------------------------------------

    @property
    def image_sets(self) -> list[str]:
        """Data sets of images, in the order of the tables."""
        return list(self.config["datasets"])

    @property
    def datasets(self) -> list[str]:
        """Data sets, of images and of points."""
        return [*self.image_sets, *(["three_moons"] if self.config["three_moons"] else [])]

    @cached_property
    def ablations(self) -> dict[str, dict[str, Any]]:
        """What each ablation lays over the method, by name of its model."""
        return ablation_models(self.config)

    @property
    def scored_models(self) -> list[str]:
        """The models of the preset, each followed by its fitted form if it has one."""
        return forms_of(self.config["models"], self.config["fitted"])

    @property
    def ablation_rows(self) -> list[str]:
        """Models on the page of the ablations, ours first; fitted forms where an ablation has one.

        An ablation that `fitted` names stands there in both forms, and so do ours and the models
        beside, to compare it with.
        """
        if not self.config["ablations"]:
            return []
        models = ["ours", *self.ablations, *self.config["ablations"]["beside"]]
        fitted = self.config["fitted"]
        return forms_of(models, fitted if self.ablations.keys() & fitted else [])

    def registered(self, model: str) -> str:
        """Return the name that the registry knows: an ablation is ours with another method."""
        own = as_published(model)
        return "ours" if own in self.ablations else own

    def section(self, dataset: str) -> dict[str, Any]:
        """Return the section of a data set, three_moons included."""
        return (self.config if dataset == "three_moons" else self.config["datasets"])[dataset]

    def without_unlabelled(self, dataset: str) -> str:
        """Return why a data set has no semi-supervised stage; an empty text if it has one."""
        part = self.section(dataset)
        if not part.get("unlabelled") or not part.get("semi_supervised"):
            return f"preset '{self.preset}' has no unlabelled images"
        if "root" in part["data"] and self.config["unlabelled_root"] is None:
            return "figure6 needs a folder of unlabelled images: --config unlabelled_root=PATH"
        return ""

    # --- Paths ---------------------------------------------------------------------------------

    def data(self, dataset: str) -> str:
        """Return the folder of a prepared data set."""
        return f"{self.results}/data/{dataset}"

    def judge(self, dataset: str, kind: str = "") -> str:
        """Return the folder of a judge; of its kind, `PLAIN` or ``_factors``, its name ends."""
        return f"{self.results}/evaluator/{dataset}{kind}"

    def run(self, stage: str, dataset: str, model: str, seed: int | str = 0) -> str:
        """Return where a stage puts what it makes of one training, or of the real images.

        That is a folder, or a file without its ending.
        """
        return f"{self.results}/{stage}/{dataset}/{model}/seed{seed}"

    # --- What jobs read ------------------------------------------------------------------------

    @property
    def protocol_path(self) -> str:
        """The protocol file; relative, for a checkout that moves is no reason to score again."""
        return os.path.relpath(protocol_file(self.config, PRESETS))

    @property
    def overrides(self) -> dict[str, str]:
        """What the configuration lays over the protocol."""
        return {} if self.config["bn_eval"] is None else {"bn_eval": self.config["bn_eval"]}

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol with this run's overrides."""
        return load_protocol(self.protocol_path, self.overrides)

    def slice(self, job: Any, **more: Any) -> str:
        """Return what a job reads of the configuration: preset, data set, model, seed, ``more``.

        Seeds derive from its names: ``model="ours"`` gives an ablation the weights that ours
        starts from, and its noise.
        """
        names = {key: getattr(job, key) for key in ("dataset", "model") if hasattr(job, key)}
        seed = {"seed": int(job.seed)} if hasattr(job, "seed") else {}
        return canonical({"preset": self.preset, **names, **seed, **more})

    def code(self, module: str, model: str) -> str:
        """Return the fingerprint of a stage that runs a model."""
        return fingerprint(module, module_name(self.registered(model)))


def in_order(value: Any) -> str:
    """Return the JSON of a value in which the order of keys matters."""
    return json.dumps(value, separators=(",", ":"))


def digest(content: bytes) -> str:
    """Return a short identity of bytes, for a param."""
    return hashlib.sha256(content).hexdigest()[:12]

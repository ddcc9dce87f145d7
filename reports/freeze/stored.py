"""Stored results: the frozen scores of a preset, and all that says what they are scores of.

``reports/stored/<preset>/`` holds, in git:

=============================== ================================================================
``index.json``                  preset, commit, command, machine, protocol, SHA-256 of every file,
                                of those beside (published numbers, rules), and of itself
``scores.csv``                  every score row
``config.yaml``                 the resolved configuration, folders of the machine left out
``protocol.yaml``               how the scores were taken
``manifests/<stage>.jsonl``     one line per artefact: what it was made from, with what
``tables/``, ``claims.*`` ...   what follows from the rows
``pages.json``                  which rows each of these was made of, with which configuration
``evaluator/<data set>/``       card and report card of the judge, its weights if they are small;
                                ``<data set>_plain``, ``<data set>_factors``: the other judges
=============================== ================================================================
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dlvae.stage.artefact import read_json, sha256_file
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import WEIGHTS

if TYPE_CHECKING:
    import pandas as pd

    from eval.protocol import Protocol

STORED = Path(__file__).resolve().parents[1] / "stored"
INDEX, SCORES, CONFIG, PROTOCOL = "index.json", "scores.csv", "config.yaml", "protocol.yaml"
TABLES, MANIFESTS, EVALUATOR, REPORT = "tables", "manifests", "evaluator", "report.json"
UNREADABLE = (UserError, OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError)
"""What reading damaged stored files can raise."""
SMALL = 4 * 1024 * 1024
"""Bytes up to which the weights of an ensemble are stored; larger ones are known by hash."""


@dataclass(frozen=True)
class Stored:
    """The stored results of one preset.

    Attributes:
        folder: ``reports/stored/<preset>``.
        index: content of its ``index.json``.
    """

    folder: Path
    index: dict[str, Any]

    @property
    def preset(self) -> str:
        """Name of the preset."""
        return self.index["preset"]

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved configuration of the run."""
        return yaml.safe_load((self.folder / CONFIG).read_text(encoding="utf-8"))

    @cached_property
    def protocol(self) -> Protocol:
        """How the scores were taken, the run's overrides included."""
        from eval.protocol import load_protocol

        bn_eval = self.config.get("bn_eval")
        overrides = {} if bn_eval is None else {"bn_eval": bn_eval}
        return load_protocol(self.folder / PROTOCOL, overrides)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Every score row; see :class:`eval.rows.ScoreRow`.

        Raises:
            UserError: the file is missing, malformed or not the one of the index.
        """
        # Here and above: the workflow reads an index without waiting for pandas.
        from eval.rows import read_rows

        path = self.folder / SCORES
        rows = read_rows([path])
        if (found := sha256_file(path)) != (expected := self.index["files"].get(SCORES, "none")):
            raise UserError(
                f"{path}: expected SHA-256 {expected[:12]}, by {INDEX}, found {found[:12]}; "
                f"restore it with: git checkout -- {path}"
            )
        return rows

    @property
    def datasets(self) -> list[str]:
        """Image data sets, in the order of the tables."""
        return list(self.config["datasets"])

    def evaluator(self, dataset: str) -> Path:
        """Return the folder of a judge: its cards, and its weights if they are small."""
        return self.folder / EVALUATOR / dataset

    def has_weights(self, dataset: str) -> bool:
        """Whether the weights of a judge are stored, not their hash alone."""
        return f"{EVALUATOR}/{dataset}/{WEIGHTS}" in self.index["files"]

    def cards(self) -> dict[str, dict[str, Any]]:
        """Return the report card of every judge by data set."""
        return {name: read_json(self.evaluator(name) / REPORT) for name in self.datasets}

    def manifests(self, stage: str) -> dict[str, dict[str, Any]]:
        """Return the manifests of a stage (data, models, samples ...) by artefact."""
        text = (self.folder / MANIFESTS / f"{stage}.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        return {line.pop("artefact"): line for line in lines}


def stored_presets(root: Path = STORED) -> list[str]:
    """Return the presets that have stored results."""
    return sorted(path.parent.name for path in root.glob(f"*/{INDEX}"))


def load_stored(preset: str, root: Path = STORED) -> Stored:
    """Open the stored results of a preset.

    Raises:
        UserError: there are none, or their index cannot be read.
    """
    folder, known = root / preset, stored_presets(root)
    if preset not in known and (folder / SCORES).exists():
        raise UserError(
            f"{folder}: expected {INDEX} beside {SCORES}, found none. Bring it back with: "
            f"git checkout -- {folder}"
        )
    if preset not in known:
        raise UserError(
            f"expected stored results of preset '{preset}' in {folder}, found "
            f"{'those of ' + ', '.join(known) if known else 'none'}.{nearest(preset, known)} "
            "Make them with: snakemake --cores all freeze"
        )
    return Stored(folder, read_json(folder / INDEX))

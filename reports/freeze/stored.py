"""Stored results: the frozen scores of a preset, and all that says what they are scores of.

``reports/stored/<preset>/`` holds, in git:

=============================== ================================================================
``index.json``                  preset, commit, command, machine, protocol, SHA-256 of every file,
                                of those beside (published numbers, rules), and of itself
``scores.csv``                  every score row
``config.yaml``                 the resolved configuration, folders of the machine left out
``protocol.yaml``               how the scores were taken
``manifests/<stage>.jsonl``     one line per artefact: what it was made from, with what
``tables/``, ``claims.*`` ...   pages, a CSV and a Markdown file each: what follows from the rows
``pages.json``                  of every page its configuration and its score files, in their order,
                                as ``<data set>/<model>/seed<seed>.<family>``; the metrics of every
                                family, by which rows go back to their files
``evaluator/<data set>/``       card and report card of the judge, its weights if they are small;
                                ``<data set>_plain``, ``<data set>_factors``: the other judges
=============================== ================================================================
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dlvae.stage.artefact import read_json, sha256_file, write_json
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import WEIGHTS
from eval.rows import COLUMNS
from reports.freeze.lineage import STAGES

if TYPE_CHECKING:
    import pandas as pd

    from eval.protocol import Protocol

STORED = Path(__file__).resolve().parents[1] / "stored"
INDEX, SCORES, CONFIG, PROTOCOL = "index.json", "scores.csv", "config.yaml", "protocol.yaml"
TABLES, MANIFESTS, EVALUATOR, REPORT = "tables", "manifests", "evaluator", "report.json"
PAGES, CARD = "pages.json", "card.json"
BESIDE = ("reports/published.csv", "reports/claims.yaml")
"""Files elsewhere that pages rest on; a shipped protocol is one too."""
UNREADABLE = (UserError, OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError)
"""What reading damaged stored files can raise."""
SMALL = 4 * 1024 * 1024
"""Bytes up to which the weights of an ensemble are stored; larger ones are known by hash."""
Lines = dict[str, list[list[str]]]
"""Score rows as texts, in the order of their file, by the name of that file."""


@dataclass(frozen=True)
class Page:
    """What a page is made of.

    Attributes:
        name: of its files, without the ending: ``claims``, ``tables/table1``.
        config: the slice of the configuration that it was made with.
        scores: names of its score files, in the order in which it reads them.
    """

    name: str
    config: dict[str, Any]
    scores: tuple[str, ...]

    @property
    def files(self) -> tuple[str, str]:
        """Its files, relative to the folder of the results."""
        return f"{self.name}.csv", f"{self.name}.md"


@dataclass(frozen=True)
class Stored:
    """The stored results of one preset; every part is read when it is first asked for.

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

    @cached_property
    def pages(self) -> list[Page]:
        """The pages."""
        entries = self._pages["pages"].items()
        return [Page(name, entry["config"], tuple(entry["scores"])) for name, entry in entries]

    @cached_property
    def lines(self) -> Lines:
        """Score rows as texts, by the name of the score file in the run."""
        families = self._pages["families"].items()
        family_of = {metric: family for family, metrics in families for metric in metrics}
        found: Lines = {}
        for line in texts_of(self.folder / SCORES):
            dataset, model, seed, metric = line[1:5]
            if metric not in family_of:
                path = self.folder / SCORES
                raise UserError(f"{path}: expected metrics named in {PAGES}, found '{metric}'")
            found.setdefault(f"{dataset}/{model}/seed{seed}.{family_of[metric]}", []).append(line)
        return found

    @cached_property
    def _pages(self) -> dict[str, Any]:
        return read_json(self.folder / PAGES)

    @property
    def datasets(self) -> list[str]:
        """Image data sets, in the order of the tables."""
        return list(self.config["datasets"])

    def evaluator(self, judge: str) -> Path:
        """Return the folder of a judge: its cards, and its weights if they are small."""
        return self.folder / EVALUATOR / judge

    def has_weights(self, judge: str) -> bool:
        """Whether the weights of a judge are stored, not their hash alone."""
        return f"{EVALUATOR}/{judge}/{WEIGHTS}" in self.index["files"]

    def cards(self) -> dict[str, dict[str, Any]]:
        """Return the report card of every judge by data set."""
        return {name: read_json(self.evaluator(name) / REPORT) for name in self.datasets}

    def manifests(self, stage: str) -> dict[str, dict[str, Any]]:
        """Return the manifests of a stage (data, models, samples ...) by artefact."""
        text = (self.folder / MANIFESTS / f"{stage}.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        return {line.pop("artefact"): line for line in lines}

    @cached_property
    def every_manifest(self) -> dict[str, dict[str, Any]]:
        """Manifests of all stages whose file is there, by artefact."""
        found: dict[str, dict[str, Any]] = {}
        for stage in STAGES:
            if (self.folder / MANIFESTS / f"{stage}.jsonl").is_file():
                found |= self.manifests(stage)
        return found


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


# --- Score files ---------------------------------------------------------------------------------


def score_names(pages: Iterable[Page]) -> list[str]:
    """Return the score files behind pages, in the order of their rows in ``scores.csv``."""

    def order(name: str) -> tuple[str, str, int, str]:
        dataset, model, file = name.split("/")
        seed, family = file.removeprefix("seed").split(".")
        return dataset, model, int(seed), family

    return sorted({name for page in pages for name in page.scores}, key=order)


def score_artefacts(pages: Iterable[Page]) -> list[str]:
    """Return the score files behind pages as artefacts of the run."""
    return [f"scores/{name}" for name in score_names(pages)]


def texts_of(path: Path) -> list[list[str]]:
    """Read the rows of a score file as texts.

    Raises:
        UserError: the file is missing or has other columns.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file)
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"expected readable score rows at {path}: {error}") from error
    if tuple(header) != COLUMNS or any(len(line) != len(COLUMNS) for line in lines):
        raise UserError(f"{path}: expected the columns {', '.join(COLUMNS)} in every row")
    return lines


def scores_text(lines: Lines, names: Sequence[str]) -> str:
    """Return score files, one after the other, as one: the bytes of :func:`eval.rows.write_rows`.

    Raises:
        UserError: a file without rows.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name in names:
        if name not in lines:
            raise UserError(f"expected rows of {name}, found none")
        writer.writerows(lines[name])
    return text.getvalue()


def save_pages(folder: Path, pages: Iterable[Page], family_of: Mapping[str, str]) -> None:
    """Write ``pages.json``; ``family_of`` holds the family of every metric."""
    families: dict[str, list[str]] = {}
    for metric, family in sorted(family_of.items()):
        families.setdefault(family, []).append(metric)
    entries = {page.name: {"config": page.config, "scores": page.scores} for page in pages}
    write_json(folder / PAGES, {"families": families, "pages": entries})

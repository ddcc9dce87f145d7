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
                                family, by which rows go back to their files; the figures that
                                are stored, and the data sets of each
``evaluator/<data set>/``       card and report card of the judge, its weights if they are small;
                                ``<data set>_plain``, ``<data set>_factors``: the other judges
``panels/``, ``figures/``       what figures show, of data whose images may be published, and their
                                pictures; the learning curves
``models/<data set>/<model>/``  of small models weights, definition and card, a folder per seed; see
                                :mod:`reports.freeze.stored_models`
``submissions/<name>/``         results of a candidate, see :mod:`reports.compare.submission`
=============================== ================================================================
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlvae.config.yaml_files import read_yaml
from dlvae.stage.artefact import read_json, sha256_file
from dlvae.stage.errors import UserError, harmless, nearest
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.stored_files import STORED
from dlvae.stage.text_files import parse_json, read_text
from eval.protocol import Protocol, load_protocol
from eval.rows import COLUMNS, read_rows, read_texts
from reports.freeze.lineage import STAGES
from reports.freeze.machine import ROOT

if TYPE_CHECKING:
    import pandas as pd

SUBMISSIONS = "submissions"
"""Folder of results of candidates, each with an index of its own; see `reports.compare`."""
UNREADABLE = (UserError, OSError, ValueError, KeyError, TypeError, AttributeError)
UNREADABLE += (RecursionError,)
"""What reading damaged stored files can raise."""
Lines = dict[str, list[list[str]]]
"""Score rows as texts, in the order of their file, by the name of that file."""


class Part(StrEnum):
    """Names of the files and folders of stored results."""

    INDEX = "index.json"
    SCORES = "scores.csv"
    CONFIG = "config.yaml"
    PROTOCOL = "protocol.yaml"
    PAGES = "pages.json"
    TABLES = "tables"
    FIGURES = "figures"
    PANELS = "panels"
    MANIFESTS = "manifests"
    EVALUATOR = "evaluator"
    CARD = "card.json"
    REPORT = "report.json"
    SAME_NUMBERS = "same_numbers.json"


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
class Finding:
    """A stored file that is not what it should be.

    Attributes:
        file: relative to the checkout.
        text: what was expected and what was found.
        fix: what to do.
    """

    file: str
    text: str
    fix: str

    def __str__(self) -> str:
        return harmless(f"{self.file}: {self.text}. {self.fix}")


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
        return read_yaml(self.folder / Part.CONFIG, "a stored configuration")

    @cached_property
    def protocol(self) -> Protocol:
        """How the scores were taken, the run's overrides included."""
        bn_eval = self.config.get("bn_eval")
        overrides = {} if bn_eval is None else {"bn_eval": bn_eval}
        return load_protocol(self.folder / Part.PROTOCOL, overrides)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Every score row; see :class:`eval.rows.ScoreRow`.

        Raises:
            UserError: the file is missing, malformed or not the one of the index.
        """
        path, expected = self.folder / Part.SCORES, self.index["files"].get(Part.SCORES, "none")
        rows = read_rows([path])
        if (found := sha256_file(path)) != expected:
            raise UserError(
                f"{path}: expected SHA-256 {expected[:12]}, by {Part.INDEX}, found {found[:12]}; "
                f"restore it with: git checkout -- {path}"
            )
        return rows

    @cached_property
    def pages(self) -> list[Page]:
        """The pages."""
        entries = self._pages["pages"].items()
        return [Page(name, entry["config"], tuple(entry["scores"])) for name, entry in entries]

    @property
    def figures(self) -> dict[str, list[str]]:
        """The figures whose pictures are stored, and the data sets that each shows, in order."""
        return self._pages.get("figures", {})

    @cached_property
    def lines(self) -> Lines:
        """Score rows as texts, by the name of the score file in the run."""
        return lines_of(self.folder / Part.SCORES, self._pages["families"])

    @cached_property
    def _pages(self) -> dict[str, Any]:
        return read_json(self.folder / Part.PAGES)

    @cached_property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """Manifests of all stages whose file is there, by artefact."""
        paths = [self.folder / Part.MANIFESTS / f"{stage}.jsonl" for stage in STAGES]
        lines = [line for path in paths if path.is_file() for line in _lines(path)]
        return {line.pop("artefact"): line for line in lines}

    @property
    def datasets(self) -> list[str]:
        """Image data sets, in the order of the tables."""
        return list(self.config["datasets"])

    def evaluator(self, judge: str) -> Path:
        """Return the folder of a judge: its cards, and its weights if they are small."""
        return self.folder / Part.EVALUATOR / judge

    def has_weights(self, judge: str) -> bool:
        """Whether the weights of a judge are stored, not their hash alone."""
        return f"{Part.EVALUATOR}/{judge}/{WEIGHTS}" in self.index["files"]

    def cards(self) -> dict[str, dict[str, Any]]:
        """Return the report card of every judge by data set."""
        return {name: read_json(self.evaluator(name) / Part.REPORT) for name in self.datasets}

    def finding(self, file: str, text: str, more: str = "", fix: str = "") -> Finding:
        """Return a finding about a stored file, named as from the checkout.

        Args:
            more: what else may help than restoring the file.
            fix: in the place of both.
        """
        folder = self.folder.resolve()
        shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else self.folder
        path = (shown / file).as_posix()
        return Finding(
            path, text, fix or f"Restore it: git checkout -- {path}{more and f'; {more}'}"
        )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines; UserError where it has others."""
    for number, line in enumerate(read_text(path, "manifests").splitlines(), 1):
        try:
            found = parse_json(line)
        except ValueError as error:
            raise UserError(f"{path}: expected a JSON object in line {number}: {error}") from error
        if not isinstance(found, dict) or "artefact" not in found:
            raise UserError(f"{path}: expected a manifest with its artefact in line {number}")
        yield found


def stored_presets(root: Path = STORED) -> list[str]:
    """Return the presets that have stored results."""
    return sorted(path.parent.name for path in root.glob(f"*/{Part.INDEX}"))


def load_stored(preset: str, root: Path = STORED) -> Stored:
    """Open the stored results of a preset.

    Raises:
        UserError: there are none, or their index cannot be read.
    """
    folder, known = root / preset, stored_presets(root)
    if preset not in known:
        raise UserError(
            f"expected stored results of preset '{preset}' in {folder}, with {Part.INDEX}, found "
            f"{'those of ' + ', '.join(known) if known else 'none'}.{nearest(preset, known)} "
            "Make them with: snakemake --cores all freeze; or, if they were there, restore them: "
            f"git checkout -- {folder}"
        )
    return Stored(folder, read_json(folder / Part.INDEX))


def score_names(pages: Iterable[Page]) -> list[str]:
    """Return the score files behind pages, in the order of their rows in ``scores.csv``."""

    def order(name: str) -> tuple[str, str, int, str]:
        dataset, model, file = name.split("/")
        seed, family = file.removeprefix("seed").split(".")
        return dataset, model, int(seed), family

    return sorted({name for page in pages for name in page.scores}, key=order)


def lines_of(path: Path, families: Mapping[str, Sequence[str]]) -> Lines:
    """Return score rows as texts, by the name of the score file that they came from.

    Args:
        families: the metrics of every family of scores.

    Raises:
        UserError: a metric of no family.
    """
    family_of = {metric: family for family, metrics in families.items() for metric in metrics}
    found: Lines = {}
    for line in read_texts(path):
        dataset, model, seed, metric = line[1:5]
        if metric not in family_of:
            raise UserError(f"{path}: expected metrics named beside it, found '{metric}'")
        found.setdefault(f"{dataset}/{model}/seed{seed}.{family_of[metric]}", []).append(line)
    return found


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

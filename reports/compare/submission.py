"""Submissions: results of a candidate, kept beside the stored ones that it was compared with.

``reports/stored/<preset>/submissions/<name>/`` holds, in git:

==================== ===========================================================================
``index.json``       preset, name, data sets, seeds, commit, command, machine, the metrics of every
                     family, SHA-256 of every file and of the index itself
``scores.csv``       the candidate's score rows, by the stored judges, under the stored protocol
``manifests.jsonl``  one line per artefact: what it was made from, with what; trainings, samples,
                     features and scores, and what the search for near-duplicates found
``comparison.csv``   the candidate beside the stored results, as ``compare`` has it
==================== ===========================================================================

Images and weights are known by their hashes. Data and judges are those of the stored results.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from dlvae.candidate import Candidate
from dlvae.stage.artefact import read_json, sha256_file
from dlvae.stage.errors import UserError
from eval.rows import COLUMNS, HASH, read_rows
from reports.compare.comparison import Comparison, Run, beside_stored, tidy
from reports.freeze.checks import index_hash, rows_changed
from reports.freeze.lineage import JUDGE_FOLDERS, OF_STORED, artefact_of, stage_of
from reports.freeze.stored import (
    SUBMISSIONS,
    UNREADABLE,
    Finding,
    Lines,
    Part,
    Stored,
    lines_of,
)

if TYPE_CHECKING:
    import pandas as pd

MANIFESTS, TABLE = "manifests.jsonl", "comparison.csv"
DUPLICATES = "near_duplicates"


@dataclass(frozen=True)
class Submission:
    """A candidate's stored results; every part is read when it is first asked for.

    Attributes:
        folder: ``reports/stored/<preset>/submissions/<name>``.
        stored: the results that it stands beside.
    """

    folder: Path
    stored: Stored

    @cached_property
    def index(self) -> dict[str, Any]:
        """Content of its ``index.json``."""
        return read_json(self.folder / Part.INDEX)

    @property
    def candidate(self) -> Candidate:
        """Who it is; of samples from outside the path is not kept."""
        own = self.index
        samples = None if own["trained"] else Path(own["name"])
        return Candidate(own["name"], samples, tuple(own["datasets"]), tuple(own["seeds"]))

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Its score rows."""
        return read_rows([self.folder / Part.SCORES])

    @cached_property
    def lines(self) -> Lines:
        """Score rows as texts, by the name of the score file."""
        return lines_of(self.folder / Part.SCORES, self.index["families"])

    @cached_property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """Manifests by artefact."""
        text = (self.folder / MANIFESTS).read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        return {line.pop("artefact"): line for line in lines}

    @cached_property
    def comparison(self) -> Comparison:
        """The candidate beside the stored results; see :func:`beside_stored`."""
        who, runs = self.candidate, []
        for run in (f"{d}/{who.name}/seed{s}" for d in who.datasets for s in who.seeds):
            parts = (self.manifests.get(f"{s}/{run}") for s in ("samples", DUPLICATES, "models"))
            dataset, _, seed = run.split("/")
            runs.append(Run(dataset, int(seed.removeprefix("seed")), *parts))
        return beside_stored(self.stored, who, self.rows, runs, {})

    @cached_property
    def misfit(self) -> str:
        """Why it cannot stand beside the stored results any more; an empty text if it can."""
        try:
            judges = self.comparison.judges
        except UNREADABLE as error:
            return str(error)
        pairs = [f"{name} by {here}, stored: {there}" for name, (there, here) in judges.items()]
        return f"judged by other evaluators: {'; '.join(pairs)}" if pairs else ""

    def table(self) -> str:
        """Return the text of ``comparison.csv``."""
        return tidy(self.comparison).to_csv(index=False, lineterminator="\n")

    def finding(self, file: str, text: str) -> Finding:
        """Return a finding about one of its files."""
        place = self.folder.relative_to(self.stored.folder)
        return self.stored.finding((place / file).as_posix(), text, f"or: {self.again}")

    @property
    def again(self) -> str:
        """What submits it again."""
        return f"submit it again: {self.index.get('command', 'snakemake submit')}"


def submissions_of(stored: Stored) -> list[Submission]:
    """Return the submissions beside stored results, in order of name."""
    found = sorted((stored.folder / SUBMISSIONS).glob(f"*/{Part.INDEX}"))
    return [Submission(path.parent, stored) for path in found]


def check_submissions(stored: Stored) -> list[Finding]:
    """Return everything in submissions that contradicts their index, each other or the stored."""
    found: list[Finding] = []
    for own in submissions_of(stored):
        for check in (_files, _rows, _lineage, _table):
            found += _tried(own, check)
    return found


def _tried(own: Submission, check: Callable[[Submission], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of a check, or that damage keeps it from being made."""
    try:
        yield from check(own)
    except UNREADABLE as error:
        said = str(error) if isinstance(error, (UserError, OSError)) else repr(error)
        yield own.finding("", f"{check.__name__.strip('_')}: expected to be readable: {said}")


def _files(own: Submission) -> Iterator[Finding]:
    index = own.index
    if str(index.get("sha256")) != index_hash(index):
        yield own.finding(Part.INDEX, "content: expected the SHA-256 that it names, found another")
    present = {path.name for path in own.folder.iterdir()} - {Part.INDEX}
    for name in sorted(present | set(index["files"])):
        path = own.folder / name
        expected = index["files"].get(name, "no such file")
        found = sha256_file(path) if path.is_file() else "none"
        if found != expected:
            yield own.finding(name, f"expected SHA-256 {expected[:HASH]}, found {found[:HASH]}")


def _rows(own: Submission) -> Iterator[Finding]:
    """Hold the rows against the manifests, the index and the stored results."""
    if changed := rows_changed(own.lines, own.manifests):
        said = f"expected the rows of {', '.join(changed)} as their manifests know them"
        yield own.finding(Part.SCORES, f"{said}, found others")
    index, at = own.index, {name: COLUMNS.index(name) for name in ("dataset", "seed", "samples")}
    expected = {(d, str(s)) for d in index["datasets"] for s in index["seeds"]}
    lines = [line for rows in own.lines.values() for line in rows]
    found = {(line[at["dataset"]], line[at["seed"]]) for line in lines}
    if names := {line[COLUMNS.index("model")] for line in lines} - {index["name"]}:
        yield own.finding(Part.SCORES, f"expected rows of {index['name']}, found {sorted(names)}")
    if found != expected:
        said = f"expected rows of {sorted(expected)}, found those of {sorted(found)}"
        yield own.finding(Part.SCORES, said)
    for dataset, seed in sorted(found):
        artefact = f"samples/{dataset}/{index['name']}/seed{seed}"
        content = own.manifests.get(artefact, {}).get("content", "none")
        here = [row for row in lines if [row[at["dataset"]], row[at["seed"]]] == [dataset, seed]]
        named = {row[at["samples"]] for row in here}
        if named != {content[:HASH]}:
            said = f"expected scores of the samples {content[:HASH]}, found those of "
            yield own.finding(Part.SCORES, f"{dataset}, seed {seed}: {said}{sorted(named)}")
    if own.misfit:
        yield own.finding(Part.SCORES, own.misfit)


def _lineage(own: Submission) -> Iterator[Finding]:
    """Follow the rows to samples, trainings, and the stored data and judges."""
    readers = {f"scores{OF_STORED}/{name}": "its rows" for name in own.lines}
    for artefact, manifest in sorted(own.manifests.items()):
        for entry in manifest.get("inputs", {}).values():
            if (source := artefact_of(entry["path"])) is None:
                continue
            file, judge = PurePosixPath(entry["path"]).name, stage_of(source) in JUDGE_FOLDERS
            # The copy of a stored judge that a comparison makes is called after it.
            where = own.stored.manifests if judge else own.manifests
            known = where.get(source.replace(OF_STORED, "") if judge else source)
            if known is None:
                readers.setdefault(source, artefact)
            elif known["files"].get(file) != entry["sha256"]:
                said = f"expected {entry['path']} as {artefact} read it, {entry['sha256'][:HASH]}"
                text = f"{said}, found {str(known['files'].get(file))[:HASH]}"
                yield own.finding(MANIFESTS, text)
    for artefact, reader in sorted(readers.items()):
        if artefact not in own.manifests:
            said = f"expected the manifest of {artefact}, which {reader} rest on, found none"
            yield own.finding(MANIFESTS, said)


def _table(own: Submission) -> Iterator[Finding]:
    if not own.misfit and (own.folder / TABLE).read_text(encoding="utf-8") != own.table():
        yield own.finding(TABLE, "expected the table that follows from the rows, found another")


def must_fit(own: Submission) -> None:
    """Refuse a submission that cannot stand beside the stored results.

    Raises:
        UserError: it is judged by others, of other data or protocol, or called like a stored model.
    """
    name, models = own.index["name"], own.stored.config["models"]
    if name in models:
        raise UserError(
            f"'{name}' is one of the models of the stored results ({', '.join(models)}): expected "
            "a candidate of another name; new results of these are stored with snakemake freeze"
        )
    if own.misfit:
        raise UserError(
            f"{name}: expected scores that can stand beside the stored ones, found: {own.misfit}"
        )

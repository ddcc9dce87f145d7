"""Checks of stored results against their hashes and against each other; nothing is recomputed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from dlvae.config import canonical
from dlvae.stage.artefact import read_json, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from eval.rows import AND, HASH, NONE, PLAIN, by_plain, first_hash, read_rows
from reports.claims.claim_metrics import REAL
from reports.freeze.lineage import STAGES, gaps, stage_of
from reports.freeze.machine import ROOT
from reports.freeze.pages import (
    Lines,
    Page,
    load_pages,
    score_artefacts,
    scores_text,
    split_scores,
)
from reports.freeze.stored import (
    EVALUATOR,
    INDEX,
    MANIFESTS,
    PROTOCOL,
    REPORT,
    SCORES,
    UNREADABLE,
    Stored,
)
from reports.names import as_published

CARD = "card.json"
SHOWN = 5  # findings of one check; the others are counted


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
        return f"{self.file}: {self.text}. {self.fix}"


@dataclass(frozen=True)
class Content:
    """Stored results, opened for checks; every part is read when it is first asked for."""

    stored: Stored

    @property
    def folder(self) -> Path:
        """``reports/stored/<preset>``."""
        return self.stored.folder

    def finding(self, file: str, text: str, fix: str = "") -> Finding:
        """Return a finding about a stored file, named as from the checkout."""
        folder, root = self.folder.resolve(), ROOT.resolve()
        shown = folder.relative_to(root) if folder.is_relative_to(root) else self.folder
        path = (shown / file).as_posix()
        return Finding(path, text, fix or f"Restore it: git checkout -- {path}")

    @cached_property
    def _pages(self) -> tuple[list[Page], dict[str, str]]:
        return load_pages(self.folder)

    @property
    def pages(self) -> list[Page]:
        """The stored pages."""
        return self._pages[0]

    @cached_property
    def lines(self) -> Lines:
        """Score rows as texts, by the name of the score file in the run."""
        return split_scores(self.folder / SCORES, self._pages[1])

    @cached_property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """Manifests of all stages whose file is there, by artefact."""
        found: dict[str, dict[str, Any]] = {}
        for stage in STAGES:
            if (self.folder / MANIFESTS / f"{stage}.jsonl").is_file():
                found |= self.stored.manifests(stage)
        return found

    def card(self, judge: str) -> dict[str, Any]:
        """Return the card of an evaluator or factor regressor."""
        return read_json(self.folder / EVALUATOR / judge / CARD)

    def has_card(self, judge: str) -> bool:
        """Whether there is such a judge."""
        return (self.folder / EVALUATOR / judge / CARD).is_file()


def check(content: Content, root: Path = ROOT) -> list[Finding]:
    """Return everything in stored results that contradicts their index or each other.

    Args:
        root: of the checkout, for the files beside.
    """
    checks = (files, partial(beside, root=root), protocol, judges, lineage, score_files, rows)
    return [finding for one in checks for finding in tried(content, one)]


def index_hash(index: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an index, its own entry ``sha256`` aside."""
    entries = {key: value for key, value in index.items() if key != "sha256"}
    return hashlib.sha256(canonical(entries).encode()).hexdigest()


def files(content: Content) -> Iterator[Finding]:
    """Compare the files with ``index.json``: changed, missing, not listed, or the index itself."""
    index, folder = content.stored.index, content.folder
    if index.get("sha256") != index_hash(index):
        found = index_hash(index)[:HASH]
        yield content.finding(
            INDEX, f"expected content of SHA-256 {str(index.get('sha256'))[:HASH]}, found {found}"
        )
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name, expected in index["files"].items():
        if name not in present:
            yield content.finding(name, "expected this file, found none")
        elif (found := sha256_file(folder / name)) != expected:
            yield content.finding(name, f"expected SHA-256 {expected[:HASH]}, found {found[:HASH]}")
    for name in sorted(present - {INDEX, *index["files"]}):
        yield content.finding(
            name, f"expected no file that {INDEX} does not list", f"Remove it: rm {folder / name}"
        )


def beside(content: Content, root: Path) -> Iterator[Finding]:
    """Compare the files that the pages rest on and that lie elsewhere: published numbers, rules."""
    index = content.stored.index
    for name, expected in index["beside"].items():
        path = root / name
        found = sha256_file(path)[:HASH] if path.is_file() else "no file"
        if found != expected[:HASH]:
            yield Finding(
                name,
                f"expected SHA-256 {expected[:HASH]}, as at the freezing, found {found}",
                f"Restore it: git checkout -- {name}; if it was meant: "
                f"python -m reports.freeze.repage --preset {content.stored.preset}",
            )


def protocol(content: Content) -> Iterator[Finding]:
    """Compare what the stored protocol says with the identity that the index names."""
    expected, found = content.stored.index["protocol"], content.stored.protocol.label
    if found != expected:
        yield content.finding(PROTOCOL, f"expected protocol {expected}, found {found}")


def judges(content: Content) -> Iterator[Finding]:
    """Compare the weights of every judge, stored or known by hash, with its cards."""
    named = [name for name in content.manifests if stage_of(name) == EVALUATOR]
    for artefact in named:
        card, folder = read_json(content.folder / artefact / CARD), content.folder / artefact
        expected = card["weights_sha256"]
        known = {f"{MANIFESTS}/evaluator.jsonl": content.manifests[artefact]["files"][WEIGHTS]}
        if (folder / WEIGHTS).is_file():
            known[f"{artefact}/{WEIGHTS}"] = sha256_file(folder / WEIGHTS)
        if (folder / REPORT).is_file():
            known[f"{artefact}/{REPORT}"] = read_json(folder / REPORT)["weights_sha256"]
        for file, found in known.items():
            if found != expected:
                yield content.finding(
                    file,
                    f"expected weights {expected[:HASH]}, by {artefact}/{CARD}, found "
                    f"{found[:HASH]}",
                )


def lineage(content: Content) -> Iterator[Finding]:
    """Look for the manifest of everything behind the scores, and for links that do not fit."""
    missing: dict[str, list[str]] = {}
    for artefact, text in gaps(content.manifests, score_artefacts(content.pages)):
        file = f"{MANIFESTS}/{stage_of(artefact)}.jsonl"
        if not (content.folder / file).is_file():
            continue  # named already, as a whole
        missing.setdefault(file, []).append(text)
    for file, texts in missing.items():
        for text in texts[:SHOWN]:
            yield content.finding(file, text)
        if len(texts) > SHOWN:
            yield content.finding(file, f"and {len(texts) - SHOWN} more such")


def score_files(content: Content) -> Iterator[Finding]:
    """Compare the rows of every score file of the run with the hash in its manifest."""
    changed = []
    for name, rows_of_file in content.lines.items():
        manifest = content.manifests.get(f"scores/{name}")
        if manifest is None:
            continue  # a gap of the lineage
        (expected,) = manifest["files"].values()
        text = scores_text({name: rows_of_file}, [name])
        if hashlib.sha256(text.encode()).hexdigest() != expected:
            changed.append(name)
    if changed:
        shown = ", ".join(changed[:SHOWN]) + (" ..." if len(changed) > SHOWN else "")
        yield content.finding(
            SCORES,
            f"expected the rows of {shown} as their manifests know them, found others, in "
            f"{len(changed)} of {len(content.lines)} score files",
        )


def rows(content: Content) -> Iterator[Finding]:
    """Compare what every row says of its origin with protocol, judges and manifests."""
    frame = read_rows([content.folder / SCORES])
    frame["plain"] = frame["metric"].map(by_plain)
    columns = [*"preset protocol precision evaluator samples data".split()]
    keys = ["dataset", "model", "seed", "plain"]
    for row in frame[keys + columns].drop_duplicates().to_dict("records"):
        name = "/".join([row["dataset"], row["model"], f"seed{row['seed']}"])
        for column, expected in _origin(content, row).items():
            found = row[column].split(AND) if column == "evaluator" else [row[column]]
            found = [first_hash(text) for text in found] if column == "data" else found
            if not set(found) <= expected:
                yield content.finding(
                    SCORES,
                    f"rows of {name}: expected {column} {' or '.join(sorted(expected))}, "
                    f"found {row[column]}",
                )


def _origin(content: Content, row: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return what the columns of a row may hold, as far as manifests and cards are there."""
    from eval.scores.common import data_hash  # here: it imports torch

    dataset, model = row["dataset"], row["model"]
    known = content.manifests
    origin = {"preset": {content.stored.preset}, "protocol": {content.stored.index["protocol"]}}
    judges = [f"{dataset}_{PLAIN}"] if row["plain"] else [dataset, f"{dataset}_factors"]
    cards = [content.card(name) for name in judges if content.has_card(name)]
    origin["evaluator"] = {NONE, *(card["weights_sha256"][:HASH] for card in cards)}
    data = known.get(f"data/{dataset}")
    if data is not None:
        origin["data"] = {data_hash({"sha256": data["outputs"]})}
    run, semi = (f"{dataset}/{name}/seed{row['seed']}" for name in (model, f"{model}_semi"))
    if model == REAL:
        origin["precision"] = {NONE}
        scored = list(data["outputs"].values()) if data is not None else []
    elif f"models/{run}" in known:
        # Of the training: priors are fitted in fp32 always.
        trained = known.get(f"models/{dataset}/{as_published(model)}/seed{row['seed']}")
        origin["precision"] = {str((trained or known[f"models/{run}"])["precision"])}
        folders = (f"models/{run}", f"models/{semi}", f"curves/{run}")
        models = [known[name] for name in folders if name in known]
        scored = [sha for manifest in models for sha in manifest["files"].values()]
    else:
        return origin  # a gap of the lineage
    if f"samples/{run}" in known:
        scored.append(known[f"samples/{run}"]["content"])
    elif model != REAL and dataset in content.stored.datasets:
        return origin  # another gap; toy models are not sampled
    if scored:
        origin["samples"] = {sha[:HASH] for sha in scored}
    return origin


def tried(content: Content, one: Callable[[Content], Iterator[Finding]]) -> list[Finding]:
    """Return the findings of a check, or that damage keeps it from being made."""
    found: list[Finding] = []
    try:
        found += one(content)
    except UNREADABLE as error:
        said = str(error) if isinstance(error, (UserError, OSError)) else repr(error)
        found.append(content.finding("", f"{_name(one)}: expected to be readable, found: {said}"))
    return found


def _name(check: Callable) -> str:
    return (check.func if isinstance(check, partial) else check).__name__.replace("_", " ")

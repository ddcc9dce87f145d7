"""Checks of stored results against their hashes, each other and the configuration.

Nothing is recomputed. :func:`check` holds everything against ``index.json`` and the parts against
each other; :func:`complete` does not ask the index, which agrees with whatever is there once it is
written anew: it goes out from ``config.yaml``. What only git's history can show, another number
with every hash and page made to fit, neither can.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dlvae.config.preset import canonical
from dlvae.stage.artefact import read_json, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from eval.rows import AND, HASH, NONE, PLAIN, by_plain, first_hash, read_rows
from eval.score_request import data_hash
from reports.freeze.lineage import STAGES, gaps, stage_of
from reports.freeze.machine import ROOT
from reports.freeze.stored import (
    BESIDE,
    CARD,
    CONFIG,
    EVALUATOR,
    INDEX,
    MANIFESTS,
    PAGES,
    PROTOCOL,
    REPORT,
    SCORES,
    TABLES,
    UNREADABLE,
    Stored,
    score_artefacts,
    score_names,
    scores_text,
)
from reports.names import as_published, forms_of

REAL = "real"
SHOWN = 5  # names in one finding, and findings of one file; the others are counted
STUDIES = {"ablations": "ablations", "curves": "learning_curves"}
"""Pages by the section of the configuration that asks for them."""


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


def finding(stored: Stored, file: str, text: str, more: str = "", fix: str = "") -> Finding:
    """Return a finding about a stored file, named as from the checkout.

    Args:
        more: what else may help than restoring the file.
        fix: in the place of that.
    """
    folder, root = stored.folder.resolve(), ROOT.resolve()
    shown = folder.relative_to(root) if folder.is_relative_to(root) else stored.folder
    path = (shown / file).as_posix()
    restore = f"Restore it: git checkout -- {path}"
    return Finding(path, text, fix or (f"{restore}; {more}" if more else restore))


def check(stored: Stored, root: Path = ROOT) -> list[Finding]:
    """Return everything in stored results that contradicts their index or each other.

    Args:
        root: of the checkout, for the files beside.
    """
    checks = (files, partial(beside, root=root), protocol, judges, lineage, score_files, rows)
    return [found for one in checks for found in tried(stored, one)]


def tried(stored: Stored, one: Callable[[Stored], Iterable[Finding]]) -> list[Finding]:
    """Return the findings of a check, or that damage keeps it from being made."""
    found: list[Finding] = []
    try:
        found += one(stored)
    except UNREADABLE as error:
        said = str(error) if isinstance(error, (UserError, OSError)) else repr(error)
        name = (one.func if isinstance(one, partial) else one).__name__.replace("_", " ")
        found.append(finding(stored, "", f"{name}: expected to be readable, found: {said}"))
    return found


def index_hash(index: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an index, its own entry ``sha256`` aside."""
    entries = {key: value for key, value in index.items() if key != "sha256"}
    return hashlib.sha256(canonical(entries).encode()).hexdigest()


def files(stored: Stored) -> Iterator[Finding]:
    """Compare the files with ``index.json``: changed, missing, not listed, or the index itself."""
    index, folder = stored.index, stored.folder
    if index.get("sha256") != (found := index_hash(index)):
        said = (
            f"expected content of SHA-256 {str(index.get('sha256'))[:HASH]}, found {found[:HASH]}"
        )
        yield finding(stored, INDEX, said)
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name, expected in index["files"].items():
        if name not in present:
            yield finding(stored, name, "expected this file, found none")
        elif (found := sha256_file(folder / name)) != expected:
            yield finding(stored, name, _hashes(expected, found))
    for name in sorted(present - {INDEX, *index["files"]}):
        said = f"expected no file that {INDEX} does not list"
        yield finding(stored, name, said, fix=f"Remove it: rm {folder / name}")


def beside(stored: Stored, root: Path) -> Iterator[Finding]:
    """Compare the files that the pages rest on and that lie elsewhere: published numbers, rules."""
    again = f"python -m reports.freeze.remake --preset {stored.preset}"
    for name, expected in stored.index["beside"].items():
        found = sha256_file(root / name) if (root / name).is_file() else "no file"
        if found != expected:
            fix = f"Restore it: git checkout -- {name}; if it was meant: {again}"
            yield Finding(name, _hashes(expected, found), fix)


def protocol(stored: Stored) -> Iterator[Finding]:
    """Compare what the stored protocol says with the identity that the index names."""
    expected, found = stored.index["protocol"], stored.protocol.label
    if found != expected:
        yield finding(stored, PROTOCOL, f"expected protocol {expected}, found {found}")


def judges(stored: Stored) -> Iterator[Finding]:
    """Compare the weights of every judge, stored or known by hash, with its cards."""
    for artefact, manifest in stored.every_manifest.items():
        if stage_of(artefact) != EVALUATOR:
            continue
        folder = stored.folder / artefact
        expected = read_json(folder / CARD)["weights_sha256"]
        known = {f"{MANIFESTS}/{EVALUATOR}.jsonl": manifest["files"][WEIGHTS]}
        if (folder / WEIGHTS).is_file():
            known[f"{artefact}/{WEIGHTS}"] = sha256_file(folder / WEIGHTS)
        if (folder / REPORT).is_file():
            known[f"{artefact}/{REPORT}"] = read_json(folder / REPORT)["weights_sha256"]
        for file, found in known.items():
            if found != expected:
                said = f"expected weights {expected[:HASH]}, by {artefact}/{CARD}"
                yield finding(stored, file, f"{said}, found {found[:HASH]}")


def lineage(stored: Stored) -> Iterator[Finding]:
    """Look for the manifest of everything behind the scores, and for links that do not fit."""
    wrong: dict[str, list[str]] = {}
    for artefact, text in gaps(stored.every_manifest, score_artefacts(stored.pages)):
        wrong.setdefault(f"{MANIFESTS}/{stage_of(artefact)}.jsonl", []).append(text)
    for file, texts in wrong.items():
        if not (stored.folder / file).is_file():
            continue  # named already, as a whole
        for text in texts[:SHOWN]:
            yield finding(stored, file, text)
        if len(texts) > SHOWN:
            yield finding(stored, file, f"and {len(texts) - SHOWN} more such")


def score_files(stored: Stored) -> Iterator[Finding]:
    """Compare the rows of every score file of the run with the hash in its manifest."""
    changed = []
    for name in stored.lines:
        manifest = stored.every_manifest.get(f"scores/{name}")
        if manifest is None:
            continue  # a gap of the lineage
        text = scores_text(stored.lines, [name])
        if [hashlib.sha256(text.encode()).hexdigest()] != [*manifest["files"].values()]:
            changed.append(name)
    if changed:
        said = f"expected the rows of {_listed(changed)} as their manifests know them, found others"
        yield finding(
            stored, SCORES, f"{said}, in {len(changed)} of {len(stored.lines)} score files"
        )


def rows(stored: Stored) -> Iterator[Finding]:
    """Compare what every row says of its origin with protocol, judges and manifests."""
    frame = read_rows([stored.folder / SCORES])
    frame["plain"] = frame["metric"].map(by_plain)
    columns = ["preset", "protocol", "precision", "evaluator", "samples", "data"]
    keys = ["dataset", "model", "seed", "plain"]
    for row in frame[keys + columns].drop_duplicates().to_dict("records"):
        name = f"{row['dataset']}/{row['model']}/seed{row['seed']}"
        for column, expected in _origin(stored, row).items():
            found = row[column].split(AND) if column == "evaluator" else [row[column]]
            found = [first_hash(text) for text in found] if column == "data" else found
            if not set(found) <= expected:
                said = f"rows of {name}: expected {column} {' or '.join(sorted(expected))}"
                yield finding(stored, SCORES, f"{said}, found {row[column]}")


def _origin(stored: Stored, row: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return what the columns of a row may hold, as far as manifests and cards are there."""
    dataset, model, known = row["dataset"], row["model"], stored.every_manifest
    origin = {"preset": {stored.preset}, "protocol": {stored.index["protocol"]}}
    own = [f"{dataset}_{PLAIN}"] if row["plain"] else [dataset, f"{dataset}_factors"]
    cards = [stored.evaluator(judge) / CARD for judge in own]
    hashes = (read_json(path)["weights_sha256"][:HASH] for path in cards if path.is_file())
    origin["evaluator"] = {NONE, *hashes}
    splits = known[f"data/{dataset}"]["outputs"] if f"data/{dataset}" in known else {}
    if splits:
        origin["data"] = {data_hash({"sha256": splits})}
    run, semi = (f"{dataset}/{name}/seed{row['seed']}" for name in (model, f"{model}_semi"))
    if model == REAL:
        scored = list(splits.values())
        origin["precision"] = {NONE}
    elif f"models/{run}" in known:
        # Of the training: priors are fitted in fp32 always.
        trained = known.get(f"models/{dataset}/{as_published(model)}/seed{row['seed']}")
        origin["precision"] = {str((trained or known[f"models/{run}"])["precision"])}
        folders = (f"models/{run}", f"models/{semi}", f"curves/{run}")
        models = [known[name] for name in folders if name in known]
        scored = [sha for manifest in models for sha in manifest["files"].values()]
        if f"samples/{run}" in known:
            scored.append(known[f"samples/{run}"]["content"])
        elif dataset in stored.datasets:
            return origin  # a gap of the lineage; toy models are not sampled
    else:
        return origin  # another gap
    return origin | ({"samples": {sha[:HASH] for sha in scored}} if scored else {})


# --- Whatever the index says ---------------------------------------------------------------------


def complete(stored: Stored) -> Iterator[Finding]:
    """Yield what is missing from stored results, and rows that nothing asks for.

    Every model and seed of the configuration stands in the first table of every data set, every
    row is one that a page reads, and the index lists every file that there must be.
    """
    index, config, headline = stored.index, stored.config, f"{TABLES}/table1"
    expected = [SCORES, PAGES, CONFIG, PROTOCOL, *(f"{MANIFESTS}/{s}.jsonl" for s in STAGES)]
    for name in [*expected, *(file for page in stored.pages for file in page.files)]:
        if name not in index["files"]:
            yield finding(stored, name, f"expected this file in {INDEX}, found none")
    for name in BESIDE:
        if name not in index["beside"]:
            said = f"expected the hash of {name} under 'beside', found none"
            yield finding(stored, INDEX, said)
    pages = {page.name: page for page in stored.pages}
    for section, page in STUDIES.items():
        if config.get(section) and page not in pages:
            said = f"expected the page {page}, as {CONFIG} has the section {section}, found none"
            yield finding(stored, PAGES, said)
    models = forms_of(config["models"], config.get("fitted", []))
    runs = [("real", 0), *((model, seed) for model in models for seed in config["seeds"])]
    ending = ".inception"
    asked = {f"{d}/{m}/seed{seed}{ending}" for d in config["datasets"] for m, seed in runs}
    read = pages[headline].scores if headline in pages else ()
    found = {name for name in read if name.endswith(ending)}
    for kind, names in (("missing", asked - found), ("not in it", found - asked)):
        if names:
            said = f"expected scores of every data set, model and seed of {CONFIG} in {headline}"
            yield finding(stored, PAGES, f"{said}, {kind}: {_listed(names)}")
    if unread := set(stored.lines) - set(score_names(stored.pages)):
        said = f"expected rows that a page reads, found also {_listed(unread)}"
        yield finding(stored, SCORES, said)


def _hashes(expected: str, found: str) -> str:
    return f"expected SHA-256 {expected[:HASH]}, found {found[:HASH]}"


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return f"{', '.join(shown[:SHOWN])}{more}"

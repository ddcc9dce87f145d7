"""Checks of stored results against their hashes, each other and the configuration.

Nothing is recomputed. :func:`files` asks ``index.json``; the other checks do not, since an index
that was written anew agrees with whatever is there. What only git's history can show, another
number with every hash and page made to fit, none of them can.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from dlvae.config.preset import canonical
from dlvae.stage.artefact import sha256_file, write_json
from dlvae.stage.errors import UserError
from eval.rows import AND, COLUMNS, HASH, NONE, data_hash, first_hash
from reports.freeze.evidence import unfounded
from reports.freeze.lineage import artefact_of, stage_of
from reports.freeze.machine import ROOT
from reports.freeze.stored import (
    SUBMISSIONS,
    UNREADABLE,
    Finding,
    Lines,
    Part,
    Stored,
    score_names,
    scores_text,
)
from reports.freeze.stored_models import MODELS, wrong_cards
from reports.names import forms_of

BESIDE = ("reports/published.csv", "reports/claims.yaml")
"""Files elsewhere that pages rest on; a shipped protocol is one too."""
COPIED = (Part.EVALUATOR, Part.PANELS)
"""Stages of which files are stored, not their hashes alone."""
SHOWN = 5  # names in one finding; the others are counted
STUDIES = {"ablations": "ablations", "curves": "learning_curves"}
"""Pages by the section of the configuration that asks for them."""


def check(stored: Stored, root: Path = ROOT) -> list[Finding]:
    """Return everything in stored results that contradicts their index or each other.

    Args:
        root: of the checkout, for the files beside.
    """
    found = [*tried(stored, files), *tried(stored, beside, root), *tried(stored, contents)]
    found += [*tried(stored, lineage), *tried(stored, complete)]
    return [*found, *tried(stored, unfounded), *tried(stored, wrong_cards)]


def tried(stored: Stored, one: Callable[..., Iterable[Finding]], *more: Path) -> list[Finding]:
    """Return the findings of a check, or that damage keeps it from being made."""
    found: list[Finding] = []
    try:
        found += one(stored, *more)
    except UNREADABLE as error:
        said = str(error) if isinstance(error, (UserError, OSError)) else repr(error)
        found.append(stored.finding("", f"{one.__name__}: expected to be readable, found: {said}"))
    return found


def index_hash(index: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an index, its own entry ``sha256`` aside."""
    entries = {key: value for key, value in index.items() if key != "sha256"}
    return hashlib.sha256(canonical(entries).encode()).hexdigest()


def write_index(
    out: Path, entries: Mapping[str, Any], beside: Iterable[Path], root: Path = ROOT
) -> None:
    """Write ``index.json``: the hash of every file, of those beside, and of the index itself.

    Args:
        entries: what it holds besides, the commit, command, machine and protocol.
        beside: files elsewhere that the pages rest on.
        root: of the checkout, from which they are named.
    """
    paths = [out / name for name in sorted(_own_files(out)) if name != Part.INDEX]
    index = {
        **entries,
        "preset": Stored(out, {}).config["preset"],
        "files": {path.relative_to(out).as_posix(): sha256_file(path) for path in paths},
        "beside": {path.relative_to(root).as_posix(): sha256_file(path) for path in beside},
    }
    write_json(out / Part.INDEX, index | {"sha256": index_hash(index)})


def files(stored: Stored) -> Iterator[Finding]:
    """Compare the files with ``index.json``: changed, missing, not listed, or the index itself."""
    index, folder = stored.index, stored.folder
    if (expected := str(index.get("sha256"))) != (found := index_hash(index)):
        yield stored.finding(Part.INDEX, f"content: {_hashes(expected, found)}")
    present = _own_files(folder)
    for name in sorted({*present, *index["files"]} - {Part.INDEX}):
        if name not in index["files"]:
            said = f"expected no file that {Part.INDEX} does not list"
            yield stored.finding(name, said, fix=f"Remove it: rm {folder / name}")
        elif name not in present:
            yield stored.finding(name, "expected this file, found none")
        elif (found := sha256_file(folder / name)) != (expected := index["files"][name]):
            yield stored.finding(name, _hashes(expected, found))


def beside(stored: Stored, root: Path) -> Iterator[Finding]:
    """Compare the files that the pages rest on and that lie elsewhere: published numbers, rules."""
    again = f"python -m reports.freeze.remake --preset {stored.preset}"
    known = stored.index["beside"]
    for name in sorted({*BESIDE, *known}):
        expected = known.get(name, "none")
        found = sha256_file(root / name) if (root / name).is_file() else "no file"
        if found != expected:
            fix = f"Restore it: git checkout -- {name}; if it was meant: {again}"
            yield Finding(name, _hashes(expected, found), fix)


def contents(stored: Stored) -> Iterator[Finding]:
    """Compare the rows of every score file, and the judges, with the hashes in their manifests."""
    changed = rows_changed(stored.lines, stored.manifests)
    for artefact, manifest in stored.manifests.items():
        stage = stage_of(artefact)
        kept = manifest["files"] if stage in (*COPIED, MODELS) else {}
        for file, expected in kept.items():
            path = stored.folder / artefact / file
            if path.is_file() and (found := sha256_file(path)) != expected:
                said = f"{_hashes(expected, found)}, by {Part.MANIFESTS}/{stage}.jsonl"
                yield stored.finding(f"{artefact}/{file}", said)
    if changed:
        said = f"expected the rows of {_listed(changed)} as their manifests know them, found others"
        said += f", in {len(changed)} of {len(stored.lines)} score files"
        yield stored.finding(Part.SCORES, said)


def rows_changed(lines: Lines, manifests: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the score files whose rows have not the hash in the manifest of the file."""
    changed = []
    for artefact, manifest in manifests.items():
        name = artefact.partition("/")[2]
        if stage_of(artefact) == "scores" and name in lines:
            text = scores_text(lines, [name])
            if [hashlib.sha256(text.encode()).hexdigest()] != [*manifest["files"].values()]:
                changed.append(name)
    return changed


def families_of_rows(lines: Lines) -> dict[str, list[str]]:
    """Return the metrics of every family, by which rows go back to their files.

    Raises:
        UserError: a metric of two families.
    """
    family_of: dict[str, str] = {}
    for name, rows in lines.items():
        family = name.rpartition(".")[2]
        for metric in (row[4] for row in rows):
            if family_of.setdefault(metric, family) != family:
                raise UserError(
                    f"scores/{name}.csv: expected metrics of the family {family} alone, found "
                    f"{metric}, which {family_of[metric]} measures too"
                )
    found: dict[str, list[str]] = {}
    for metric, family in sorted(family_of.items()):
        found.setdefault(family, []).append(metric)
    return found


def lineage(stored: Stored) -> Iterator[Finding]:
    """Follow the rows to all that they were made from.

    Everything behind them must have its manifest, and be the file that was read.
    """
    known, wrong = stored.manifests, []
    readers = {f"scores/{name}": "its rows" for name in [*score_names(stored.pages), *stored.lines]}
    for artefact, manifest in sorted(known.items()):
        for entry in manifest["inputs"].values():
            if (source := artefact_of(entry["path"])) is None:
                continue
            readers.setdefault(source, artefact)
            found = known.get(source, {}).get("files", {}).get(PurePosixPath(entry["path"]).name)
            if source in known and found != entry["sha256"]:
                read = f"expected {entry['path']} as {artefact} read it"
                said = f"{read}, {entry['sha256'][:HASH]}, found {str(found)[:HASH]}"
                wrong.append((source, said))
    wrong += [
        (artefact, f"expected the manifest of {artefact}, which {reader} rest on, found none")
        for artefact, reader in sorted(readers.items())
        if artefact not in known
    ]
    texts: dict[str, list[str]] = {}
    for artefact, text in wrong:
        texts.setdefault(f"{Part.MANIFESTS}/{stage_of(artefact)}.jsonl", []).append(text)
    for file, (first, *more) in texts.items():
        yield stored.finding(file, f"{first}{f'; and {len(more)} more such' if more else ''}")
    if not wrong:
        yield from origins(stored)


def origins(stored: Stored) -> Iterator[Finding]:
    """Compare the hashes that rows name with those of what their score files were made from."""

    @cache
    def behind(artefact: str) -> set[str]:
        manifest = stored.manifests[artefact]
        found = {*manifest["files"].values(), manifest.get("content", "")}
        if stage_of(artefact) == "data":
            splits = manifest["outputs"]
            found |= {*splits.values(), data_hash({"sha256": splits})}
        for entry in manifest["inputs"].values():
            if source := artefact_of(entry["path"]):
                found |= behind(source)
        return {text[:HASH] for text in found}

    columns = [COLUMNS.index(name) for name in ("evaluator", "samples", "data")]
    for name, lines in stored.lines.items():
        for evaluator, samples, data in {tuple(line[k] for k in columns) for line in lines}:
            named = {*evaluator.split(AND), samples, first_hash(data)} - {NONE}
            if unknown := named - behind(f"scores/{name}"):
                said = f"rows of {name}: expected hashes of what they were made from"
                yield stored.finding(Part.SCORES, f"{said}, found {_listed(unknown)}")


def complete(stored: Stored) -> Iterator[Finding]:
    """Look for what the configuration asks for: every model and seed, the pages of its studies."""
    config, pages, headline = stored.config, {p.name: p for p in stored.pages}, "tables/table1"
    for section, page in STUDIES.items():
        if config.get(section) and page not in pages:
            said = f"expected the page {page}, as {Part.CONFIG} has the section {section}"
            yield stored.finding(Part.PAGES, f"{said}, found none")
    models = forms_of(config["models"], config.get("fitted", []))
    runs = [("real", 0), *((model, seed) for model in models for seed in config["seeds"])]
    ending = ".inception"
    asked = {f"{d}/{m}/seed{seed}{ending}" for d in config["datasets"] for m, seed in runs}
    read = pages[headline].scores if headline in pages else ()
    found = {name for name in read if name.endswith(ending)}
    for kind, names in (("missing", asked - found), ("not in it", found - asked)):
        if names:
            said = f"expected scores of every data set, model and seed of {Part.CONFIG}"
            yield stored.finding(Part.PAGES, f"{said} in {headline}, {kind}: {_listed(names)}")


def _own_files(folder: Path) -> set[str]:
    """Return the names of all files but those of submissions, which have an index of their own."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in files if path.parts[0] != SUBMISSIONS}


def _hashes(expected: str, found: str) -> str:
    return f"expected SHA-256 {expected[:HASH]}, found {found[:HASH]}"


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return f"{', '.join(shown[:SHOWN])}{more}"

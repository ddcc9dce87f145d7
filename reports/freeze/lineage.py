"""Where scores come from: every artefact behind them, by the manifests of the run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from dlvae.stage.artefact import load_samples, read_json, sha256_arrays, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import DEFINITION, SNAPSHOTS, WEIGHTS
from eval.rows import HASH, PLAIN

# Artefacts of the first stages are folders, those of the others are files. Scores of what training
# cost read its manifest, which is therefore a file of a model.
MODEL_FILES = (WEIGHTS, DEFINITION, SNAPSHOTS, "manifest.json")
FOLDERS = {
    "data": ("train.npz", "test.npz", "heldout.npz", "card.json"),
    "evaluator": (WEIGHTS, "card.json"),
    "models": MODEL_FILES,
    "curves": MODEL_FILES,
}
FILES = {"samples": ".npz", "features": ".npz", "scores": ".csv"}
STAGES = (*FOLDERS, *FILES)
# Keys of a configuration that name folders of the machine.
LOCAL_KEYS = ("root", "data_root", "unlabelled_root", "imagenet_weights")
ABSOLUTE = re.compile(r"^(/|~|[A-Za-z]:[\\/]|\\\\)")


def stage_of(artefact: str) -> str:
    """Return the stage of an artefact; one by the plain judge has the same."""
    return artefact.partition("/")[0].removesuffix(f"_{PLAIN}")


def artefact_of(path: str) -> str | None:
    """Return the artefact that a file of the results belongs to, None where it is none of theirs.

    Args:
        path: relative to the folder of the results.
    """
    stage, pure = stage_of(path), PurePosixPath(path)
    if stage in FOLDERS:
        return str(pure.parent)
    return str(pure.with_suffix("")) if stage in FILES else None


def trace(results: Path, scores: Iterable[str], protocol: Path) -> dict[str, dict[str, Any]]:
    """Return the manifest of every artefact behind scores, without the paths of the machine.

    Every manifest gets ``files``, the SHA-256 of the artefact's own files, and that of a sample
    set ``content``, the hash by which score rows know it.

    Args:
        results: ``results/<preset>``.
        scores: artefacts to start from, such as ``scores/digits/ours/seed0.inception``.
        protocol: the protocol file, which keeps its path.

    Raises:
        UserError: a manifest is missing, or a file has changed since another was made from it.
    """
    hash_of = cache(sha256_file)
    found: dict[str, dict[str, Any]] = {}
    pending = list(scores)
    while pending:
        artefact = pending.pop()
        if artefact in found:
            continue
        path = _manifest_path(results, artefact)
        manifest, inputs = read_json(path), {}
        for name, entry in manifest["inputs"].items():
            inside = _inside(results, entry["path"])
            if inside and hash_of(results / inside) != entry["sha256"]:
                expected, present = entry["sha256"][:HASH], hash_of(results / inside)[:HASH]
                raise UserError(
                    f"{path}: expected {results / inside} as it was read, {expected}, found "
                    f"{present}; make what is out of date with: snakemake --cores all freeze"
                )
            pending += [source for source in [artefact_of(inside or "")] if source]
            kept = entry["path"] if Path(entry["path"]) == protocol else None
            inputs[name] = {"path": inside or kept, "sha256": entry["sha256"]}
        more = {"inputs": inputs, "files": _files(results, artefact, hash_of)}
        if stage_of(artefact) == "samples":
            images, labels = load_samples(results / f"{artefact}.npz")
            more["content"] = sha256_arrays(images=images, labels=labels)
        found[artefact] = portable(manifest) | portable(more)
    return found


def portable(value: Any) -> Any:
    """Return a configuration or manifest with null in the place of every path of the machine."""
    if isinstance(value, Mapping):
        return {k: None if k in LOCAL_KEYS else portable(item) for k, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [portable(item) for item in value]
    return None if isinstance(value, str) and ABSOLUTE.match(value) else value


def manifest_lines(manifests: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the text of ``<stage>.jsonl`` by stage: one line per artefact, sorted."""
    lines: dict[str, list[str]] = {stage: [] for stage in STAGES}
    for artefact, manifest in sorted(manifests.items()):
        line = {"artefact": artefact, **manifest}
        text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        lines[stage_of(artefact)].append(text + "\n")
    return {stage: "".join(texts) for stage, texts in lines.items()}


def gaps(
    manifests: Mapping[str, Mapping[str, Any]], scores: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with stored manifests: the artefact it concerns, and a sentence.

    Everything that the scores, or an artefact behind them, were made from must have its manifest,
    and be the file that was read.
    """
    missing: dict[str, str] = {}
    for artefact in scores:
        if artefact not in manifests:
            missing[artefact] = "its rows"
    for artefact, manifest in sorted(manifests.items()):
        for entry in manifest["inputs"].values():
            source = artefact_of(entry["path"] or "")
            if source is None:
                continue
            if source not in manifests:
                missing.setdefault(source, artefact)
                continue
            files = manifests[source]["files"]
            known = files.get(PurePosixPath(entry["path"]).name)
            if known != entry["sha256"]:
                expected, found = entry["sha256"][:HASH], (known or "none")[:HASH]
                read = f"expected {entry['path']} as {artefact} read it, {expected}"
                yield source, f"{read}, found {found}"
    for artefact, reader in sorted(missing.items()):
        yield artefact, f"expected the manifest of {artefact}, which {reader} rest on, found none"


def _manifest_path(results: Path, artefact: str) -> Path:
    if stage_of(artefact) in FOLDERS:
        return results / artefact / "manifest.json"
    return results / f"{artefact}.manifest.json"


def _files(results: Path, artefact: str, hash_of: Any) -> dict[str, str]:
    stage = stage_of(artefact)
    if stage in FILES:
        paths = [results / f"{artefact}{FILES[stage]}"]
    else:
        paths = [results / artefact / name for name in FOLDERS[stage]]
    return {path.name: hash_of(path) for path in paths if path.is_file()}


def _inside(results: Path, path: str) -> str | None:
    """Return a path relative to the results, None where it lies elsewhere."""
    full, root = Path(os.path.abspath(path)), Path(os.path.abspath(results))
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else None

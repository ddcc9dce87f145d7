"""Where scores come from: every artefact behind them, by the manifests of the run."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from dlvae.data.sample_sets import load_samples
from dlvae.stage.artefact import read_json, sha256_arrays, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import DEFINITION, SNAPSHOTS, WEIGHTS
from eval.rows import HASH, PLAIN

# Of every stage the files of an artefact, which is a folder or a file. Scores of what training cost
# read its manifest, which is therefore a file of a model.
MODEL_FILES = (f"/{WEIGHTS}", f"/{DEFINITION}", f"/{SNAPSHOTS}", "/manifest.json")
FILES = {
    "data": ("/train.npz", "/test.npz", "/heldout.npz", "/card.json"),
    "evaluator": (f"/{WEIGHTS}", "/card.json"),
    "models": MODEL_FILES,
    "curves": MODEL_FILES,
    "samples": (".npz",),
    "features": (".npz",),
    "scores": (".csv",),
    "panels": ("/panel.npz", "/panel.json"),
}
OF_STORED = "_stored"
"""Ending of what a stored judge says of a candidate, and of the copy of such a judge."""
JUDGE_FOLDERS = ("data", "evaluator")
"""Stages that a comparison takes as they are stored."""
FOLDERS = ("data", "evaluator", "models", "curves", "panels")
STAGES = tuple(FILES)
# Keys of a configuration that name folders of the machine.
LOCAL_KEYS = ("root", "data_root", "unlabelled_root", "imagenet_weights")
ABSOLUTE = re.compile(r"^(/|~|[A-Za-z]:[\\/]|\\\\)")


def stage_of(artefact: str) -> str:
    """Return the stage of an artefact; one by the plain judge, or a stored one, has the same."""
    return artefact.partition("/")[0].removesuffix(f"_{PLAIN}").removesuffix(OF_STORED)


def artefact_of(path: str | None) -> str | None:
    """Return the artefact that a file of the results belongs to, None where it is none of theirs.

    Args:
        path: relative to the folder of the results; None for a file from elsewhere.
    """
    stage, pure = stage_of(path or ""), PurePosixPath(path or "")
    if stage in FOLDERS:
        return str(pure.parent)
    return str(pure.with_suffix("")) if stage in FILES else None


def trace(
    results: Path, names: Iterable[str], protocol: Path, ends: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return the manifest of every artefact behind others, without the paths of the machine.

    Every manifest gets ``files``, the SHA-256 of the artefact's own files, and that of a sample
    set ``content``, the hash by which score rows know it.

    Args:
        results: ``results/<preset>``.
        names: artefacts to start from: ``scores/digits/ours/seed0.inception``, panels.
        protocol: the protocol file, which keeps its path.
        ends: stages that are not followed, whose files are known as inputs alone.

    Raises:
        UserError: a manifest is missing, or a file has changed since another was made from it.
    """
    hash_of, root = cache(sha256_file), Path(os.path.abspath(results))
    found: dict[str, dict[str, Any]] = {}
    pending = list(names)
    while pending:
        artefact = pending.pop()
        if artefact in found:
            continue
        stage = stage_of(artefact)
        path = results / f"{artefact}{'/' if stage in FOLDERS else '.'}manifest.json"
        manifest, inputs = read_json(path), {}
        for name, entry in manifest["inputs"].items():
            full = Path(os.path.abspath(entry["path"]))
            inside = full.relative_to(root).as_posix() if full.is_relative_to(root) else None
            if inside and (present := hash_of(results / inside)) != entry["sha256"]:
                raise UserError(
                    f"{path}: expected {results / inside} as it was read, "
                    f"{entry['sha256'][:HASH]}, found {present[:HASH]}; make what is out of date "
                    "with: snakemake --cores all freeze"
                )
            if (source := artefact_of(inside)) and stage_of(source) not in ends:
                pending.append(source)
            kept = entry["path"] if Path(entry["path"]) == protocol else None
            inputs[name] = {"path": inside or kept, "sha256": entry["sha256"]}
        files = [results / f"{artefact}{ending}" for ending in FILES[stage]]
        more = {"inputs": inputs, "files": {p.name: hash_of(p) for p in files if p.is_file()}}
        if stage == "samples":
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

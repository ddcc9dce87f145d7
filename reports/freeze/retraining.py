"""One stored training made again: which one it is, and whether it gave the same bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlvae.stage.artefact import load_samples, read_json, sha256_arrays, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from eval.rows import HASH
from reports.freeze.checks import Finding, finding
from reports.freeze.machine import BYTES, machine
from reports.freeze.stored import CONFIG, MANIFESTS, UNREADABLE, Stored

STAGES = ("data", "models", "samples")
PLAIN = "cvae"  # without a discriminator: the cheapest of models that see as many images
LIMIT_SECONDS = 600.0
"""Wall time, as stored, of the longest training that is made again."""
# Beside the machine, what the last bits depend on: entries of the manifest, and packages.
HOW, PACKAGES = ("device", "precision", "threads"), ("numpy", "torch")


@dataclass(frozen=True)
class StoredTraining:
    """A trained model of stored results.

    Attributes:
        name: ``<data set>/<model>/seed<seed>``, as in the names of artefacts.
        manifests: of its data set, its training and its sample set, by stage.
    """

    name: str
    manifests: dict[str, dict[str, Any]]


def training_named(stored: Stored, name: str) -> StoredTraining:
    """Return a training by its name.

    Raises:
        UserError: its manifests are not there, or cannot be read.
    """
    names = (name.partition("/")[0], name, name)
    try:
        found = {
            stage: stored.manifests(stage)[f"{stage}/{of}"]
            for stage, of in zip(STAGES, names, strict=True)
        }
    except UNREADABLE as error:
        raise UserError(
            f"expected the manifests of {name} in {stored.folder}, found {error!r}"
        ) from error
    return StoredTraining(name, found)


def cheapest_training(stored: Stored, at_hand: Collection[str]) -> StoredTraining:
    """Return the cheapest training on images: that which saw the fewest pixels, cVAE before others.

    Nothing is trained from a manifest that is not as it was frozen.

    Args:
        at_hand: data sets whose images are there.

    Raises:
        UserError: there is none, it takes too long, or the manifests are damaged.
    """
    for file in (CONFIG, *(f"{MANIFESTS}/{stage}.jsonl" for stage in STAGES)):
        path = stored.folder / file
        if not path.is_file() or sha256_file(path) != stored.index.get("files", {}).get(file):
            raise UserError(f"{path} is not as it was frozen")
    try:
        costs = dict(_costs(stored, at_hand))
    except UNREADABLE as error:
        raise UserError(
            f"expected readable manifests in {stored.folder}, found {error!r}"
        ) from error
    if not costs:
        raise UserError("the images of no stored data set are at hand (data_root)")
    found = training_named(stored, min(costs, key=lambda name: costs[name]))
    seconds = found.manifests["models"]["wall_seconds"]
    if seconds > LIMIT_SECONDS:
        raise UserError(
            f"the cheapest training, {found.name}, took {seconds:.0f} s, and none of more than "
            f"{LIMIT_SECONDS:.0f} s is made again"
        )
    return found


def _costs(stored: Stored, at_hand: Collection[str]) -> Iterator[tuple[str, tuple]]:
    """Yield the trainings whose samples are scored, each with what it is ordered by."""
    sampled = stored.manifests("samples")
    for artefact, manifest in stored.manifests("models").items():
        name = artefact.removeprefix("models/")
        dataset, model, seed = name.split("/")
        if dataset in at_hand and f"samples/{name}" in sampled:
            side = stored.config["datasets"][dataset]["data"]["size"]
            order = (model != PLAIN, dataset, model, int(seed.removeprefix("seed")))
            yield name, (manifest["images_seen"] * side**2, *order)


def compare_training(
    stored: Stored, training: StoredTraining, folder: Path
) -> tuple[list[Finding], list[str]]:
    """Compare a training made again with the stored one.

    Args:
        folder: with ``data/``, ``models/`` and ``samples/`` as in ``results/<preset>``.

    Returns:
        Findings, where bytes differ on the machine that made the stored ones, and notes.
    """
    name = training.name
    try:
        differing = list(_differing(training, folder))
        before = training.manifests["models"]
        after = read_json(folder / "models" / name / "manifest.json")
        other = _other_machine(stored, before, after)
    except UNREADABLE as error:
        said = f"{name}: expected complete manifests, found {error!r}"
        return [finding(stored, MANIFESTS, said)], []
    if not differing:
        although = f", although {'; '.join(other)}" if other else ""
        return [], [f"{name} prepared, trained and sampled again: the same bytes{although}"]
    if other:
        what = "; ".join(text for _, text in differing)
        return [], [
            f"{name} made again: {what}. Bytes may differ across processors and versions: "
            f"{'; '.join(other)}"
        ]
    codes = after["code"], before["code"]
    code = ", by other code ({}, was {})".format(*codes) if codes[0] != codes[1] else ""
    again = f"If a change of the code is meant, freeze again: {stored.index['command']}"
    return [
        finding(stored, f"{MANIFESTS}/{stage}.jsonl", f"{name} made again{code}: {text}", fix=again)
        for stage, text in differing
    ], []


def _differing(training: StoredTraining, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the stages whose hashes differ, with what was expected and what was found."""
    name, known = training.name, training.manifests
    data = read_json(folder / "data" / name.partition("/")[0] / "manifest.json")
    images, labels = load_samples(folder / "samples" / f"{name}.npz")
    hashes = [
        ("data", f"data of the split {split}", expected, data["outputs"].get(split))
        for split, expected in known["data"]["outputs"].items()
    ]
    weights = sha256_file(folder / "models" / name / WEIGHTS)
    hashes.append(("models", "weights", known["models"]["files"][WEIGHTS], weights))
    content = sha256_arrays(images=images, labels=labels)
    hashes.append(("samples", "sample set", known["samples"]["content"], content))
    for stage, what, expected, found in hashes:
        if expected != found:
            yield stage, f"expected {what} {expected[:HASH]}, found {str(found)[:HASH]}"


def _other_machine(stored: Stored, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what is not as it was at the stored training, of all that bytes depend on."""
    now, then = machine(), stored.index["machine"]
    pairs = [(key, then.get(key), now[key]) for key in BYTES]
    pairs += [(key, before[key], after[key]) for key in HOW]
    pairs += [(name, before["packages"][name], after["packages"][name]) for name in PACKAGES]
    changed = [f"{key} was {old}, is {new}" for key, old, new in pairs if old != new]
    return list(dict.fromkeys(changed))

"""One stored training made again: which one it is, and whether it gave the same bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from dlvae.data.sample_sets import load_samples
from dlvae.stage.artefact import read_json, sha256_arrays, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from eval.rows import HASH
from reports.freeze.machine import BYTES, machine
from reports.freeze.stored import UNREADABLE, Finding, Part, Stored

STAGES = ("data", "models", "samples")
PLAIN = "cvae"  # without a discriminator: the cheapest of models that see as many images
LIMIT_SECONDS = 600.0
"""Wall time, as stored, of the longest training that is made again."""
# Beside the machine, what the last bits depend on: entries of the manifest, and packages.
HOW, PACKAGES = ("device", "precision", "threads"), ("numpy", "torch")


def cheapest_training(stored: Stored, at_hand: Collection[str]) -> str:
    """Return the cheapest training on images, ``<data set>/<model>/seed<seed>``.

    It is that which saw the fewest pixels, cVAE before others. Nothing is trained from a manifest
    that is not as it was frozen.

    Args:
        at_hand: data sets whose images are there.

    Raises:
        UserError: there is none, it takes too long, or the manifests were changed.
    """
    for file in (Part.CONFIG, *(f"{Part.MANIFESTS}/{stage}.jsonl" for stage in STAGES)):
        path = stored.folder / file
        if not path.is_file() or sha256_file(path) != stored.index.get("files", {}).get(file):
            raise UserError(f"{path} is not as it was frozen")
    costs = {}
    for artefact, manifest in stored.manifests.items():
        stage, _, name = artefact.partition("/")
        dataset, _, run = name.partition("/")
        if stage == "models" and dataset in at_hand and f"samples/{name}" in stored.manifests:
            side = stored.config["datasets"][dataset]["data"]["size"]
            cost = (manifest["images_seen"] * side**2, not run.startswith(f"{PLAIN}/"), name)
            costs[cost] = manifest["wall_seconds"]
    if not costs:
        raise UserError("the images of no stored data set are at hand (data_root)")
    *_, name = cheapest = min(costs)
    if (seconds := costs[cheapest]) > LIMIT_SECONDS:
        raise UserError(
            f"the cheapest training, {name}, took {seconds:.0f} s, and none of more than "
            f"{LIMIT_SECONDS:.0f} s is made again"
        )
    return name


def compare_training(stored: Stored, name: str, folder: Path) -> tuple[list[Finding], list[str]]:
    """Compare a training made again with the stored one.

    Args:
        name: see :func:`cheapest_training`.
        folder: with ``data/``, ``models/`` and ``samples/`` as in ``results/<preset>``.

    Returns:
        Findings, where bytes differ on the machine that made the stored ones, and notes.
    """
    try:
        differing = list(_differing(stored, name, folder))
        before = stored.manifests[f"models/{name}"]
        after = read_json(folder / "models" / name / "manifest.json")
        other = _other_machine(stored, before, after)
    except UNREADABLE as error:
        said = f"{name}: expected complete manifests, found {error!r}"
        return [stored.finding(Part.MANIFESTS, said)], []
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
        stored.finding(f"manifests/{stage}.jsonl", f"{name} made again{code}: {text}", fix=again)
        for stage, text in differing
    ], []


def _differing(stored: Stored, name: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the stages whose hashes differ, with what was expected and what was found."""
    dataset = name.partition("/")[0]
    data, model, samples = (
        stored.manifests[artefact]
        for artefact in (f"data/{dataset}", f"models/{name}", f"samples/{name}")
    )
    splits = read_json(folder / "data" / dataset / "manifest.json")["outputs"]
    hashes = [
        ("data", f"data of the split {split}", expected, splits.get(split))
        for split, expected in data["outputs"].items()
    ]
    weights = sha256_file(folder / "models" / name / WEIGHTS)
    hashes.append(("models", "weights", model["files"][WEIGHTS], weights))
    images, labels = load_samples(folder / "samples" / f"{name}.npz")
    content = sha256_arrays(images=images, labels=labels)
    hashes.append(("samples", "sample set", samples["content"], content))
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

"""A training made again, compared with the stored one: to the byte on the machine that made it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dlvae.stage.artefact import load_samples, read_json, sha256_arrays, sha256_file
from dlvae.stage.registry import WEIGHTS
from eval.rows import HASH
from reports.freeze.cell import Cell
from reports.freeze.checks import Content, Finding
from reports.freeze.machine import BYTES, machine
from reports.freeze.stored import MANIFESTS, UNREADABLE, Stored

# Beside the machine, what the last bits depend on: entries of the manifest, and packages.
HOW, PACKAGES = ("device", "precision", "threads"), ("numpy", "torch")


def compare_cell(content: Content, cell: Cell, folder: Path) -> tuple[list[Finding], list[str]]:
    """Compare a training made again with the stored one.

    Args:
        folder: with ``data/``, ``models/`` and ``samples/`` as in ``results/<preset>``.

    Returns:
        Findings, where bytes differ on the machine that made the stored ones, and notes.
    """
    try:
        differing = list(_differing(cell, folder))
        other = _other_machine(content.stored, cell, folder)
    except UNREADABLE as error:
        text = f"{cell.name}: expected complete manifests, found {error!r}"
        return [content.finding(MANIFESTS, text)], []
    if not differing:
        although = f", although {'; '.join(other)}" if other else ""
        return [], [f"{cell.name} prepared, trained and sampled again: the same bytes{although}"]
    if other:
        what = "; ".join(text for _, text in differing)
        return [], [
            f"{cell.name} made again: {what}. Bytes may differ across processors and versions: "
            f"{'; '.join(other)}"
        ]
    made = f"{cell.name} made again{_code(cell, folder)}"
    again = f"If a change of the code is meant, freeze again: {content.stored.index['command']}"
    return [
        content.finding(f"{MANIFESTS}/{stage}.jsonl", f"{made}: {text}", again)
        for stage, text in differing
    ], []


def _differing(cell: Cell, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the stages whose hashes differ, with what was expected and what was found."""
    known = cell.manifests
    outputs = read_json(folder / "data" / cell.dataset / "manifest.json")["outputs"]
    images, labels = load_samples(folder / "samples" / f"{cell.name}.npz")
    content = sha256_arrays(images=images, labels=labels)
    weights = sha256_file(folder / "models" / cell.name / WEIGHTS)
    for split, expected in known["data"]["outputs"].items():
        yield from _hashes("data", f"data of the split {split}", expected, outputs.get(split))
    yield from _hashes("models", "weights", known["models"]["files"][WEIGHTS], weights)
    yield from _hashes("samples", "sample set", known["samples"]["content"], content)


def _hashes(stage: str, what: str, expected: str, found: str | None) -> Iterator[tuple[str, str]]:
    if expected != found:
        yield stage, f"expected {what} {expected[:HASH]}, found {str(found)[:HASH]}"


def _other_machine(stored: Stored, cell: Cell, folder: Path) -> list[str]:
    """Return what is not as it was at the stored training, of all that bytes depend on."""
    now, then = machine(), stored.index["machine"]
    pairs = [(key, then.get(key), now[key]) for key in BYTES]
    after, before = _training(folder, cell), cell.manifests["models"]
    pairs += [(key, before[key], after[key]) for key in HOW]
    pairs += [(name, before["packages"][name], after["packages"][name]) for name in PACKAGES]
    changed = [f"{key} was {old}, is {new}" for key, old, new in pairs if old != new]
    return list(dict.fromkeys(changed))


def _code(cell: Cell, folder: Path) -> str:
    """Say that the code of the training is another, if it is."""
    before, after = (m["code"] for m in (cell.manifests["models"], _training(folder, cell)))
    return "" if before == after else f", by other code ({after}, was {before})"


def _training(folder: Path, cell: Cell) -> dict:
    return read_json(folder / "models" / cell.name / "manifest.json")

"""Cards and manifests of a run, arranged for the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlvae.stage.artefact import read_json
from reports.names import dataset_title

JUDGES = {
    "/report.json": "Evaluator on real images",
    "/card.json": "Evaluator",
    "_factors/card.json": "Factor regressor",
}
UNPRINTED = ("confusion",)  # C x C numbers; they stay in the file


def card_blocks(results: Path, datasets: Sequence[str]) -> list[dict[str, Any]]:
    """Return one block per card: title and (key, value) rows; evaluators before data."""
    blocks = []
    for dataset in datasets:
        for file, title in JUDGES.items():
            blocks += _block(results / "evaluator" / f"{dataset}{file}", title, dataset)
    names = [f"{d}{suffix}" for d in datasets for suffix in ("", "_unlabelled")]
    if (results / "data" / "three_moons").exists():
        names.append("three_moons")
    for name in names:
        blocks += _block(results / "data" / name / "card.json", "Data set", name)
    return blocks


def manifest_rows(results: Path) -> list[dict[str, str]]:
    """Return one row per manifest under ``results``, ordered by path."""
    rows = []
    for path, manifest in _manifests(results):
        artefact = str(path.relative_to(results)).removesuffix("manifest.json").rstrip("/.")
        rows.append(
            {
                "artefact": artefact,
                "images": _grouped(manifest.get("images_seen")),
                "wall": _number(manifest.get("wall_seconds"), 1),
                "memory": _number(manifest.get("peak_memory_mib"), 0),
                **{key: _plain(manifest.get(key)) for key in ("seed", "device", "precision")},
                "threads": _plain(manifest.get("threads")),
            }
        )
    return rows


def environment(results: Path) -> str:
    """Return one sentence on the interpreter and the packages of the manifests."""
    found = set()
    for _, manifest in _manifests(results):
        packages = manifest.get("packages") or {}
        listed = ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))
        found.add(f"Python {manifest.get('python', 'unknown')}; {listed}")
    return " Also: ".join(f"{text}." for text in sorted(found))


def _block(path: Path, title: str, dataset: str) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [{"title": f"{title}: {dataset_title(dataset)}", "rows": list(_rows(read_json(path)))}]


def _rows(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the card's entries as text, nested ones as ``key: value`` lists."""
    for key, value in card.items():
        if key in UNPRINTED:
            continue
        if isinstance(value, Mapping):
            text = ", ".join(f"{k}: {_plain(v)}" for k, v in value.items())
        elif isinstance(value, list):
            text = ", ".join(_plain(v) for v in value[:12]) + (", ..." if len(value) > 12 else "")
        else:
            text = _plain(value)
        yield key.replace("_", " "), text


def _manifests(results: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(results.rglob("*manifest.json")):
        yield path, read_json(path)


def _plain(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _number(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, (int, float)) else "–"


def _grouped(value: object) -> str:
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") if value is not None else "–"

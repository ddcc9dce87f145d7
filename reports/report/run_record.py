"""What a run says of itself: cards of evaluators and data sets, manifests of its artefacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlvae.stage.artefact import read_json
from reports.names import dataset_title

JUDGES = {
    "/report.json": "Evaluator on real images",
    "/card.json": "Evaluator",
    "_factors/card.json": "Factor regressor",
}
# Of the data card, each a list of sentences.
DATA_CARD = {
    "rai:dataUseCases": "intended use",
    "rai:dataLimitations": "limits and misuse",
    "rai:dataBiases": "biases",
    "rai:personalSensitiveInformation": "personal information",
}
UNPRINTED = ("confusion",)  # C x C numbers; they stay in the file


def cards(results: Path, datasets: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return the cards that there are, each with its title; evaluators before data."""
    files = [
        (f"{title}: {dataset_title(name)}", results / "evaluator" / f"{name}{file}")
        for name in datasets
        for file, title in JUDGES.items()
    ]
    data = [f"{name}{kind}" for name in datasets for kind in ("", "_unlabelled")]
    files += [
        (f"Data set: {dataset_title(name)}", results / "data" / name / "card.json")
        for name in [*data, "three_moons"]
    ]
    return [(title, _card(path)) for title, path in files if path.exists()]


def _card(path: Path) -> dict[str, Any]:
    card = read_json(path) | _described(path)
    return {key: value for key, value in card.items() if key not in UNPRINTED}


def _described(card: Path) -> dict[str, str]:
    """Return what the data card beside a card says of use and defects; nothing without one."""
    path = card.with_name("croissant.json")
    said = read_json(path) if path.exists() else {}
    return {title: " ".join(said[key]) for key, title in DATA_CARD.items() if key in said}


def manifests(results: Path) -> dict[str, dict[str, Any]]:
    """Return the manifests of a run by artefact, ordered by path."""
    return {
        str(path.relative_to(results)).removesuffix("manifest.json").rstrip("/."): read_json(path)
        for path in sorted(results.rglob("*manifest.json"))
    }


def environment(manifest: Mapping[str, Any]) -> str:
    """Return the interpreter and the packages of a manifest."""
    packages = sorted((manifest.get("packages") or {}).items())
    listed = ", ".join(f"{name} {version}" for name, version in packages)
    return f"Python {manifest.get('python', 'unknown')}; {listed}."

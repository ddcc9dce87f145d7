"""The self-contained report of a run: one HTML file, readable without a network.

Usage: python -m reports.report --config JSON --results DIR --out FILE

The config JSON holds ``preset``, ``config`` (the resolved configuration of the run), ``targets``
(tables and figures of the run) and ``left_out``: for each ``target`` that this preset cannot give,
the ``reason`` and the ``presets`` that have it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dlvae.stage.artefact import read_json, write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from reports.figures.panel import caption, load_panel
from reports.names import dataset_title
from reports.text import render

TABLES = ("table1", "table2")
FIGURES = {
    "figure2": "Figure 2. Toy example",
    "figure3": "Figure 3. Images of one class",
    "figure4": "Figure 4. One code varied, the other fixed",
    "figure5": "Figure 5. Single coordinates of the label-irrelevant code",
    "figure6": "Figure 6. Swapped codes on unseen identities",
    "figure7": "Figure 7. Inpainting",
}
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


def build_report(request: Mapping[str, Any], results: str | Path) -> str:
    """Return the report of the run under ``results`` as HTML.

    Args:
        request: the command line's config, see above.
        results: ``results/<preset>``.

    Raises:
        UserError: a table or figure of ``targets`` is missing.
    """
    results, config, targets = Path(results), request["config"], request["targets"]
    shown = {name: (config.get("figures") or {}).get(name) or {} for name in FIGURES}
    manifests = _manifests(results)
    return render(
        "report.html.j2",
        preset=request["preset"],
        tables=[_table(results, name) for name in TABLES if name in targets],
        figures=[_figure(results, *of) for of in shown.items() if of[0] in targets],
        cards=_cards(results, list(config.get("datasets", {}))),
        unprinted=UNPRINTED,
        left_out=request["left_out"],
        environments=sorted({_environment(made) for made in manifests.values()}),
        manifests=manifests.items(),
        config=config,
        resolved=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True),
    )


def _table(results: Path, name: str) -> str:
    text = _existing(results / "tables" / f"{name}.html", name).read_text(encoding="utf-8")
    return re.findall(r"<table.*?</table>", text, re.DOTALL)[0]


def _figure(results: Path, name: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a figure with its caption as plain text, for readers who do not see the picture."""
    path = _existing(results / "figures" / f"{name}.png", name)
    # The data sets in the order in which the figure shows them, and no panel of an earlier run.
    datasets = section.get("datasets") or [section.get("dataset", "three_moons")]
    folders = [results / "panels" / name / dataset for dataset in datasets]
    panels = [load_panel(folder) for folder in folders if (folder / "panel.json").exists()]
    text = caption(name, panels).replace("$", "") if panels else FIGURES[name]
    return {"name": name, "title": FIGURES[name], "path": path, "caption": text}


def _existing(path: Path, target: str) -> Path:
    if not path.exists():
        raise UserError(f"report: expected {path}, found none; make it with snakemake {target}")
    return path


def _cards(results: Path, datasets: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
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
    return [(title, read_json(path) | _described(path)) for title, path in files if path.exists()]


def _described(card: Path) -> dict[str, str]:
    """Return what the data card beside a card says of use and defects; nothing without one."""
    path = card.with_name("croissant.json")
    said = read_json(path) if path.exists() else {}
    return {title: " ".join(said[key]) for key, title in DATA_CARD.items() if key in said}


def _manifests(results: Path) -> dict[str, dict[str, Any]]:
    """Return the manifests of a run by artefact, ordered by path."""
    return {
        str(path.relative_to(results)).removesuffix("manifest.json").rstrip("/."): read_json(path)
        for path in sorted(results.rglob("*manifest.json"))
    }


def _environment(manifest: Mapping[str, Any]) -> str:
    """Return the interpreter and the packages of a manifest."""
    packages = sorted((manifest.get("packages") or {}).items())
    listed = ", ".join(f"{name} {version}" for name, version in packages)
    return f"Python {manifest.get('python', 'unknown')}; {listed}."


def main(args: argparse.Namespace) -> None:
    """Run the report stage."""
    missing = [key for key in ("preset", "config", "targets", "left_out") if key not in args.config]
    if missing:
        found = ", ".join(sorted(args.config))
        raise UserError(f"--config: expected the keys {', '.join(missing)}, found {found}")
    write_text(args.out, build_report(args.config, args.results))


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--results", required=True, help="results/<preset>")
    parser.add_argument("--out", required=True, help="HTML file to write")
    run_stage(main, parser)

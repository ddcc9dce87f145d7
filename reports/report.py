"""The self-contained report of a run: one HTML file, readable without a network.

Usage: python -m reports.report --config JSON --results DIR --out FILE

The config JSON holds ``preset``, ``config`` (the resolved configuration of the run), ``targets``
(tables and figures of the run) and ``left_out``: for each target that this preset cannot give its
name, the ``reason`` and the ``presets`` that have it.
"""

from __future__ import annotations

import argparse
import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dlvae.stage.artefact import write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from reports.figures.panel import caption, load_panel
from reports.names import dataset_title, model_title
from reports.provenance import card_blocks, environment, manifest_rows
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
SECTIONS = (
    ("tables", "Tables"),
    ("figures", "Figures"),
    ("evaluators", "Evaluators and data"),
    ("left-out", "Not in this preset"),
    ("provenance", "Provenance"),
    ("configuration", "Configuration"),
)


def build_report(request: Mapping[str, Any], results: str | Path) -> str:
    """Return the report of the run under ``results`` as HTML.

    Args:
        request: the command line's config, see above.
        results: ``results/<preset>``.

    Raises:
        UserError: a table or figure of ``targets`` is missing.
    """
    results, config = Path(results), request["config"]
    targets, sections = request["targets"], config.get("figures", {})
    return render(
        "report.html.j2",
        preset=request["preset"],
        facts=_facts(config),
        sections=SECTIONS,
        tables=[_table(results, name) for name in TABLES if name in targets],
        figures=[
            _figure(results, name, sections.get(name) or {}) for name in FIGURES if name in targets
        ],
        cards=card_blocks(results, list(config.get("datasets", {}))),
        left_out=[_left_out(entry) for entry in request["left_out"]],
        environment=environment(results),
        manifests=manifest_rows(results),
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True),
    )


def _facts(config: Mapping[str, Any]) -> str:
    parts = [
        ("Data sets", [dataset_title(name) for name in config.get("datasets", {})]),
        ("models", [model_title(name) for name in config.get("models", [])]),
        ("seeds", config.get("seeds", [])),
        ("protocol", [config.get("protocol", "not stated")]),
    ]
    return "; ".join(f"{key}: {', '.join(map(str, values))}" for key, values in parts) + "."


def _left_out(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return the target's title and why it is missing, with the presets that have it."""
    others = ", ".join(entry["presets"])
    where = f"presets that have it: {others}" if others else "no preset has the data for it"
    target = entry["target"]
    return f"{target[:-1].capitalize()} {target[-1]}", f"{entry['reason']}; {where}."


def _table(results: Path, name: str) -> str:
    path = _existing(results / "tables" / f"{name}.html", name)
    found = re.search(r"<table.*?</table>", path.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise UserError(f"{path}: expected a table; write it again with python -m reports.tables")
    return found.group()


def _figure(results: Path, name: str, section: Mapping[str, Any]) -> dict[str, str]:
    path = _existing(results / "figures" / f"{name}.png", name)
    png = base64.b64encode(path.read_bytes()).decode("ascii")
    return {
        "name": name,
        "title": FIGURES[name],
        "png": png,
        "caption": _caption(results, name, section),
    }


def _caption(results: Path, name: str, section: Mapping[str, Any]) -> str:
    """Return the figure's caption as plain text, for readers who do not see the picture."""
    # The data sets in the order in which the figure shows them, and no panel of an earlier run.
    datasets = section.get("datasets") or [section.get("dataset", "three_moons")]
    folders = [results / "panels" / name / dataset for dataset in datasets]
    folders = [folder for folder in folders if (folder / "panel.json").exists()]
    if not folders:
        return FIGURES[name]
    return caption(name, [load_panel(folder) for folder in folders]).replace("$", "")


def _existing(path: Path, target: str) -> Path:
    if not path.exists():
        raise UserError(f"report: expected {path}, found none; make it with snakemake {target}")
    return path


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

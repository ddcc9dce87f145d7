"""The self-contained report of a run: one HTML file, readable without a network.

Usage: python -m reports.report --config JSON --results DIR --out FILE

The config JSON holds ``preset``, ``config`` (the resolved configuration of the run), ``targets``
(tables and figures of the run), ``explorer`` (the data set of the swap explorer, or null),
``studies`` (for each of the studies why the preset cannot give it, or an empty text) and
``left_out``: for each ``target`` that this preset cannot give, the ``reason`` and the ``presets``
that have it. Of the studies, which are targets of their own, the page shows those that the run has
made.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dlvae.stage.artefact import write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from reports.figures.panel import caption, load_panel
from reports.report.made_studies import CLAIMS, CURVES, find_study, verdicts
from reports.report.run_record import cards, environment, manifests
from reports.report.shown_table import ShownTable, read_table, sentences
from reports.report.sprite import explorer
from reports.text import render

TABLES = {"table1": "Table 1. Inception Score", "table2": "Table 2. Intra-class diversity"}
FIGURES = {
    "figure2": "Figure 2. Toy example",
    "figure3": "Figure 3. Images of one class",
    "figure4": "Figure 4. One code varied, the other fixed",
    "figure5": "Figure 5. Single coordinates of the label-irrelevant code",
    "figure6": "Figure 6. Swapped codes on unseen identities",
    "figure7": "Figure 7. Inpainting",
}
KEYS = ("preset", "config", "targets", "explorer", "studies", "left_out")
NOISE = "smoke"  # the protocol that scores a handful of images


def build_report(request: Mapping[str, Any], results: str | Path) -> str:
    """Return the report of the run under ``results`` as HTML.

    Args:
        request: the command line's config, see above.
        results: ``results/<preset>``.

    Raises:
        UserError: a table or figure of ``targets``, or the explorer's panel, is missing.
    """
    results, config, targets = Path(results), request["config"], request["targets"]
    sections = {name: (config.get("figures") or {}).get(name) or {} for name in FIGURES}
    made = manifests(results)
    claims, curves = (find_study(results, n, request["studies"][n]) for n in (CLAIMS, CURVES))
    return render(
        "report.html.j2",
        preset=request["preset"],
        config=config,
        noise=config.get("protocol") == NOISE,
        claims=claims,
        verdicts=verdicts(claims.path) if claims.path else None,
        curves=curves,
        explorer=_explorer(results, request["explorer"]),
        tables=[(n, title, _table(results, n)) for n, title in TABLES.items() if n in targets],
        figures=[_figure(results, *of) for of in sections.items() if of[0] in targets],
        training_curves=_existing(results / "figures" / "training_curves.png", "training_curves"),
        cards=cards(results, list(config.get("datasets", {}))),
        left_out=request["left_out"],
        environments=sorted({environment(manifest) for manifest in made.values()}),
        manifests=made.items(),
        resolved=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True),
        style="report.css.j2",
        script="report.js.j2",
        explorer_template="explorer.html.j2",
    )


def _table(results: Path, name: str) -> ShownTable:
    return read_table(_existing(results / "tables" / f"{name}.html", name))


def _figure(results: Path, name: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a figure with its caption as sentences, for readers who do not see the picture."""
    path = _existing(results / "figures" / f"{name}.png", name)
    # The data sets in the order in which the figure shows them, and no panel of an earlier run.
    datasets = section.get("datasets") or [section.get("dataset", "three_moons")]
    folders = [results / "panels" / name / dataset for dataset in datasets]
    panels = [load_panel(folder) for folder in folders if (folder / "panel.json").exists()]
    text = f"{FIGURES[name]}."
    if panels:  # mathematics loses its signs, a name's own dollar stays
        text = re.sub(r"\\(?=\$)|(?<!\\)\$", "", caption(name, panels))
    first, *more = sentences(text)
    return {"name": name, "title": FIGURES[name], "path": path, "caption": first, "notes": more}


def _explorer(results: Path, dataset: str | None) -> dict[str, Any] | None:
    if dataset is None:
        return None
    folder = results / "panels" / "explorer" / dataset
    _existing(folder / "panel.json", "report")
    return explorer(load_panel(folder))


def _existing(path: Path, target: str) -> Path:
    if not path.exists():
        raise UserError(f"report: expected {path}, found none; make it with snakemake {target}")
    return path


def main(args: argparse.Namespace) -> None:
    """Run the report stage."""
    if missing := [key for key in KEYS if key not in args.config]:
        found = ", ".join(sorted(args.config))
        raise UserError(f"--config: expected the keys {', '.join(missing)}, found {found}")
    write_text(args.out, build_report(args.config, args.results))


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--results", required=True, help="results/<preset>")
    parser.add_argument("--out", required=True, help="HTML file to write")
    run_stage(main, parser)

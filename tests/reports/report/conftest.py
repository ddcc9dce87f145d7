"""A small finished run, and its report."""

import base64

import pandas as pd
import pytest

from dlvae.stage.artefact import save_npz, write_json, write_text
from html_page import parse_page
from reports.report.__main__ import build_report
from reports.tables.formats import PrintedTable
from reports.text import document

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CAPTION = (
    "Table 1. Inception Score (IS) of generated images. Top-1: share of images that are "
    "recognised. 'Paper' is Zheng and Sun (CVPR 2019) on <FaceScrub>. Seed 3."
)
HEADS = ["IS", "top-1", "judges agree", "FID", "precision", "KL of z_u or z", "images read"]


def printed_table():
    """Table 1 of two data sets, as wide as the real one, and with cells of every form."""
    cells = ["9.71 [9.63, 9.78]", "98.4 [97.0, 99.1] %", "n/a (n = 24, needs 49 images)"]
    cells += ["9.55 (FaceScrub)", "–", "1.02 [0.92, 1.13] (judges disagree; still learning)", "32"]
    sets, models = (
        ("synthetic faces", "handwritten digits"),
        ("real data (held out)", "cVAE", "ours"),
    )
    index = pd.MultiIndex.from_tuples([(d, m) for d in sets for m in models])
    return PrintedTable(pd.DataFrame([cells] * len(index), index, HEADS), CAPTION)


@pytest.fixture
def results(tmp_path, panel):
    """A run with one table, one figure, the explorer, training curves, cards and manifests."""
    write_text(tmp_path / "tables" / "table1.html", document("table1", printed_table().html()))
    (tmp_path / "figures").mkdir()
    for name in ("figure4", "training_curves"):
        (tmp_path / "figures" / f"{name}.png").write_bytes(PNG)
    for figure, dataset in (("figure4", "digits"), ("explorer", "synthetic_faces")):
        stored = panel(figure)
        folder = tmp_path / "panels" / figure / dataset
        save_npz(folder / "panel.npz", **stored.arrays)
        write_json(folder / "panel.json", dict(stored.meta))
    card = {"dataset": "digits", "accuracy": 0.9812345, "weights_sha256": "ab" * 32}
    write_json(tmp_path / "evaluator/digits/card.json", card)
    source = "scikit-learn, https://scikit-learn.org"
    write_json(tmp_path / "data/digits/card.json", {"source": source, "licence": "CC BY 4.0"})
    manifest = {"seed": 3, "device": "cpu", "precision": "bf16", "threads": 1}
    manifest |= {"images_seen": 153600, "wall_seconds": 81.25, "peak_memory_mib": 812.3}
    manifest |= {"python": "3.12.1", "packages": {"torch": "2.14.1"}}
    write_json(tmp_path / "models/digits/ours/seed3/manifest.json", manifest)
    return tmp_path


@pytest.fixture
def studies(results):
    """The run's claims, judged in both forms, and its learning curves."""
    verdicts = [
        (1, "toy_converges", "Figure 2", "published", "not replicated"),
        (1, "toy_converges", "Figure 2", "published", "not replicated"),  # a row per test
        (1, "toy_converges", "Figure 2", "fitted", "partly"),
        (2, "no_such_claim", "Section 4.1", "same", "replicated"),
        (10, "likelihood", "Equation 9", "published", "not run"),
    ]
    columns = ["number", "claim", "where", "form", "claim_verdict"]
    pd.DataFrame(verdicts, columns=columns).to_csv(results / "claims.csv", index=False)
    (results / "figures" / "learning_curves.png").write_bytes(PNG)
    return results


def request(protocol="v1", **changes):
    """The report's configuration for the run."""
    config = {"preset": "quick", "datasets": {"digits": {"train": {"steps": 1234}}}, "seeds": [3]}
    config |= {"models": ["cvae", "ours"], "protocol": protocol}
    config |= {"figures": {"figure4": {"dataset": "digits"}}}
    missing = {"target": "figure6", "reason": "no unlabelled <images>", "presets": ["faces"]}
    asked = {"preset": "quick", "config": config, "targets": ["table1", "figure4"]}
    asked |= {"explorer": "synthetic_faces", "studies": {"claims": "", "learning_curves": ""}}
    return asked | {"left_out": [missing]} | changes


@pytest.fixture
def build(results):
    """Returns the report of the run, as text."""
    return lambda **changes: build_report(request(**changes), results)


@pytest.fixture
def page(build):
    """Returns the report of the run, as elements."""
    return lambda **changes: parse_page(build(**changes))

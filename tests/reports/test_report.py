"""The report: one file with everything in it, and nothing fetched from elsewhere."""

import base64
import re

import pytest

from dlvae.stage.artefact import save_npz, write_json, write_text
from dlvae.stage.errors import UserError
from reports.report import build_report

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def results(tmp_path, panel):
    """A small finished run with one table, one figure, cards and manifests."""
    table = '<table class="scores"><caption>Table 1. n = 360</caption><td>9.71</td></table>'
    write_text(tmp_path / "tables" / "table1.html", f"<html><body>{table}</body></html>")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "figure4.png").write_bytes(PNG)
    stored = panel("figure4")
    save_npz(tmp_path / "panels/figure4/digits/panel.npz", **stored.arrays)
    write_json(tmp_path / "panels/figure4/digits/panel.json", dict(stored.meta))
    card = {"dataset": "digits", "accuracy": 0.9812345, "weights_sha256": "ab" * 32}
    write_json(tmp_path / "evaluator/digits/card.json", card)
    source = "scikit-learn, https://scikit-learn.org"
    write_json(tmp_path / "data/digits/card.json", {"source": source, "licence": "CC BY 4.0"})
    manifest = {"seed": 3, "device": "cpu", "precision": "bf16", "threads": 1}
    manifest |= {"images_seen": 153600, "wall_seconds": 81.25, "peak_memory_mib": 812.3}
    manifest |= {"python": "3.12.1", "packages": {"torch": "2.14.1"}}
    write_json(tmp_path / "models/digits/ours/seed3/manifest.json", manifest)
    return tmp_path


def request(**changes):
    config = {"preset": "quick", "datasets": {"digits": {"train": {"steps": 1234}}}, "seeds": [3]}
    config |= {"models": ["cvae", "ours"], "protocol": "v1"}
    config |= {"figures": {"figure4": {"dataset": "digits"}}}
    missing = {"target": "figure6", "reason": "no unlabelled <images>", "presets": ["faces"]}
    asked = {"preset": "quick", "config": config, "targets": ["table1", "figure4"]}
    return asked | {"left_out": [missing]} | changes


def test_the_report_holds_tables_figures_cards_config_and_provenance(results):
    text = build_report(request(), results)
    assert "Table 1. n = 360" in text and "9.71" in text
    assert base64.b64encode(PNG).decode() in text
    assert "Varying one code of ours" in text  # caption, as the picture's alternative text
    assert "0.9812" in text and "CC BY 4.0" in text
    assert "Figure 6" in text and "no unlabelled &lt;images&gt;" in text and "faces" in text
    assert "models/digits/ours/seed3" in text and "torch 2.14.1" in text and "81.2" in text
    assert "steps: 1234" in text


def test_data_cards_say_what_data_are_not_for(results):
    said = {"rai:dataLimitations": ["A JPEG copy.", "Not for deciding about anyone."]}
    write_json(results / "data/digits/croissant.json", said)
    text = build_report(request(), results)
    assert "limits and misuse" in text and "A JPEG copy. Not for deciding about anyone." in text


def test_the_report_needs_no_network_and_runs_nothing(results):
    text = build_report(request(), results)
    linked = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", text)
    assert linked and all(link.startswith(("#", "data:image/png;base64,")) for link in linked)
    assert not re.search(r"<script|<link|@import|<iframe", text)


def test_anchors_lead_somewhere(results):
    text = build_report(request(), results)
    anchors = re.findall(r'href="#([^"]+)"', text)
    assert anchors and all(f'id="{anchor}"' in text for anchor in anchors)


def test_a_preset_without_gaps_says_so(results):
    assert "Nothing: every table" in build_report(request(left_out=[]), results)


def test_a_missing_target_is_named_with_the_command(results):
    with pytest.raises(UserError, match="snakemake table2"):
        build_report(request(targets=["table1", "table2"]), results)

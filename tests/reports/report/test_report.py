"""The report: one file with everything in it, and nothing fetched from elsewhere."""

import base64
import os
import re

import pytest

from dlvae.stage.artefact import write_json
from dlvae.stage.errors import UserError
from reports.report.shown_table import TableCell, read_table, sentences


def test_the_report_holds_tables_figures_cards_config_and_provenance(build, results):
    text = build()
    assert "Table 1. Inception Score" in text and "9.71" in text
    png = (results / "figures" / "figure4.png").read_bytes()
    assert text.count(base64.b64encode(png).decode()) == 2  # Figure 4 and the training curves
    assert "Varying one code of ours" in text  # caption, as the picture's alternative text
    assert "0.9812" in text and "CC BY 4.0" in text
    assert "Figure 6" in text and "no unlabelled &lt;images&gt;" in text and "faces" in text
    assert "models/digits/ours/seed3" in text and "torch 2.14.1" in text and "81.2" in text
    assert "steps: 1234" in text


def test_data_cards_say_what_data_are_not_for(build, results):
    said = {"rai:dataLimitations": ["A JPEG copy.", "Not for deciding about anyone."]}
    write_json(results / "data/digits/croissant.json", said)
    text = build()
    assert "limits and misuse" in text and "A JPEG copy. Not for deciding about anyone." in text


def test_the_report_fetches_nothing(build, studies):
    text = build()
    linked = re.findall(r"""(?:\bsrc|\bhref|\burl)\s*[=(]\s*["']?([^"')\s>]+)""", text)
    local = [link for link in linked if link != "shown.src;"]  # the script's own
    assert local and all(link.startswith(("#", "data:image/")) for link in local)
    assert not re.search(r"<script[^>]+src|<link|@import|<iframe|fetch\(|XMLHttp|import\(", text)
    # The browser is told so, too.
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text


def test_anchors_lead_somewhere_and_ids_are_unique(page, studies):
    every = page().every()
    ids = [one.attributes["id"] for one in every if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    anchors = [one.attributes["href"] for one in every if "href" in one.attributes]
    named = [one.attributes[key] for one in every for key in ("aria-labelledby", "for")
             if key in one.attributes]  # fmt: skip
    assert len(anchors) > 5 and {anchor.removeprefix("#") for anchor in anchors} <= set(ids)
    assert named and set(named) <= set(ids)


def test_a_preset_without_gaps_says_so(build):
    assert "Nothing: every table" in build(left_out=[])


def test_a_missing_target_is_named_with_the_command(build, results):
    with pytest.raises(UserError, match="snakemake table2"):
        build(targets=["table1", "table2"])
    (results / "panels/explorer/synthetic_faces/panel.json").unlink()
    with pytest.raises(UserError, match="explorer/synthetic_faces/panel.json.*snakemake report"):
        build()


# --- The demo ----------------------------------------------------------------------------------


def test_a_run_of_the_smoke_protocol_says_that_its_numbers_are_noise(build):
    words = "These numbers are noise"
    assert words in build(protocol="smoke") and words not in build()


# --- Findings ----------------------------------------------------------------------------------


def test_without_the_studies_the_commands_stand_in_their_place(page):
    commands = [one.text for one in page().every("pre") if one.attributes.get("class") == "command"]
    again = "snakemake --cores all report --configfile results/quick/config.yaml"
    assert commands == [
        f"snakemake --cores all {target} --configfile results/quick/config.yaml {again}"
        for target in ("claims", "learning_curves")
    ]


def test_a_study_that_the_preset_cannot_give_says_why(build):
    reason = "preset 'quick' has no curves: set it with --config curves='{factor: 2}'"
    text = build(studies={"claims": "", "learning_curves": reason})
    assert "Preset &#39;quick&#39; has no curves" in text and "all learning_curves" not in text


def test_verdicts_and_curves_that_the_run_made_come_first(page, studies):
    found = page()
    main = found.every("main")[0]
    assert main.every("section")[0].attributes["id"] == "findings"
    table = main.every("table")[0]
    rows = [[cell.text for cell in row.every("th", "td")] for row in table.every("tr")]
    assert [row[1:] for row in rows[1:]] == [
        ["✗ not replicated", "◐ partly"],
        ["✓ replicated", "✓ replicated"],
        ["– not run", "–"],
    ]
    assert rows[1][0].startswith("1. Both models learn the distribution of the toy data")
    assert rows[2][0] == "2. no such claim Section 4.1"  # judged by other rules than are here now
    assert "As published: 1 not replicated, 1 replicated, 1 not run." in main.text
    assert "With fitted priors: 1 partly, 1 replicated." in main.text
    assert main.every("figure")[0].attributes["id"] == "learning-curves"
    assert not [one for one in found.every("pre") if one.attributes.get("class") == "command"]


def test_a_study_that_is_older_than_the_tables_says_so(build, studies):
    (studies / "tables" / "table1.csv").write_text("x\n")
    assert "Made before the tables" in build()
    os.utime(studies / "tables" / "table1.csv", (0, 0))
    assert "Made before the tables" not in build()


def test_another_file_in_the_place_of_the_verdicts_is_refused(build, studies):
    (studies / "claims.csv").write_text("number,claim\n1,x\n")
    with pytest.raises(UserError, match="missing where, form, claim_verdict; delete it and run"):
        build()


# --- Tables ------------------------------------------------------------------------------------


def test_a_table_is_set_in_groups_with_short_cells(results):
    table = read_table(results / "tables" / "table1.html")
    assert table.label == "model" and table.heads[:3] == ["IS", "top-1", "judges agree"]
    assert [title for title, _ in table.groups] == ["synthetic faces", "handwritten digits"]
    for _, rows in table.groups:
        assert [label for label, _ in rows] == ["real data (held out)", "cVAE", "ours"]
        for _, cells in rows:
            assert cells == [
                TableCell("9.71", "[9.63, 9.78]", ""),
                TableCell("98.4 %", "[97.0, 99.1]", ""),
                TableCell("n/a", "", "(n = 24, needs 49 images)"),
                TableCell("9.55", "", "(FaceScrub)"),
                TableCell("–", "", ""),
                TableCell("1.02", "[0.92, 1.13]", "(judges disagree; still learning)"),
                TableCell("32", "", ""),
            ]


def test_a_caption_is_its_first_sentence_and_the_rest_is_folded(page, results):
    table = read_table(results / "tables" / "table1.html")
    assert table.caption == "Table 1. Inception Score (IS) of generated images."
    assert table.notes == [
        "Top-1: share of images that are recognised.",
        "'Paper' is Zheng and Sun (CVPR 2019) on <FaceScrub>.",
        "Seed 3.",
    ]
    folded = [one for one in page().every("details") if "Table 1" in one.every("summary")[0].text]
    assert [item.text for item in folded[0].every("li")] == table.notes


def test_sentences_keep_numbers_and_abbreviations_together():
    text = "Figure 5. One coordinate (Eq. 12). P is 0.5 (n. 3). 'Fitted' is that. All."
    parts = ["Figure 5. One coordinate (Eq. 12).", "P is 0.5 (n. 3).", "'Fitted' is that.", "All."]
    assert sentences(text) == parts


def test_a_page_without_a_table_is_refused(results):
    (results / "tables" / "table1.html").write_text("<html><body>none</body></html>")
    with pytest.raises(UserError, match="table1.html: expected a table .* sets it again"):
        read_table(results / "tables" / "table1.html")

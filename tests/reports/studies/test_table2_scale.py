import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.metrics.ms_ssim.grid import RANGES, STRUCTURES
from eval.protocol import load_protocol
from eval.rows import ScoreRow, write_rows
from reports.studies import table2_scale
from reports.studies.table2_scale import (
    METRICS,
    RANGE_TITLES,
    STRUCTURE_TITLES,
    by_setting,
    scale_page,
)
from reports.tables.inputs import page_parser

NAN = float("nan")
PROTOCOL = Path(__file__).parents[3] / "config" / "protocol" / "v2.yaml"
LABEL = load_protocol(PROTOCOL).label
LEVELS = {"real": 0.9, "cvae_gan": 0.70, "ours": 0.75}


def value_of(metric, model, pixels, structure, seed, **special):
    if (model, pixels, structure) in special.get("values", {}) and metric == METRICS[0]:
        return special["values"][model, pixels, structure]
    mismatched = pixels.endswith("mismatched")
    if metric.startswith("d_intra"):
        if metric.endswith("unclamped") and pixels == "right" and structure == "three_fixed":
            return NAN
        return LEVELS[model] * (0.005 if mismatched else 1) + 0.001 * seed
    if metric == "clamped_share":
        return 0.125 if pixels == "right" and structure == "three_fixed" else 0.0
    return 0.99 if mismatched else 0.4


def rows(datasets=("synthetic_faces",), models=LEVELS, seeds=(0,), **special):
    shared = {"preset": "quick", "ci_low": NAN, "ci_high": NAN, "n": 800, "classes": 20}
    shared |= {"precision": "fp32", "evaluator": "none", "samples": "s", "code": "c"}
    shared |= {"protocol": LABEL}
    found = []
    for dataset, model, seed in itertools.product(datasets, models, seeds):
        for pixels, structure, metric in itertools.product(RANGES, STRUCTURES, METRICS):
            value = value_of(metric, model, pixels, structure, seed, **special)
            kind = "n/a: 12.5 % of pairs have a negative factor" if np.isnan(value) else "none"
            name = f"{metric}:{pixels}:{structure}"
            row = {"dataset": dataset, "model": model, "seed": seed, "metric": name}
            found.append(ScoreRow(value=value, ci_kind=kind, data=f"d{dataset}", **row, **shared))
    return found


def frame(**more):
    return pd.DataFrame(rows(**more))


def test_one_row_per_image_set_and_setting():
    found = by_setting(frame(seeds=(0, 1)))
    assert len(found) == 3 * 2 * len(RANGES) * len(STRUCTURES)
    row = found[(found.model == "ours") & (found.seed == 1)].iloc[0]
    assert (row["range"], row["structure"], row["n"]) == ("right", "three_fixed", 800)
    assert row["d_intra_offdiag"] == pytest.approx(0.751)
    assert np.isnan(row["d_intra_offdiag_unclamped"]) and row["clamped_share"] == 0.125


@pytest.mark.parametrize(
    ("value", "inside"), [(0.0135, False), (0.0136, True), (0.0157, True), (0.0158, False)]
)
def test_the_printed_range_is_that_of_the_papers_table(value, inside):
    key = ("ours", "unit_mismatched", "single")
    found = by_setting(frame(values={key: value}))
    chosen = (found.model == key[0]) & (found.range == key[1]) & (found.structure == key[2])
    assert found[chosen]["in_printed_range"].tolist() == [inside]
    assert found[~chosen]["in_printed_range"].sum() == 0


def test_every_setting_has_a_title():
    assert set(RANGE_TITLES) == set(RANGES) and set(STRUCTURE_TITLES) == set(STRUCTURES)
    assert len(set(STRUCTURE_TITLES.values())) == len(STRUCTURES)


def test_the_page_says_which_settings_land_in_the_printed_range():
    values = {("ours", "unit_mismatched", "single"): 0.0149}
    text = scale_page(by_setting(frame(values=values)), ["synthetic_faces"])
    assert "| **0.0149** |" in text and text.count("**") == 2
    assert "Within the printed span: [0, 1], L = 255 with 1 scale (SSIM): ours." in text
    assert "No setting puts all scored sets of cVAE-GAN and ours" in text
    values[("cvae_gan", "unit_mismatched", "single")] = 0.0140
    text = scale_page(by_setting(frame(values=values)), ["synthetic_faces"])
    assert "[0, 1], L = 255 with 1 scale (SSIM) puts all scored sets" in text
    both = frame(datasets=("synthetic_faces", "digits"), values=values)
    assert "puts all scored sets" in scale_page(by_setting(both), ["synthetic_faces", "digits"])


def test_the_page_says_what_it_shows_from_the_numbers():
    text = scale_page(by_setting(frame(datasets=("digits", "cifar10"))), ["cifar10", "digits"])
    assert "In their right range real images score 0.900 and generated ones 0.700 to 0.750" in text
    assert "[0, 1] real images score 0.00450 and generated ones 0.00350 to 0.00375; the pa" in text
    assert "the paper printed 0.0136 to 0.0157" in text
    assert "correlates with the weighted squared error at 0.9900" in text
    assert "6 of 144 values have pairs with a negative factor, 0 of them in a mism" in text
    assert "Without clamping 6 are undefined" in text
    above = "ours is above cVAE-GAN in 12 of 12 settings with a right range and in 12 of 12 with"
    assert f"On CIFAR-10 {above}" in text and f"On handwritten digits {above}" in text
    assert text.index("## CIFAR-10") < text.index("## Handwritten digits")
    assert "is a hypothesis" in text and "The cause stays unknown." in text


def test_an_order_that_depends_on_the_setting_is_counted():
    values = {("ours", pixels, "single"): 0.0001 for pixels in RANGES}
    text = scale_page(by_setting(frame(values=values)), ["synthetic_faces"])
    assert "above cVAE-GAN in 10 of 12 settings with a right range and in 10 of 12" in text


def test_values_are_means_over_seeds():
    text = scale_page(by_setting(frame(seeds=(0, 2))), ["synthetic_faces"])
    first = next(line for line in text.splitlines() if line.startswith("| \\[0, 255\\]"))
    assert "| 0.9010 | 0.7010 | 0.7510 | 12.5 |" in first
    assert "Mean over the seeds 0, 2; two are too few for an interval over seeds." in text


def test_the_page_and_the_data_have_what_a_value_needs():
    made = frame()
    kept = made["metric"].eq("d_intra_offdiag:right:single") & made["model"].eq("ours")
    made.loc[kept, ["ci_low", "ci_high", "ci_kind"]] = [0.7, 0.8, "bootstrap95_classes"]
    found = by_setting(made)
    text = scale_page(found, ["synthetic_faces"])
    assert "| 0.7500 [0.7000, 0.8000] |" in text
    for part in (
        "20 classes, n = 800 generated images, at most 40 of each of at most 20 classes per model",
        "n = 800 real images, at most 40 of each of at most 20 classes;",
        "scored without an evaluator",
        "Seed 0. In brackets: 95 % intervals, which tell what would change with other",
        f"Protocol {LABEL}; preset quick.",
    ):
        assert part in text
    row = found[found["ci_kind"] == "bootstrap95_classes"].iloc[0]
    assert (row["ci_low"], row["ci_high"], row["structure"]) == (0.7, 0.8, "single")
    assert {"preset", "classes", "precision", "evaluator"} < set(found.columns)


def test_a_run_without_the_models_of_table_2():
    text = scale_page(by_setting(frame(models=["real"])), ["synthetic_faces"])
    assert "Neither cVAE-GAN nor ours is scored in this run." in text
    assert "ours is above" not in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f[~f.metric.str.endswith("right:single")], "expected 24 settings"),
        (lambda f: f.assign(metric="fid"), "score rows of the family scale"),
        (lambda f: f.assign(protocol=[f"v{k % 2}:0" for k in range(len(f))]), "differ in protocol"),
    ],
)
def test_rows_that_are_no_whole_study_are_refused(change, words):
    with pytest.raises(UserError, match=words):
        by_setting(change(frame()))


def test_the_command_writes_both_files(tmp_path):
    write_rows(tmp_path / "a.csv", rows(models=["real"]))
    write_rows(tmp_path / "b.csv", rows(models=["ours"]))
    arguments = ["--scores", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    arguments += ["--config", json.dumps({"datasets": ["synthetic_faces"]})]
    arguments += ["--csv", str(tmp_path / "out.csv"), "--markdown", str(tmp_path / "out.md")]
    run_stage(table2_scale.main, page_parser(""), [*arguments, "--protocol", str(PROTOCOL)])
    assert len(pd.read_csv(tmp_path / "out.csv")) == 48
    assert (tmp_path / "out.md").read_text().startswith("# The scale of Table 2\n")

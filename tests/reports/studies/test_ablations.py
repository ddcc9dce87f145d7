"""Ours beside its ablations, from made-up score rows."""

from argparse import Namespace
from pathlib import Path

import pandas as pd
import pytest

from dlvae.stage.artefact import write_json
from dlvae.stage.errors import UserError
from eval.protocol import load_protocol
from eval.rows import COLUMNS
from reports.studies.ablations import build_ablations, main

PROTOCOL = Path(__file__).parents[3] / "config" / "protocol" / "v2.yaml"
CARD = {
    "dataset": "synthetic_faces",
    "accuracy": 0.9712,
    "weights_sha256": "fa" * 32,
    "inception_score": {"train": 23.5, "test": 22.25},
}
ABLATIONS = {
    "ours_no_adversary": {"lambda_adv": 0},
    "ours_b_covariance": {"fixed_sigma": True, "variant": "paper"},
}
NAN = float("nan")


def row(model, metric, value, interval=(NAN, NAN), kind="none", **more):
    evaluator = "none" if metric.startswith("d_intra") else "fa" * 6
    base = {"preset": "quick", "dataset": "synthetic_faces", "model": model, "seed": 0}
    base |= {"metric": metric, "value": value, "ci_low": interval[0], "ci_high": interval[1]}
    base |= {"ci_kind": kind, "n": 2000, "classes": 20, "precision": "fp32", "data": "d"}
    base |= {"protocol": "v1:0123456789ab", "evaluator": evaluator, "samples": model, "code": "c"}
    return base | more


@pytest.fixture
def rows():
    """Scores of ours and two ablations, in another order than they are to be printed in."""
    kind = "jackknife95_images"
    records = [
        row("ours_b_covariance", "inception_score", 5.5, (5.0, 6.0), kind),
        row("ours_b_covariance", "label_fidelity", 0.3),
        row("ours_b_covariance", "fid", 2.5),
        row("cvae", "inception_score", 3.0, (2.5, 3.5), kind),
        row("ours", "inception_score", 7.25, (7.0, 7.5), kind),
        row("ours", "label_fidelity", 0.25, (0.2, 0.3), "wilson95"),
        row("ours", "fid", 2.0),
        row("ours_no_adversary", "inception_score", 7.251, (7.0, 7.5), kind),
        row("ours_no_adversary", "label_fidelity", NAN, kind="n/a: needs n > 64"),
        row("ours_no_adversary", "fid", 1.0),
    ]
    return pd.DataFrame(records, columns=list(COLUMNS))


def config(ablations=ABLATIONS, **more):
    changed = [{"model": name, "method": keys} for name, keys in ablations.items()]
    return {"dataset": "synthetic_faces", "steps": 1500, "ablations": changed} | more


def compared(rows, *given, **more):
    cards, protocol = {"synthetic_faces": CARD}, load_protocol(PROTOCOL)
    return build_ablations(rows, config(*given, **more), cards, protocol)


def test_values_intervals_and_differences_stand_in_the_order_asked_for(rows):
    printed = compared(rows).printed.cells
    assert printed.index.tolist() == ["ours", "no_adversary", "b_covariance"]
    assert printed["change"].tolist() == [
        "–",
        "lambda_adv: 0",
        "fixed_sigma: true, variant: paper",
    ]
    assert printed["IS"].tolist() == [
        "7.25 [7.00, 7.50]",
        "7.25 [7.00, 7.50] (+0.00)",
        "5.50 [5.00, 6.00] (-1.75)",
    ]
    assert printed["top-1"].tolist() == [
        "25.0 [20.0, 30.0] %",
        "n/a: needs n > 64",
        "30.0 % (+5.0)",
    ]


def test_only_metrics_that_were_scored_have_a_column(rows):
    assert compared(rows).printed.cells.columns.tolist() == ["change", "IS", "top-1", "FID"]
    assert "held-out images. Label" not in compared(rows).printed.caption
    more = [row(name, "probe_excess:z_u", 0.125, n=400) for name in ("ours", *ABLATIONS)]
    found = compared(pd.concat([rows, pd.DataFrame(more)]))
    assert found.printed.cells["label from z_u"].tolist() == ["12.5 %"] + ["12.5 % (+0.0)"] * 2
    assert "Of the codes of held-out images. Label from z_u" in found.printed.caption
    counts = "n = 2000 generated images; n = 400 held-out images per model and seed"
    assert counts in found.printed.caption


def test_an_inception_score_on_which_its_judges_disagree_says_so(rows):
    score = "inception_score"
    more = [
        row("ours", "judge_agreement", 0.76),
        row("ours_no_adversary", "judge_agreement", 0.74),
        *(row(name, f"{score}:plain", 5.0) for name in ("ours", *ABLATIONS)),
        row("ours", "judge_agreement:plain", 0.74),
    ]
    printed = compared(pd.concat([rows, pd.DataFrame(more)])).printed
    disagree = " (judges disagree)"
    assert [text.endswith(disagree) for text in printed.cells["IS"]] == [False, True, False]
    assert [text.endswith(disagree) for text in printed.cells["IS, plain judges"]] == [
        True,
        False,
        False,
    ]
    assert "in fewer than 75% of the images" in printed.caption


def test_the_caption_names_every_printed_column_that_an_interval_is_of(rows):
    error = row("ours", "reconstruction_mse", 0.1, (0.0, 0.2), "t95_images", n=400)
    text = compared(pd.concat([rows, pd.DataFrame([error])])).printed.caption
    assert "(t): reconstruction MSE" in text and "(Wilson): top-1" in text
    assert "The IS is of all images at once (one split)." in text


def test_the_data_hold_every_metric_and_its_difference(rows):
    data = compared(rows).data
    assert data["model"].tolist() == [n for n in ("ours", *ABLATIONS) for _ in range(3)]
    by_key = data.set_index(["model", "metric"])
    assert by_key.loc[("ours_no_adversary", "fid"), "difference"] == -1.0
    assert by_key.loc[("ours_b_covariance", "inception_score"), "difference"] == -1.75
    assert by_key.loc["ours", "difference"].isna().all()
    assert pd.isna(by_key.loc[("ours_no_adversary", "label_fidelity"), "difference"])
    assert by_key.loc[("ours_no_adversary", "fid"), "change"] == "lambda_adv: 0"
    assert set(data["steps"]) == {1500} and set(COLUMNS) < set(data.columns)


def test_the_caption_says_what_a_number_needs(rows):
    text = compared(rows).printed.caption
    for part in (
        "Ablations on synthetic faces",
        "after 1500 steps",
        "20 classes, 100 images per class, n = 2000",
        "evaluator fafafafafafa, held-out accuracy 0.971",
        "Seed 0.",
        "how far another training would differ is not known",
        "Protocol v1:0123456789ab; preset quick",
    ):
        assert part in text


def test_rows_that_do_not_belong_together_are_refused(rows):
    with pytest.raises(UserError, match="expected scores of ours_lost on synthetic_faces"):
        compared(rows, ABLATIONS | {"ours_lost": {"n_gm": 1}})
    with pytest.raises(UserError, match="one seed, found \\[0, 1\\]"):
        compared(pd.concat([rows, pd.DataFrame([row("ours", "fid", 1.0, seed=1)])]))
    other = rows.assign(protocol=["v2:0"] + ["v1:0123456789ab"] * (len(rows) - 1))
    with pytest.raises(UserError, match="differ in protocol"):
        compared(other)
    other = rows.assign(evaluator="0" * 12)
    with pytest.raises(UserError, match="expected scores of evaluator fafafafafafa"):
        compared(other)


def test_the_command_writes_both_files(rows, tmp_path):
    label = load_protocol(PROTOCOL, {}).label
    rows.assign(protocol=label).to_csv(tmp_path / "rows.csv", index=False)
    write_json(tmp_path / "card.json", CARD)
    arguments = Namespace(
        scores=[tmp_path / "rows.csv"],
        cards=[tmp_path / "card.json"],
        protocol=PROTOCOL,
        config=config(),
        csv=tmp_path / "out" / "ablations.csv",
        markdown=tmp_path / "out" / "ablations.md",
    )
    main(arguments)
    text = arguments.markdown.read_text(encoding="utf-8")
    assert "| no_adversary | lambda_adv: 0 | 7.25 [7.00, 7.50] (+0.00) |" in text
    data = pd.read_csv(arguments.csv)
    assert len(data) == 9 and "caption" not in data  # said once, in the Markdown beside
    arguments.config = config(protocol_overrides={"bn_eval": "batch"})
    known = load_protocol(PROTOCOL).id
    with pytest.raises(UserError, match=f"expected scores of protocol {known}:"):
        main(arguments)


def test_other_models_stand_below_and_the_caption_says_which_is_which(rows):
    more = [row(name, "inception_score", 4.0) for name in ("cvae_gan", "cvae_gan_bao")]
    rows = pd.concat([rows, pd.DataFrame(more)])
    found = compared(rows, beside=["cvae_gan", "cvae_gan_bao"])
    assert found.printed.cells.index.tolist()[-2:] == ["cVAE-GAN", "CVAE-GAN (Bao et al.)"]
    assert found.printed.cells.loc["CVAE-GAN (Bao et al.)", "change"] == "–"
    assert found.printed.cells.loc["cVAE-GAN", "IS"] == "4.00 (-3.25)"
    assert (
        "the cited model in full, with its classifier and feature matching" in found.printed.caption
    )


def test_fitted_forms_stand_below_and_are_compared_with_ours_fitted(rows):
    more = [
        row("ours_fitted", "fid", 1.5),
        row("ours_b_covariance_fitted", "fid", 1.0),
        row("ours_no_adversary_fitted", "fid", 9.0),  # not asked for
    ]
    rows = pd.concat([rows, pd.DataFrame(more)])
    found = compared(rows, beside=["cvae"], fitted=["ours", "ours_b_covariance"])
    names = ["ours", "ours, fitted", "no_adversary", "b_covariance", "b_covariance, fitted", "cVAE"]
    assert found.printed.cells.index.tolist() == names
    assert found.printed.cells["FID"].tolist() == [
        *("2.000", "1.500", "1.000 (-1.000)", "2.500 (+0.500)", "1.000 (-0.500)", "–"),
    ]
    change = found.printed.cells["change"]
    assert (
        change["b_covariance, fitted"] == change["b_covariance"] and change["ours, fitted"] == "–"
    )
    data = found.data[found.data["metric"] == "fid"].set_index("model")["difference"]
    assert data["ours_b_covariance_fitted"] == -0.5 and data["ours_b_covariance"] == 0.5
    assert data[["ours", "ours_fitted"]].isna().all()
    assert "of fitted forms to ours fitted" in found.printed.caption
    with pytest.raises(UserError, match="expected scores of cvae_fitted on"):
        compared(rows, beside=["cvae"], fitted=["cvae"])

"""The table of disentanglement: several families in one, metrics in rows, gaps where there are."""

from pathlib import Path

import pandas as pd
import pytest

from eval.protocol import load_protocol
from eval.rows import COLUMNS
from reports.tables.__main__ import build_table, write_table
from reports.tables.inputs import TableInputs
from reports.tables.specs import CODES, TABLES

PROTOCOL = Path(__file__).parents[3] / "config" / "protocol" / "v2.yaml"
NAN = float("nan")
CARD = {"accuracy": 0.9712, "weights_sha256": "fa" * 32, "inception_score": {"test": 22.25}}
CARDS = {"synthetic_faces": CARD | {"dataset": "synthetic_faces"}}
OF_SWAPS = ("swap_identity:seen", "swap_factors:seen")
OF_EFFECTS = ("effect_disentanglement", "effect_completeness", "effect_gap")


def row(dataset, model, metric, value, n=360, **more):
    record = dict.fromkeys(COLUMNS, "") | {"preset": "quick", "dataset": dataset, "model": model}
    record |= {"seed": 0, "metric": metric, "value": value, "ci_low": NAN, "ci_high": NAN, "n": n}
    record |= {"ci_kind": "none", "classes": 24, "protocol": "v1:0123456789ab", "data": dataset}
    record |= {"precision": "fp32", "evaluator": "none", "samples": model, "code": "c0de"}
    return record | more


@pytest.fixture
def rows():
    """Ours by three families, a baseline by one, whose code is z_u."""
    faces = "synthetic_faces"
    records = [
        row(faces, "ours", "probe_mlp:z_s", 0.912, ci_low=0.9, ci_high=0.92, ci_kind="wilson95"),
        row(faces, "ours", "aggregate_kl", 0.0123),
        row(faces, "ours", "mig", 0.25, n=20000),
        row(faces, "ours", "factor_r2:azimuth", 0.875),
        row(faces, "ours", "effect:azimuth", 0.4, n=5120, evaluator="none+0123456789ab"),
        row(faces, "ours", "effect_coordinate:azimuth", 17.0, n=5120),
        row(faces, "cvae", "probe_mlp:z_u", 0.1),
        row(faces, "cvae", "probe_mlp:z_s", NAN, ci_kind="n/a: the model has no z_s"),
        row("digits", "ours", "aggregate_kl", 0.5, n=297),
        row("digits", "ours", "effect_gap", NAN, n=1, ci_kind="n/a: needs ground-truth factors"),
    ]
    judged = {"n": 500, "evaluator": "fa" * 6}
    records += [row(faces, "ours", name, 0.75, **judged) for name in OF_SWAPS]
    records += [row(faces, "ours", name, 0.625, n=5120) for name in OF_EFFECTS]
    return pd.DataFrame(records, columns=list(COLUMNS))


def build(rows):
    datasets, models = ["synthetic_faces", "digits"], ["cvae", "cgan", "ours"]
    spec, protocol = TABLES["disentanglement"], load_protocol(PROTOCOL)
    return build_table(spec, TableInputs(rows, datasets, models, CARDS), protocol)


def test_metrics_of_all_families_stand_in_rows_and_models_in_columns(rows):
    printed = build(rows).printed.cells
    faces = "synthetic faces"
    assert printed.columns.tolist() == [
        (faces, "cVAE"),
        (faces, "ours"),
        ("handwritten digits", "ours"),
    ]
    ours = printed[faces, "ours"]
    assert ours["label from z_s, MLP"] == "91.2 [90.0, 92.0] %"
    assert ours["aggregate KL of z_u, nats per dimension"] == "0.0123"
    assert (ours["MIG"], ours["R2 of azimuth from z_u"]) == ("0.250", "0.875")
    assert ours["largest effect on azimuth"] == "0.400" and ours["effect gap"] == "0.625"
    assert ours["swaps with the factors of z_u"] == "75.0 %"


def test_what_a_model_or_a_data_set_has_not_is_blank_or_says_why(rows):
    printed = build(rows).printed.cells
    baseline = printed["synthetic faces", "cVAE"]
    assert baseline["label from z_u, MLP"] == "10.0 %" and baseline["MIG"] == "–"
    assert baseline["label from z_s, MLP"] == "n/a: the model has no z_s"
    digits = printed["handwritten digits", "ours"]
    assert digits["effect gap"] == "n/a: needs ground-truth factors"
    # What nobody was scored by is no row.
    assert "SAP" not in printed.index and "R2 of elevation from z_u" not in printed.index


def test_the_caption_counts_what_each_family_was_measured_on(rows):
    caption = build(rows).printed.caption
    counted = "360 held-out images, 20000 training images for MIG and SAP, "
    counted += "5120 decoded images for effects, 500 swapped images"
    assert f"Synthetic faces: 24 classes, n = {counted}; evaluator fafafafafafa" in caption
    assert "Handwritten digits: 24 classes, n = 297 held-out images; no evaluator" in caption
    assert "left out: cGAN." in caption and "Wilson" in caption
    assert "Protocol v1:0123456789ab; preset quick." in caption


def test_every_format_has_every_number(rows, tmp_path):
    table = build(rows)
    write_table(table, tmp_path)
    lines = (tmp_path / "disentanglement.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == (
        "| metric | synthetic faces: cVAE | synthetic faces: ours | handwritten digits: ours |"
    )
    assert len([line for line in lines if line.startswith("|")]) == 2 + len(table.printed.cells)
    for kind in ("html", "tex"):
        text = (tmp_path / f"disentanglement.{kind}").read_text(encoding="utf-8")
        assert "0.0123" in text and "effect gap" in text and "500 swapped images" in text
    data = pd.read_csv(tmp_path / "disentanglement.csv")
    coordinate = data[data["metric"] == "effect_coordinate:azimuth"]
    assert set(coordinate["value"]) == {17} and set(data["table"]) == {"disentanglement"}
    assert len({column.title for column in CODES}) == len(CODES)

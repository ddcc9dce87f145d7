"""Score rows on disk, and what may not share a table."""

import dataclasses
import math

import pandas as pd
import pytest

from dlvae.stage.errors import UserError
from eval.rows import (
    COLUMNS,
    ScoreRow,
    every_hash,
    first_hash,
    hashes_text,
    read_rows,
    refuse_mixed,
    write_rows,
)

ROW = ScoreRow(
    preset="quick",
    dataset="digits",
    model="ours",
    seed=0,
    metric="inception_score",
    value=0.1 + 0.2,
    ci_low=math.nan,
    ci_high=math.nan,
    ci_kind="none",
    n=5000,
    classes=10,
    precision="fp32",
    protocol="v1:012345678901",
    evaluator="123456789012",
    samples="12e456789012",
    data="000000000001",
    code="c0de",
)


def row(**changes):
    return dataclasses.replace(ROW, **changes)


def frame(*rows):
    return pd.DataFrame([dataclasses.asdict(r) for r in rows], columns=list(COLUMNS))


def test_columns_are_those_of_the_contract():
    expected = "preset, dataset, model, seed, metric, value, ci_low, ci_high, ci_kind, n, classes, "
    expected += "precision, protocol, evaluator, samples, data, code"
    assert ", ".join(COLUMNS) == expected


def test_rows_read_back_as_written(tmp_path):
    rows = [row(), row(model="real", value=1e-17, ci_low=0.25, ci_high=0.5, ci_kind="bootstrap")]
    write_rows(tmp_path / "a.csv", rows)
    found = read_rows([tmp_path / "a.csv"])
    pd.testing.assert_frame_equal(found, frame(*rows), check_dtype=False)
    assert found["value"].tolist() == [0.1 + 0.2, 1e-17]
    assert found["samples"].tolist() == ["12e456789012"] * 2  # not the number 12e456789012
    assert found["data"][0] == "000000000001"


def test_equal_rows_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_rows(tmp_path / name, [row()])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_text().splitlines()[0] == ",".join(COLUMNS)


def test_files_are_joined(tmp_path):
    for seed in (0, 1):
        write_rows(tmp_path / f"{seed}.csv", [row(seed=seed)])
    found = read_rows([tmp_path / "0.csv", tmp_path / "1.csv"])
    assert found["seed"].tolist() == [0, 1] and found.index.tolist() == [0, 1]
    assert list(read_rows([]).columns) == list(COLUMNS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"value": math.nan}, "finite"), ({"value": math.inf}, "finite"), ({"n": 0}, "n and classes")],
)
def test_no_row_without_a_number(tmp_path, changes, words):
    with pytest.raises(UserError, match=words):
        write_rows(tmp_path / "a.csv", [row(**changes)])
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "readable score rows"),
        ("preset,dataset\nquick,digits\n", "columns"),
        (",".join(COLUMNS) + "\n" + "x," * 16 + "x\n", "readable score rows"),
    ],
)
def test_malformed_files_are_named(tmp_path, text, words):
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=f"{words}|scores.csv") as error:
        read_rows([path])
    assert words in str(error.value) and "scores.csv" in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="none.csv"):
        read_rows([tmp_path / "none.csv"])


def test_comparable_rows_pass():
    other = {"dataset": "faces", "data": "f", "evaluator": "g"}
    diversity = {"metric": "d_intra_standard", "evaluator": "none"}
    refuse_mixed(
        frame(row(), row(model="real"), row(seed=1), row(**other), row(**diversity), row(code="x"))
    )


@pytest.mark.parametrize("column", ["protocol", "evaluator", "data"])
def test_mixed_rows_are_refused_with_what_differs(column):
    mixed = frame(row(), row(model="cvae", seed=3, **{column: "another"}))
    with pytest.raises(UserError) as error:
        refuse_mixed(mixed)
    message = str(error.value)
    assert f"differ in {column}" in message
    assert "another (digits/cvae/seed3)" in message
    assert f"{getattr(ROW, column)} (digits/ours/seed0)" in message


def test_metrics_may_differ_in_further_judges_and_data_and_no_metric_within_itself():
    further = {"evaluator": "123456789012+b", "data": "000000000001+u"}
    swaps = row(metric="swap_factors:unseen_after", **further)
    refuse_mixed(frame(row(), swaps, dataclasses.replace(swaps, seed=1)))
    for column in further:
        mixed = frame(row(), swaps, dataclasses.replace(swaps, seed=1, **{column: "a+c"}))
        with pytest.raises(UserError, match=f"differ in {column}"):
            refuse_mixed(mixed)
        own = further[column].partition("+")[0]
        mixed = frame(swaps, dataclasses.replace(swaps, seed=1, **{column: f"{own}+c"}))
        with pytest.raises(UserError, match=f"of swap_factors:unseen_after on digits .* {column}"):
            refuse_mixed(mixed)
    other_set = dataclasses.replace(swaps, data="000000000002+u")
    with pytest.raises(UserError, match="scores on digits differ in data"):
        refuse_mixed(frame(row(), other_set))


def test_a_column_of_several_hashes_begins_with_the_first_and_can_be_joined():
    both = hashes_text("ab" * 32, "cd" * 32)
    assert both == "abababababab+cdcdcdcdcdcd" and hashes_text("none") == "none"
    assert first_hash(both) == first_hash("abababababab") == "abababababab"
    assert every_hash(["a", "a+c", "a+b", "a"]) == "a+c+b"


def test_one_protocol_for_all_data_sets():
    with pytest.raises(UserError, match="differ in protocol"):
        refuse_mixed(frame(row(), row(dataset="faces", protocol="v2:0")))

"""Every benchmark runs from its command line, on tiny sizes, and writes its rows where asked to."""

import csv
import importlib

import pytest

from tests.benchmarks import features_and_scores


def rows_of(name: str, path, *arguments: str) -> list[dict[str, str]]:
    main = importlib.import_module(f"tests.benchmarks.{name}").main
    tiny = ["--tiny", "--rounds", "2", "--threads", "1"]
    main([*tiny, "--out", str(path), *arguments])
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_training_step(tmp_path, capsys) -> None:
    rows = rows_of("training_step", tmp_path / "speed.csv")
    literal = [f"literal {kind}" for kind in ("fp32", "bf16")]
    literal += [f"literal channels_last {kind}" for kind in ("fp32", "bf16")]
    expected = [*literal, "ours fp32", "ours bf16", "GEMM 64 fp32", "GEMM 64 bf16"]
    assert [row["side"] for row in rows if row["width"] == "full"] == expected
    by_side = {row["side"]: row for row in rows if row["width"] == "full"}
    own_base = {"ratio": "literal fp32", "ratio_to_bf16": "literal bf16"}
    own_base |= {"share_of_bf16_peak": "GEMM 64 bf16", "share_of_own_peak": "GEMM 64 fp32"}
    own_base |= {"ratio_to_channels_last": "literal channels_last fp32"}
    assert all(float(by_side[side][column]) == 1 for column, side in own_base.items())
    assert all(row["precision"] == row["side"].split()[-1] for row in rows)
    for row in rows:  # the share per round: images/s times GFLOP/image, in the round's GEMM
        peak = by_side["GEMM 64 bf16"] if row["width"] == "full" else rows[-1]
        each, peak = ([float(s) for s in r["seconds_each"].split(";")] for r in (row, peak))
        work = 2 * 64**3 / 1e9 if "GEMM" in row["side"] else 6 * float(row["gflop_per_image"])
        shares = [work / a * b / (2 * 64**3 / 1e9) for a, b in zip(each, peak, strict=True)]
        assert float(row["share_of_bf16_peak"]) == pytest.approx(sum(shares) / 2, rel=1e-3)
    assert "x literal bf16" in capsys.readouterr().out


@pytest.mark.slow
def test_fast_parts(tmp_path) -> None:
    rows = rows_of("fast_parts", tmp_path / "fast.csv")
    assert len(rows) == 3 * 7
    assert [float(row["ratio"]) for row in rows if row["side"] == "fast"] == [1, 1, 1]


def test_peer_step(tmp_path) -> None:
    rows = rows_of("peer_step", tmp_path / "peers.csv")
    assert [row["model"] for row in rows] == ["cvae_gan"] * 6 + ["cgan"] * 6
    mimicry = "torch-mimicry (re-created)"
    assert [row["side"] for row in rows[-3:]] == [mimicry, f"{mimicry} channels_last", "our cgan"]
    assert float(rows[-2]["ratio_to_channels_last"]) == 1


def test_features_and_scores(tmp_path) -> None:
    rows = rows_of("features_and_scores", tmp_path / "scores.csv")
    assert [row["side"] for row in rows] == ["torch-fidelity", "ours"]
    assert all(
        (row["models"], row["images"], row["base"]) == ("2", "128", "torch-fidelity")
        for row in rows
    )


def test_both_ways_of_scoring_give_the_same_scores() -> None:
    evaluator = features_and_scores.one_judge()
    sets = features_and_scores.image_sets(models=2, count=128)
    theirs, own = (
        way(evaluator, *sets) for way in (features_and_scores.fidelity, features_and_scores.ours)
    )
    scores = [found["inception_score"] for found in own]
    assert scores == pytest.approx([found["inception_score"] for found in theirs], rel=1e-6)
    assert scores[0] > scores[1] > 1  # of real digits, the second with more noise
    for found, expected in zip(own, theirs, strict=True):
        assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_scaling(tmp_path) -> None:
    rows = rows_of("scaling", tmp_path / "scaling.csv")
    assert [row["curve"] for row in rows] == ["batch", "batch", "width", "width"] + ["classes"] * 2
    assert [bool(row["peak_mib"]) for row in rows] == [False] * 4 + [True] * 2


@pytest.mark.slow
def test_ms_ssim(tmp_path) -> None:
    rows = rows_of("ms_ssim", tmp_path / "ms_ssim.csv")
    parts = [row["part"] for row in rows]
    assert set(parts) == {"tuning", "comparison", "growth"}
    assert parts[-3:] == ["growth"] * 3 and [row["n"] for row in rows[-3:]] == ["4", "6", "8"]
    assert all(row["extra_mb"] and row["upper_exponent"] for row in rows[-3:])
    compared = [row for row in rows if row["part"] == "comparison"]
    assert all(
        abs(float(row["mean_difference"])) < 1e-5
        for row in compared
        if row["side"] == "pytorch-msssim"
    )

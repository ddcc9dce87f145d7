"""Every benchmark runs from its command line, on tiny networks, and writes its rows."""

import csv
import importlib

import numpy as np
import pytest

from eval.evaluator.load import load_evaluator
from tests.benchmarks import features_and_scores
from tests.benchmarks.scaling import power_law


def rows_of(name: str, path, *arguments: str) -> list[dict[str, str]]:
    main = importlib.import_module(f"tests.benchmarks.{name}").main
    main(["--rounds", "2", "--threads", "1", "--out", str(path), *arguments])
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_training_step(tmp_path, capsys) -> None:
    rows = rows_of("training_step", tmp_path / "speed.csv", "--tiny")
    sides = [row["side"] for row in rows if row["width"] == "full"]
    assert sides == ["literal fp32", "literal bf16", "ours fp32", "ours bf16"]
    assert [float(row["ratio"]) for row in rows if row["side"] == "literal fp32"] == [1, 1]
    assert all(row["precision"] in row["side"] for row in rows)
    assert all(0 < float(row["share_of_bf16_peak"]) < 1 for row in rows)
    assert "x literal bf16" in capsys.readouterr().out


def test_peer_step(tmp_path) -> None:
    rows = rows_of("peer_step", tmp_path / "peers.csv", "--tiny")
    assert [row["model"] for row in rows] == ["cvae_gan"] * 4 + ["cgan"] * 4
    assert all(row["peer"] == "re-created" for row in rows if row["model"] == "cgan")


def test_features_and_scores(tmp_path) -> None:
    rows = rows_of("features_and_scores", tmp_path / "scores.csv", "--tiny")
    assert [row["side"] for row in rows] == ["torch-fidelity", "ours"]
    assert all(
        (row["models"], row["images"], row["base"]) == ("2", "128", "torch-fidelity")
        for row in rows
    )


def test_both_ways_of_scoring_give_the_same_scores() -> None:
    evaluator = load_evaluator(features_and_scores.EVALUATOR, "cpu")
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
    rows = rows_of("scaling", tmp_path / "scaling.csv", "--tiny")
    assert [row["curve"] for row in rows] == ["batch", "batch", "width", "width"] + ["classes"] * 2
    assert [bool(row["peak_mib"]) for row in rows] == [False] * 4 + [True] * 2


def test_a_power_law_is_found_again() -> None:
    sizes = np.array([10, 100, 530, 2000])
    assert power_law(sizes, 3.0 * sizes**1.5).exponent == pytest.approx(1.5)
    fit = power_law(sizes, 3.0 * sizes**1.5 * np.array([1.1, 0.9, 1.1, 0.9]))
    assert 0 < fit.error < 0.1 and abs(fit.exponent - 1.5) < 3 * fit.error

import dataclasses
import json

import numpy as np
import pytest
from scipy.special import softmax

from dlvae.data.dataset import Split, save_dataset
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.judge import report_card as stage
from eval.judge.augment import fixed
from eval.judge.evaluator import load_evaluator
from eval.judge.features import FeatureSet, save_features
from eval.judge.report_card import calibration_error, report
from eval.metrics.inception_score import agreement, top_class

CARD = {"dataset": "letters", "classes": 3, "class_names": ["a", "b", "c"]}


def judged(labels, answers, evaluator="e" * 64):
    """Feature set of an evaluator that is nearly sure of `answers`."""
    logits = 20 * np.eye(3, dtype=np.float32)[answers]
    return FeatureSet(logits, logits, np.array(labels), "i" * 64, "none", evaluator, "letters")


def test_report_counts_what_was_judged_right():
    test = judged([0, 0, 1, 1], [0, 2, 1, 1])
    found = report(judged([0, 1, 2], [0, 1, 2]), test, CARD)
    assert found["accuracy"] == 0.75 and found["accuracy_train"] == 1.0
    assert found["accuracy_per_class"] == [0.5, 1.0, None]
    assert found["confusion"] == [[1, 0, 1], [0, 2, 0], [0, 0, 0]]
    assert found["calibration_error"] == pytest.approx(0.25, abs=1e-6)
    assert found["inception_score"]["train"] == pytest.approx(3.0, abs=1e-5)
    entropy = -(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25))
    assert found["inception_score"]["test"] == pytest.approx(np.exp(entropy), abs=1e-5)
    assert found["images"] == {"train": 3, "test": 4}
    assert found["agreement"] is None and found["accuracy_by_member"] == [0.75]


def test_report_of_an_ensemble():
    answers = np.array([[0, 0, 0], [0, 0, 2], [1, 1, 1], [0, 1, 1]])
    logits = 20 * np.eye(3, dtype=np.float32)[answers]
    test = dataclasses.replace(judged([0, 0, 1, 1], [0, 0, 1, 1]), logits=logits)
    found = report(test, test, CARD)
    assert found["accuracy"] == 1.0 and found["accuracy_by_member"] == [0.75, 1.0, 0.75]
    assert found["agreement"] == pytest.approx((1 + 1 / 3 + 1 + 1 / 3) / 4)
    # Sure of one class, sure of two thirds: 0 and 1/3 too little confidence.
    assert found["calibration_error"] == pytest.approx((1 / 3 + 1 / 3) / 4, abs=1e-6)


def test_calibration_error_is_that_of_the_definition():
    draws = np.random.default_rng(0)
    logits, labels = 2 * draws.normal(size=(500, 4)), draws.integers(0, 4, 500)
    p = softmax(logits, axis=1)
    expected = 0.0
    for low in range(10):
        inside = (p.max(1) > low / 10) & (p.max(1) <= (low + 1) / 10)
        if inside.any():
            gap = np.mean(p.max(1)[inside]) - np.mean(p.argmax(1)[inside] == labels[inside])
            expected += inside.mean() * abs(gap)
    assert calibration_error(logits, labels, bins=10) == pytest.approx(expected, rel=1e-12)


def test_a_calibrated_judge_has_little_error_and_a_sure_one_much():
    draws = np.random.default_rng(1)
    logits = draws.normal(size=(20000, 5)) * 2
    labels = (softmax(logits, 1).cumsum(1) > draws.random((20000, 1))).argmax(1)
    assert calibration_error(logits, labels) < 0.02
    assert calibration_error(3 * logits, labels) > 0.1


def test_two_evaluators_have_no_common_report():
    with pytest.raises(UserError, match="features of one evaluator"):
        report(judged([0], [0]), judged([0], [0], "f" * 64), CARD)


def test_command_line(tmp_path, capsys, save_evaluator):
    labels = np.arange(9) % 3
    images = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), np.uint8)
    split = Split(images, None, labels, np.array(CARD["class_names"]))
    fields = {"dataset": "letters", "source": "made up", "licence": "none", "flip": False}
    save_dataset(tmp_path / "data", {"train": split, "test": split}, fields | {"preparation": {}})
    folder = save_evaluator(tmp_path / "judge", CARD["class_names"])
    evaluator = load_evaluator(folder)
    own = evaluator.card["weights_sha256"]
    for name in ("train", "test"):
        save_features(tmp_path / f"{name}.npz", judged([0, 1, 2], [0, 1, 1], own))
    arguments = [f"--{name}={tmp_path / name}.npz" for name in ("train", "test")]
    arguments += [f"--evaluator={folder}", f"--data={tmp_path / 'data'}"]
    arguments += [f"--out={tmp_path / 'report.json'}"]
    run_stage(stage.main, stage.command(), arguments)
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["accuracy"] == pytest.approx(2 / 3) and found["kind"] == "robust"
    degraded = dict(fixed(images))
    assert found["degraded"].keys() == degraded.keys()
    noisy = evaluator.predict(degraded["noise"]).logits
    expected = {"accuracy": np.mean(top_class(noisy) == labels), "agreement": agreement(noisy)}
    assert found["degraded"]["noise"] == pytest.approx(
        {"accuracy": expected["accuracy"], "agreement": expected["agreement"].mean()}
    )
    said = capsys.readouterr().out
    assert "letters, robust: held-out accuracy 0.6667" in said and "low_resolution 0." in said

    save_features(tmp_path / "train.npz", judged([0, 1, 2], [0, 1, 1]))
    save_features(tmp_path / "test.npz", judged([0, 1, 2], [0, 1, 1]))
    with pytest.raises(SystemExit):
        run_stage(stage.main, stage.command(), arguments)
    assert "expected the evaluator of the features, eeee" in capsys.readouterr().err


def test_a_report_is_of_the_weights_that_judged():
    test = dataclasses.replace(judged([0], [0]), evaluator="e" * 64)
    assert report(test, test, CARD)["weights_sha256"] == "e" * 64

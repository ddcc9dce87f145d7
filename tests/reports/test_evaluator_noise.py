import json

import pandas as pd
import pytest

from dlvae.errors import UserError
from dlvae.runtime import run_stage
from eval.rows import ScoreRow, write_rows
from reports import evaluator_noise
from reports.evaluator_noise import compare

SCORES = {"real": (9.0, 9.1), "cvae": (3.0, 3.5), "cvae_gan": (6.9, 7.2), "ours": (7.0, 7.1)}


def rows(side, evaluator, samples="s"):
    shared = {"preset": "quick", "dataset": "digits", "seed": 0, "ci_low": float("nan")}
    shared |= {"ci_high": float("nan"), "ci_kind": "none", "n": 5000, "classes": 10}
    shared |= {"precision": "fp32", "protocol": "v1:0", "data": "d", "code": "c"}
    return [
        ScoreRow(
            model=model,
            metric=metric,
            value=values[side],
            evaluator=evaluator,
            samples=f"{samples}{model}",
            **shared,
        )
        for model, values in SCORES.items()
        for metric in ("inception_score", "label_fidelity")
    ]


def frame(*arguments, **more):
    return pd.DataFrame(rows(*arguments, **more))


def test_changes_and_gaps_are_differences_of_the_scores():
    found = compare(frame(0, "aa"), frame(1, "bb")).set_index("model")
    assert found.loc["cvae", "change"] == pytest.approx(0.5)
    assert found.loc["cvae_gan", "gap_first"] == pytest.approx(0.1)
    assert found.loc["cvae_gan", "gap_second"] == pytest.approx(-0.1)
    assert found.loc[["ours", "real"], "gap_first"].isna().all()


def test_the_page_says_which_order_depends_on_the_evaluator(tmp_path):
    files = {}
    for side, (name, evaluator) in enumerate({"first": "aa", "second": "bb"}.items()):
        write_rows(tmp_path / f"{name}.csv", rows(side, evaluator))
        files[name] = str(tmp_path / f"{name}.csv")
        report = {"dataset": "digits", "accuracy": 0.97 + side / 100, "weights_sha256": name * 4}
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
    reports = [str(tmp_path / f"{name}.json") for name in files]
    arguments = ["--first", files["first"], "--second", files["second"], "--reports", *reports]
    arguments += ["--config", '{"datasets": ["digits"]}', "--csv", str(tmp_path / "out.csv")]
    arguments += ["--markdown", str(tmp_path / "out.md")]
    run_stage(evaluator_noise.main, evaluator_noise.command(), arguments)
    text = (tmp_path / "out.md").read_text()
    assert "| handwritten digits | cVAE-GAN | 6.90 | 7.20 | 0.30 | 0.10 | -0.10 |" in text
    assert "the order of ours and cVAE-GAN depends on the evaluator" in text
    assert "firstfirstfi (held-out accuracy 0.970) and secondsecond (held-out accuracy 0.98" in text
    assert "largest change of a model 0.50" in text
    assert pd.read_csv(tmp_path / "out.csv")["change"].max() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (frame(1, "aa"), "two different evaluators"),
        (frame(1, "bb", samples="t"), "the same sample sets"),
        (frame(1, "bb").iloc[:4], "the same models under both"),
    ],
)
def test_what_cannot_be_compared_is_refused(second, words):
    with pytest.raises(UserError, match=words):
        compare(frame(0, "aa"), second)

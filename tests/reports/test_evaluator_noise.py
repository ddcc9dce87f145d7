import json
from pathlib import Path

import pandas as pd
import pytest

from dlvae.errors import UserError
from dlvae.runtime import run_stage
from eval.protocol import load_protocol
from eval.rows import ScoreRow, write_rows
from reports import evaluator_noise
from reports.evaluator_noise import compare, printed, text_below

PROTOCOL = Path(__file__).parents[2] / "config" / "protocol" / "v2.yaml"
LABEL = load_protocol(PROTOCOL).label

SCORES = {"real": (9.0, 9.1), "cvae": (3.0, 3.5), "cvae_gan": (6.9, 7.2), "ours": (7.0, 7.1)}


def rows(side, evaluator, samples="s", **more):
    shared = {"preset": "quick", "dataset": "digits", "seed": 0, "n": 5000, "classes": 10}
    shared |= {"precision": "fp32", "protocol": LABEL, "data": "d", "code": "c"} | more
    return [
        ScoreRow(
            model=model,
            metric=metric,
            value=values[side],
            ci_low=values[side] - 0.25,
            ci_high=values[side] + 0.25,
            ci_kind="jackknife95_images",
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
        write_rows(tmp_path / f"{name}.csv", rows(side, evaluator * 6))
        files[name] = str(tmp_path / f"{name}.csv")
        report = {"dataset": "digits", "accuracy": 0.97 + side / 100}
        report |= {"weights_sha256": evaluator * 32, "inception_score": {"test": 9.5 + side / 4}}
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
    reports = [str(tmp_path / f"{name}.json") for name in files]
    arguments = ["--first", files["first"], "--second", files["second"], "--reports", *reports]
    arguments += ["--config", '{"datasets": ["digits"]}', "--csv", str(tmp_path / "out.csv")]
    arguments += ["--markdown", str(tmp_path / "out.md"), "--protocol", str(PROTOCOL)]
    run_stage(evaluator_noise.main, evaluator_noise.command(), arguments)
    text = (tmp_path / "out.md").read_text()
    cells = "6.90 [6.65, 7.15] | 7.20 [6.95, 7.45] | 0.30 | 0.10 | -0.10"
    assert f"| handwritten digits | cVAE-GAN | {cells} |" in text
    assert "the order of ours and cVAE-GAN depends on the evaluator" in text
    for part in (
        "evaluator aaaaaaaaaaaa, held-out accuracy 0.970, IS of real held-out images 9.50 and "
        "evaluator bbbbbbbbbbbb, held-out accuracy 0.980, IS of real held-out images 9.75.",
        "10 classes, 500 images per class, n = 5000 generated images",
        "one split",
        "Seed 0. In brackets: 95 % intervals over images of the one model (delete-a-group",
        f"Protocol {LABEL}; preset quick",
    ):
        assert part in text
    assert "largest change of a model 0.50" in text
    data = pd.read_csv(tmp_path / "out.csv")
    assert data["change"].max() == pytest.approx(0.5)
    assert set(data["n"]) == {5000} and set(data["protocol"]) == {LABEL}
    assert data["ci_low_second"].tolist() == [values[1] - 0.25 for values in SCORES.values()]
    assert set(data["evaluator_first"]) == {"a" * 12} and set(data["code_second"]) == {"c"}
    arguments[arguments.index(reports[0])] = reports[1]
    with pytest.raises(SystemExit):
        run_stage(evaluator_noise.main, evaluator_noise.command(), arguments)


def test_seeds_have_rows_of_their_own():
    both = [pd.concat([frame(k, e), frame(k, e, seed=1)]) for k, e in enumerate(("aa", "bb"))]
    found = compare(*both)
    assert "ours, seed 1" in printed(found, ["digits"]).index.get_level_values(1)
    text = text_below(pd.concat(both), found, ["digits"], {}, 10)
    assert "Seeds 0, 1, each in a row of its own. In brackets: 95 % intervals over" in text
    assert "mean over 10 splits" in text


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (frame(1, "aa"), "two different evaluators"),
        (frame(1, "bb", samples="t"), "the same sample sets"),
        (frame(1, "bb", protocol="v2:0"), "the same protocol under both"),
        (frame(1, "bb", data="e"), "the same data under both evaluators, found d and e"),
        (frame(1, "bb").iloc[:4], "the same models under both"),
    ],
)
def test_what_cannot_be_compared_is_refused(second, words):
    with pytest.raises(UserError, match=words):
        compare(frame(0, "aa"), second)

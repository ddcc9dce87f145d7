import dataclasses
import json
from pathlib import Path

import pandas as pd
import pytest

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.protocol import load_protocol
from eval.rows import ScoreRow, write_rows
from reports.studies import evaluator_noise
from reports.studies.evaluator_noise import by_judge, printed, turned_pairs
from reports.tables.inputs import page_parser

PROTOCOL = Path(__file__).parents[3] / "config" / "protocol" / "v2.yaml"
LABEL = load_protocol(PROTOCOL).label

# By model: scores by the three robust judges and by the three plain ones.
SCORES = {
    "real": ((9.0, 9.1, 9.2), (9.0, 9.1, 9.2)),
    "cvae": ((3.0, 3.5, 4.0), (2.0, 6.0, 7.0)),
    "cvae_gan": ((6.9, 7.2, 7.5), (3.0, 4.0, 5.0)),
    "ours": ((7.0, 7.3, 7.6), (8.0, 4.5, 6.5)),
}
AGREEMENT = {"real": (0.99, 0.98), "cvae": (0.95, 0.2), "cvae_gan": (0.9, 0.3), "ours": (0.7, 0.1)}


def rows(seed=0, **more):
    shared = {"preset": "quick", "dataset": "digits", "seed": seed, "n": 5000, "classes": 10}
    shared |= {"precision": "fp32", "protocol": LABEL, "data": "d", "code": "c"} | more
    found = []
    for model, kinds in SCORES.items():
        for (end, evaluator), scores, agreed in zip(
            (("", "a" * 12), (":plain", "b" * 12)), kinds, AGREEMENT[model], strict=True
        ):
            values = {f"inception_score{end}": sum(scores) / 3}
            values |= {f"inception_score{end}:judge{i}": score for i, score in enumerate(scores)}
            values |= {name.replace("inception_score", "label_fidelity"): value / 10
                       for name, value in values.items()}  # fmt: skip
            values |= {f"judge_agreement{end}": agreed}
            for metric, value in values.items():
                ends = {"ci_low": value - 0.25, "ci_high": value + 0.25}
                row = {"metric": metric, "value": value, **ends, "ci_kind": "jackknife95_images"}
                found.append(
                    ScoreRow(model=model, evaluator=evaluator, samples=model, **row, **shared)
                )
    return found


def frame(**more):
    return pd.DataFrame(rows(**more))


def test_scores_of_all_judges_stand_beside_each_other():
    found = by_judge(frame()).set_index(["model", "metric", "judges"])
    row = found.loc["ours", "inception_score", "plain"]
    assert row[["judge0", "judge1", "judge2"]].tolist() == [8.0, 4.5, 6.5]
    assert row["value"] == pytest.approx(19 / 3) and row["agreement"] == 0.1
    assert row["evaluator"] == "b" * 12 and row["ci_low"] == pytest.approx(19 / 3 - 0.25)
    assert found.loc["ours", "label_fidelity", "robust"]["judge1"] == pytest.approx(0.73)
    assert len(found) == 4 * 2 * 2


def test_a_pair_turns_where_two_judges_put_it_in_different_orders():
    turned, count = turned_pairs(by_judge(frame()), "digits", "inception_score")
    # cVAE is below cVAE-GAN for robust judges, above for two of the plain ones.
    assert turned == [("cvae", "cvae_gan"), ("cvae", "ours")] and count == 3


def test_judges_are_compared_seed_by_seed():
    both = pd.concat([frame(), frame(seed=1)])
    assert turned_pairs(by_judge(both), "digits", "inception_score")[1] == 3
    names = printed(both, ["digits"]).index.get_level_values(1)
    assert "ours, seed 1" in set(names) and len(names) == 8


def written(folder, content):
    write_rows(folder / "scores.csv", content)
    cards = []
    for kind, evaluator in (("robust", "a"), ("plain", "b")):
        card = {"dataset": "digits", "kind": kind, "accuracy": 0.97}
        card |= {"weights_sha256": evaluator * 64, "inception_score": {"test": 9.5}}
        cards.append(folder / f"{kind}.json")
        cards[-1].write_text(json.dumps(card))
    arguments = ["--scores", folder / "scores.csv", "--cards", *cards]
    arguments += ["--config", '{"datasets": ["digits"]}', "--csv", folder / "out.csv"]
    arguments += ["--markdown", folder / "out.md", "--protocol", PROTOCOL]
    return [str(argument) for argument in arguments]


def test_the_page_says_which_orders_depend_on_the_judge(tmp_path):
    run_stage(evaluator_noise.main, page_parser(""), written(tmp_path, rows()))
    text = (tmp_path / "out.md").read_text()
    cells = "7.20 [6.95, 7.45] | 6.90 / 7.20 / 7.50 | 72.0 [47.0, 97.0] % | 69.0 / 72.0 / 75.0"
    assert f"| handwritten digits | cVAE-GAN | {cells} | 90.0 [65.0, 100.0] % |" in text
    for part in (
        "by IS the order of 2 of 3 pairs of models depends on the judge (cVAE and cVAE-GAN, cVAE "
        "and ours); by top-1 the order of 2 of 3",
        "robust judges disagree on ours; plain judges disagree on cVAE, cVAE-GAN, ours.",
        "below 75 % the protocol says that they disagree",
        "evaluator aaaaaaaaaaaa, held-out accuracy 0.970, IS of real held-out images 9.50 and "
        "evaluator bbbbbbbbbbbb",
        "10 classes, 500 images per class, n = 5000 generated images",
        f"Protocol {LABEL}; preset quick",
    ):
        assert part in text
    data = pd.read_csv(tmp_path / "out.csv")
    assert set(data["n"]) == {5000} and set(data["protocol"]) == {LABEL}
    assert set(data["evaluator"]) == {"a" * 12, "b" * 12}


def test_scores_of_another_evaluator_are_refused(tmp_path, capsys):
    content = [
        dataclasses.replace(row, evaluator="c" * 12) if row.evaluator == "b" * 12 else row
        for row in rows()
    ]
    with pytest.raises(SystemExit):
        run_stage(evaluator_noise.main, page_parser(""), written(tmp_path, content))
    assert "expected scores of evaluator bbbbbbbbbbbb, found cccc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("inception_score:plain", "plain judges, found no inception_score:plain"),
        ("judge_agreement", "robust judges, found no judge_agreement"),
        ("label_fidelity:judge", "found no label_fidelity:judge0"),
    ],
)
def test_missing_scores_are_named(metric, words):
    whole = frame()
    kept = ~whole["metric"].eq(metric) & ~whole["metric"].str.startswith(f"{metric}judge")
    if metric.endswith("judge"):
        kept = ~whole["metric"].str.startswith(metric)
    with pytest.raises(UserError, match=words):
        by_judge(whole[kept])

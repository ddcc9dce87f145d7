"""The scoring stage on tiny files, with made-up features."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from dlvae.data.dataset import Split, load_card, save_dataset
from dlvae.data.sample_sets import save_samples
from dlvae.stage.artefact import write_json
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.judge.features import FeatureSet, save_features
from eval.metrics.measured import Measured
from eval.protocol import load_protocol
from eval.request import FamilyScores
from eval.rows import COLUMNS, read_rows
from eval.scored_images import evenly_per_class, real
from eval.scores import __main__ as scores

CONFIG = Path(__file__).resolve().parents[3] / "config" / "protocol"
CLASSES = np.array(["dark", "bright"])
PROTOCOL = CONFIG / "smoke.yaml"
CONTEXT = {"preset": "smoke", "dataset": "grey", "model": "ours", "seed": 4}
CARD = {"dataset": "grey", "source": "made up", "licence": "none", "flip": True, "preparation": {}}


def grey(n, seed=0):
    """Dark images of class 0 and bright ones of class 1, in turn."""
    labels = np.arange(n) % 2
    noise = np.random.default_rng(seed).integers(0, 60, (n, 32, 32, 3))
    return (noise + 180 * labels[:, None, None, None]).astype(np.uint8), labels


def split(n, seed):
    return Split(grey(n, seed)[0], None, grey(n)[1], CLASSES)


def judged(n, evaluator="ab" * 32):
    """Features of a sure and faultless evaluator."""
    labels = grey(n)[1]
    logits = 40 * np.eye(2, dtype=np.float32)[labels]
    return FeatureSet(logits, logits, labels, "cd" * 32, "bf16", evaluator, "grey")


@pytest.fixture
def folder(tmp_path):
    """A data set, a sample set and its features."""
    save_dataset(tmp_path / "data", {"train": split(20, 1), "test": split(6, 2)}, CARD)
    save_samples(tmp_path / "samples.npz", *grey(16, 3))
    save_features(tmp_path / "features.npz", judged(16))
    return tmp_path


def arguments(folder, family, **changes):
    """The workflow's command line; ``changes`` replace an option's value, None leaves it out."""
    inputs = {"inception": "features.npz", "diversity": "samples.npz"}[family]
    name = {"inception": "features", "diversity": "images"}[family]
    options = {"inputs": {name: str(folder / inputs)}, "data": folder / "data"}
    options |= {"protocol": PROTOCOL, "config": CONTEXT, "fingerprint": "c0de"}
    options |= {"out": folder / f"scores.{family}.csv", "threads": 1} | changes
    texts = {k: json.dumps(v) if isinstance(v, dict) else str(v) for k, v in options.items()}
    return [family, *(text for key, value in texts.items() for text in (f"--{key}", value))]


def run(folder, family, **changes):
    """Score in this process: rows and manifest."""
    args = scores.command().parse_args(arguments(folder, family, **changes))
    scores.main(args)
    return read_rows([args.out]), json.loads(args.out.with_suffix(".manifest.json").read_text())


def test_inception_rows(folder):
    rows, manifest = run(folder, "inception")
    assert rows["metric"].tolist() == ["inception_score", "label_fidelity"]
    assert rows["value"].tolist() == pytest.approx([2, 1], abs=1e-3)
    first = rows.iloc[0]
    assert {key: first[key] for key in CONTEXT} == CONTEXT
    assert (first["n"], first["classes"], first["precision"]) == (12, 2, "bf16")
    assert first["protocol"] == load_protocol(PROTOCOL).label
    assert (first["evaluator"], first["code"]) == ("abab" * 3, "c0de")
    assert rows["ci_kind"].tolist() == ["jackknife95_images", "wilson95"]
    assert (rows["ci_low"] <= rows["value"] + 1e-9).all() and len(first["data"]) == 12
    assert (rows["ci_high"] >= rows["value"] - 1e-9).all()
    assert first["samples"] == "cdcd" * 3
    assert set(manifest["inputs"]) == {"data", "protocol", "features"}


def ensemble(n, evaluator, strength):
    """Features by three judges; the last takes the first two images for the other class."""
    labels = grey(n)[1]
    seen = np.repeat(labels[:, None], 3, axis=1)
    seen[:2, 2] = 1 - seen[:2, 2]
    logits = strength * np.eye(2, dtype=np.float32)[seen]
    features = logits.reshape(n, -1)
    return FeatureSet(features, logits, labels, "cd" * 32, "bf16", evaluator, "grey")


def test_inception_rows_of_two_ensembles(folder):
    save_features(folder / "features.npz", ensemble(12, "ab" * 32, 4))
    save_features(folder / "plain.npz", ensemble(12, "ef" * 32, 2))
    paths = {"features": "features.npz", "features_plain": "plain.npz"}
    inputs = {name: str(folder / file) for name, file in paths.items()}
    rows = run(folder, "inception", inputs=inputs)[0].set_index("metric")
    values, kinds = rows["value"], rows["ci_kind"]
    for kind, strength, judge in (("", 4, "abab" * 3), (":plain", 2, "efef" * 3)):
        judges = [f"{kind}:judge{i}" for i in range(3)]
        names = [f"inception_score{end}" for end in (kind, *judges)]
        assert set(rows.loc[names, "evaluator"]) == {judge}
        sure = 1 / (1 + np.exp(-strength))
        score = 2 * np.exp(sure * np.log(sure) + (1 - sure) * np.log(1 - sure))
        np.testing.assert_allclose(values[names], score, rtol=1e-6)
        assert values[f"judge_agreement{kind}"] == pytest.approx((10 + 2 / 3) / 12)
        shares = [values[f"label_fidelity{end}"] for end in judges]
        assert shares == pytest.approx([1, 1, 10 / 12])
        assert values[f"label_fidelity{kind}"] == pytest.approx(np.mean(shares))
        # The spread of the judges, by the book: t of two degrees of freedom.
        spread = stats.t.ppf(0.975, 2) * np.std(shares, ddof=1) / np.sqrt(3)
        images = stats.binomtest(34, 36).proportion_ci(method="wilson")
        row = rows.loc[f"label_fidelity{kind}"]
        assert row["ci_kind"] == "wilson95_judges"
        assert row["value"] - row["ci_low"] > max(spread, 34 / 36 - images.low)
        assert kinds[f"inception_score{kind}"] == "jackknife95_images_judges"
        assert kinds[f"inception_score{kind}:judge1"] == "jackknife95_images"
        assert kinds[f"label_fidelity{kind}:judge1"] == "wilson95"
    assert len(rows) == 2 * (2 * 4 + 1) and set(rows["n"]) == {12}


@pytest.mark.parametrize("changes", [{"images": "00" * 32}, {"evaluator": "ab" * 32}])
def test_two_judges_judge_the_same_images(folder, changes):
    save_features(folder / "features.npz", ensemble(12, "ab" * 32, 4))
    plain = dataclasses.replace(ensemble(12, "ef" * 32, 4), **changes)
    save_features(folder / "plain.npz", plain)
    paths = {"features": "features.npz", "features_plain": "plain.npz"}
    inputs = {name: str(folder / file) for name, file in paths.items()}
    with pytest.raises(UserError, match="same images under another judge"):
        run(folder, "inception", inputs=inputs)


def test_diversity_rows(folder):
    rows, manifest = run(folder, "diversity")
    names = ["d_intra_standard", "d_intra_range_mismatched"]
    suffixes = ("", "_offdiag", "_clamped_share", ":class:0", ":class:1")
    expected = [n + suffix for n in names for suffix in suffixes]
    assert rows["metric"].tolist() == expected
    values = dict(zip(rows["metric"], rows["value"], strict=True))
    for name in names:
        assert values[name] == pytest.approx((1 - 1 / 6) * values[f"{name}_offdiag"])
        of_classes = [values[f"{name}:class:{label}"] for label in (0, 1)]
        assert of_classes == manifest[name]["per_class"]
        assert np.mean(of_classes) == pytest.approx(values[name])
    assert 0.5 < values["d_intra_standard"] < 1 and values["d_intra_range_mismatched"] < 0.05
    assert set(rows["evaluator"]) == {"none"}
    of_one = rows["metric"].str.contains(":class:")
    assert set(rows[~of_one]["n"]) == {12} and set(rows[of_one]["n"]) == {6}


def test_diversity_of_five_classes_has_an_interval_over_classes(tmp_path):
    images, labels = grey(40, 5)
    labels = np.arange(40) % 5
    classes = np.array(list("abcde"))
    save_dataset(tmp_path / "data", {"train": Split(images, None, labels, classes)}, CARD)
    save_samples(tmp_path / "samples.npz", images, labels)
    rows = run(tmp_path, "diversity")[0].set_index("metric")
    for metric in ("d_intra_standard", "d_intra_standard_offdiag", "d_intra_range_mismatched"):
        row = rows.loc[metric]
        assert row["ci_kind"] == "bootstrap95_classes" and row["ci_low"] < row["value"]
        assert row["value"] < row["ci_high"]
    assert rows.loc["d_intra_standard_clamped_share", "ci_kind"] == "none"


def test_real_images_are_scored_by_the_same_code(folder):
    config = CONTEXT | {"model": "real"}
    train = {"images": str(folder / "data" / "train.npz")}
    rows, _ = run(folder, "diversity", inputs=train, config=config)
    assert rows["n"][0] == 12 and set(rows["precision"]) == {"none"}
    card = load_card(folder / "data")
    assert rows["samples"][0] == card["sha256"]["train"][:12]


def test_the_same_command_gives_the_same_bytes(folder):
    for family in ("inception", "diversity"):
        texts = []
        for _ in range(2):
            run(folder, family)
            texts.append((folder / f"scores.{family}.csv").read_bytes())
        assert texts[0] == texts[1]


def test_precision_comes_from_the_samples_manifest(folder):
    assert set(run(folder, "diversity")[0]["precision"]) == {"unknown"}
    write_json(folder / "samples.manifest.json", {"precision": "bf16"})
    assert set(run(folder, "diversity")[0]["precision"]) == {"bf16"}


def test_rows_follow_what_they_depend_on(folder):
    plain = run(folder, "diversity")[0].iloc[0]
    config = CONTEXT | {"protocol_overrides": {"bn_eval": "batch"}}
    other = run(folder, "diversity", config=config)[0].iloc[0]
    assert other["protocol"] != plain["protocol"] and other["samples"] == plain["samples"]
    save_samples(folder / "samples.npz", *grey(16, 9))
    assert run(folder, "diversity")[0]["samples"][0] != plain["samples"]


def test_a_value_that_cannot_be_had_says_why(folder, monkeypatch):
    found = FamilyScores({"fid": Measured(None, 12, note="needs n > 64")}, "ab" * 32, "none")
    monkeypatch.setattr("eval.scores.inception.inception", lambda request: found)
    row = run(folder, "inception")[0].iloc[0]
    assert np.isnan(row["value"]) and row["ci_kind"] == "n/a: needs n > 64" and row["n"] == 12


def test_images_are_taken_evenly_and_at_most_as_many_as_asked():
    labels = np.array([0] * 10 + [1] * 3)
    assert evenly_per_class(labels, 4).tolist() == [0, 2, 5, 7, 10, 11, 12]
    assert evenly_per_class(labels, 10).tolist() == list(range(13))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": np.zeros((4, 32, 32, 3)), "labels": np.zeros(4, int)}, "uint8.*float64"),
        ({"images": np.zeros((4, 3, 32, 32), np.uint8), "labels": np.zeros(4, int)}, "shape"),
        ({"images": np.zeros((4, 32, 32, 3), np.uint8)}, "expected arrays"),
    ],
)
def test_files_that_are_no_sample_set_are_refused(folder, arrays, words):
    np.savez(folder / "samples.npz", **arrays)
    with pytest.raises(UserError, match=words):
        run(folder, "diversity")


def test_points_have_no_such_score(folder):
    points = Split(None, np.zeros((4, 2), np.float32), np.arange(4) % 2, CLASSES)
    card = save_dataset(folder / "toy", {"train": points}, CARD)
    with pytest.raises(UserError, match="found points"):
        real(folder / "toy", "train", card)


def test_features_of_other_images_are_refused(folder):
    save_features(folder / "features.npz", dataclasses.replace(judged(16), data="letters"))
    with pytest.raises(UserError, match="expected features of 'grey', found those of 'letters'"):
        run(folder, "inception")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inputs": {"images": "x"}}, "inception: expected the input 'features'"),
        ({"config": {"preset": "smoke"}}, "missing.*dataset"),
        ({"protocol": "nowhere.yaml"}, "nowhere.yaml"),
    ],
)
def test_incomplete_commands_are_refused(folder, changes, words):
    with pytest.raises(UserError, match=words):
        run(folder, "inception", **changes)


def test_command_line(folder, capsys):
    """An error is one line and status 2, and leaves no file behind."""
    run_stage(scores.main, scores.command(), arguments(folder, "diversity"))
    assert (folder / "scores.diversity.csv").read_text().splitlines()[0] == ",".join(COLUMNS)
    with pytest.raises(SystemExit) as stopped:
        run_stage(scores.main, scores.command(), arguments(folder, "inception", protocol="v0.yaml"))
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and error.startswith("error: ") and error.count("\n") == 1
    assert "v0.yaml" in error and not list(folder.glob("scores.inception*"))

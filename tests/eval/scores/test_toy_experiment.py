"""Scores of the toy experiment, of models that draw what is known."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from dlvae.base import Method, Task
from dlvae.data.dataset import save_dataset
from dlvae.data.three_moons import ThreeMoonsData, prepare
from dlvae.stage.artefact import sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import build_seeded, save_model
from dlvae.stage.weights import save_weights
from eval.metrics.intervals import jackknife
from eval.metrics.sets.manifolds import precision_recall
from eval.metrics.toy_points import sliced_wasserstein
from eval.models import snapshots
from eval.request import ScoreRequest
from eval.rows import data_hash, read_rows
from eval.scores import __main__ as scores
from eval.scores import toy_experiment as family

PROTOCOL = Path(__file__).resolve().parents[3] / "config" / "protocol" / "v2.yaml"
CONTEXT = {"preset": "smoke", "dataset": "three_moons", "model": "ours", "seed": 0}
CARD = {"dataset": "three_moons", "source": "made up", "licence": "none", "flip": False}
CARD |= {"preparation": {}}
MEASURES = ("precision", "recall", "wasserstein", "spread_radial", "spread_y")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Data, and an untrained model with snapshots after 0 and 20 epochs."""
    root = tmp_path_factory.mktemp("toy")
    save_dataset(root / "data", prepare(ThreeMoonsData(points=60, test_points=900)).splits, CARD)
    task = Task("point", "toy", 2, 3, 1.0, 2, 2, 10, 60)
    first, last = (build_seeded("ours", task, Method(), {}, seed) for seed in range(2))
    save_model(root / "model", "ours", last, {"precision": "bf16"})
    states = {120: last.state_dict(), 0: first.state_dict()}
    flat = {f"{step}/{key}": v for step, state in states.items() for key, v in state.items()}
    save_weights(root / "model" / "snapshots.safetensors", flat)
    return root


def request(folder, data="data", **config):
    inputs = {"model": str(folder / "model")}
    return ScoreRequest("toy", CONTEXT | config, inputs, folder / data, PROTOCOL)


@pytest.fixture
def drawn(folder, monkeypatch):
    """Scores of points that are given instead of drawn: drawn(points (2100, 2), ...)."""

    def score(*frames, **changes):
        epochs = list(range(0, 10 * len(frames), 10))
        monkeypatch.setattr(family, "snapshot_points", lambda *_: (epochs, np.stack(frames)))
        return family.toy(request(folder, **changes))

    return score


def moons(seed=1, noise=0.15, **changes):
    """Fresh points of the data's own distribution, (2100, 2), with labels in turn."""
    test = prepare(ThreeMoonsData(points=3, test_points=2100, noise=noise, seed=seed)).splits[
        "test"
    ]
    order = np.argsort(np.argsort(test.labels, kind="stable") % 700, kind="stable")
    assert (test.labels[order] == np.arange(2100) % 3).all()
    random = np.random.default_rng(seed)
    for label in range(3):  # in random order along the arc
        own = order[label::3]
        order[label::3] = random.permutation(own)
    return test.points[order]


def value(found, metric):
    return found.values[f"toy_{metric}"].value


def test_every_class_is_measured_at_every_epoch_and_their_mean(folder):
    found = family.toy(request(folder))
    classes = ("middle", "right", "left")
    names = [f":{epoch}{c}" for epoch in (0, 20) for c in ("", *(f":{c}" for c in classes))]
    wanted = [f"toy_{measure}{name}" for name in names for measure in MEASURES]
    assert list(found.values) == [*wanted, "toy_wasserstein_floor"]
    for measure in MEASURES:
        for epoch in (0, 20):
            parts = [value(found, f"{measure}:{epoch}:{c}") for c in classes]
            assert value(found, f"{measure}:{epoch}") == pytest.approx(np.mean(parts))
        assert value(found, f"{measure}:20") != value(found, f"{measure}:0")
    for epoch in (0, 20):
        assert found.values[f"toy_recall:{epoch}"].n == 450
        assert found.values[f"toy_recall:{epoch}:left"].n == 150
    assert found.images == sha256_file(folder / "model" / "snapshots.safetensors")
    assert set(found.files) >= {"ours/snapshots.safetensors", "data/test.npz"}


def test_the_same_request_gives_the_same_scores(folder):
    one, two = (family.toy(request(folder)) for _ in range(2))
    assert repr(one.values) == repr(two.values) and one.extra == two.extra


def test_points_of_the_data_are_as_near_as_the_data(drawn):
    found = drawn(moons())
    floor = value(found, "wasserstein_floor")
    assert value(found, "wasserstein:0") == pytest.approx(floor, abs=0.5 * floor)
    for spread in ("spread_radial:0", "spread_y:0"):
        assert value(found, spread) == pytest.approx(1, abs=0.1)
        interval = found.values[f"toy_{spread}"]
        assert interval.low < 1.1 and interval.high > 0.9 and interval.low < interval.high
    halves = found.extra["held_out_halves"]
    for share in ("precision", "recall"):
        expected = np.mean([halves[c][share] for c in halves])
        assert value(found, f"{share}:0") == pytest.approx(expected, abs=0.05) and expected > 0.9
    assert found.values["toy_precision:0"].kind == "wilson95"
    assert found.values["toy_recall:0"].kind == "jackknife95_images"


def test_the_interval_of_recall_is_the_jackknife_over_generated_points(drawn, monkeypatch):
    groups = np.arange(450) % 20  # 7 or 8 points of every class in each
    monkeypatch.setattr(family, "jackknife_groups", lambda labels, *_: groups[: len(labels)])
    sets, distances = [], family.distances
    monkeypatch.setattr(
        family, "distances", lambda p, r, g=None: sets.append((p, r)) or distances(p, r, g)
    )
    found = drawn(moons(noise=0.05)).values["toy_recall:0"]
    by_class = [(p, r, groups[150 * c : 150 * c + 150]) for c, (p, r) in enumerate(sets[:3])]
    shares = [
        np.mean([precision_recall(p[own != g], r)["recall"].value for p, r, own in by_class])
        for g in range(20)
    ]
    expected = jackknife(found.value, shares)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_thin_arc_is_precise_and_conservative(drawn):
    """What Figure 2 shows of cVAE-GAN."""
    found = drawn(moons(), moons(noise=0.01))
    assert value(found, "precision:10") >= value(found, "precision:0")
    assert value(found, "recall:10") < 0.5 * value(found, "recall:0")
    assert value(found, "spread_radial:10") == pytest.approx(0.01 / 0.15, rel=0.15)
    assert 0.8 < value(found, "spread_y:10") < 0.95


def test_a_wide_arc_loses_precision_alone(drawn):
    found = drawn(moons(), moons(noise=0.5))
    assert value(found, "precision:10") < 0.8 * value(found, "precision:0")
    assert value(found, "recall:10") > 0.9 * value(found, "recall:0")
    assert value(found, "spread_radial:10") > 2 and value(found, "spread_y:10") > 1.4
    assert value(found, "wasserstein:10") > 2 * value(found, "wasserstein:0")


def test_swapped_classes_are_wrong_though_all_points_fit(drawn):
    found = drawn(np.roll(moons(), 1, axis=0))
    assert value(found, "wasserstein:0") > 1 and value(found, "precision:0") < 0.2


def test_a_class_is_measured_against_its_own_half_of_the_data(drawn, monkeypatch):
    points, seen, distances = moons(), [], family.distances
    monkeypatch.setattr(
        family, "distances", lambda p, r, g=None: seen.append((p, r)) or distances(p, r, g)
    )
    drawn(points)
    monkeypatch.undo()
    (generated, reference), other = seen[1], seen[-2][0]
    np.testing.assert_array_equal(generated, seen[4][0])  # once with the others, once alone
    np.testing.assert_array_equal(generated, points[1::3][:150])
    assert reference.shape == other.shape == (150, 2)
    assert abs(reference[:, 0].mean() - 2.2) < 0.2
    halves = {tuple(p) for p in np.concatenate([reference, other])}
    assert len(halves) == 300  # disjoint, and all of the class's held-out points
    assert sliced_wasserstein(generated, reference) < 0.2


def test_models_and_seeds_share_the_reference(drawn):
    floors = {
        value(drawn(moons(), **changes), "wasserstein_floor")
        for changes in ({}, {"model": "cvae_gan"}, {"seed": 3})
    }
    assert len(floors) == 1


def test_data_without_noise_have_no_spread_to_compare_with(folder, drawn):
    splits = prepare(ThreeMoonsData(points=60, test_points=900, noise=0.0)).splits
    save_dataset(folder / "sharp", splits, CARD)
    found = drawn(moons(), data="sharp").values
    assert found["toy_spread_radial:0"].value is None and found["toy_spread_radial:0"].note
    assert found["toy_spread_y:0"].value == pytest.approx(1.1, abs=0.1)


def test_rows_of_points(folder):
    """Card, hashes and precision of a data set of points, through the command line."""
    out = folder / "scores.csv"
    arguments = ["toy", "--inputs", json.dumps({"model": str(folder / "model")})]
    arguments += ["--data", str(folder / "data"), "--protocol", str(PROTOCOL)]
    arguments += ["--config", json.dumps(CONTEXT), "--out", str(out)]
    scores.main(scores.command().parse_args(arguments))
    rows = read_rows([out])
    first, asked = rows.iloc[0], request(folder)
    assert (first["classes"], first["precision"], first["evaluator"]) == (3, "bf16", "none")
    assert first["data"] == data_hash(asked.card) and asked.per_class == 500
    manifest = json.loads(out.with_suffix(".manifest.json").read_text())
    assert manifest["held_out_halves"]["left"]["recall"] > 0.8
    assert {"ours/weights.safetensors", "ours/snapshots.safetensors"} <= set(manifest["inputs"])


def test_snapshots_are_in_order_and_share_their_codes(folder):
    labels = np.arange(12) % 3
    epochs, frames = snapshots.snapshot_points(request(folder), folder / "model", "ours", labels)
    assert epochs == [0, 20] and frames.shape == (2, 12, 2)
    model = build_seeded("ours", Task("point", "toy", 2, 3, 1.0, 2, 2, 10, 60), Method(), {}, 0)
    draws = request(folder).draws("codes", "ours")
    expected = model.eval().sample(torch.from_numpy(labels), draws).detach().numpy()
    np.testing.assert_allclose(frames[0], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset": "spirals"}, "expected the data set three_moons, found 'spirals'"),
        ({}, "at least 40 held-out points per class, found 3"),
    ],
)
def test_other_data_and_too_few_points_are_refused(folder, change, words):
    splits = prepare(ThreeMoonsData(points=60, test_points=9)).splits
    save_dataset(folder / "few", splits, CARD | change)
    with pytest.raises(UserError, match=words):
        family.toy(dataclasses.replace(request(folder), data=folder / "few"))


def test_points_that_are_not_finite_are_refused(drawn):
    points = moons()
    points[5] = np.nan
    with pytest.raises(UserError, match="expected finite points"):
        drawn(points)

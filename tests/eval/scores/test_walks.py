"""Scores of paths: painters whose answer is known, and the intervals."""

import numpy as np
import pytest
import torch
from scipy import stats

from dlvae.stage.errors import UserError
from dlvae.stage.registry import weights_hash
from eval.scores import walks as family

METRICS = ["walk_top1_plain"]
METRICS += [f"walk_{m}:{k}" for k in "ab" for m in ("top1", "ratio", "smoothness")]
METRICS += ["walk_consistency:b", "walk_consistency_features:b"]
INPUTS = {"model": "ours", "evaluator": "evaluator"}


@pytest.fixture
def score(world, monkeypatch):
    """Scores of a painter, ``world.Painter`` if none is given, by a regressor if one is given."""
    monkeypatch.setattr(family, "PATHS", 6)

    def run(painter=None, regressor=None):
        monkeypatch.setattr(family, "ready_model", lambda *_, **__: painter or world.Painter())
        monkeypatch.setattr(family, "load_factors", lambda _: regressor)
        inputs = INPUTS | ({"factors": "factors"} if regressor else {})
        return family.walks(world.request("walks", inputs))

    return run


def test_a_painter_of_both_codes_keeps_the_class_on_smooth_consistent_paths(world, score):
    found = score(regressor=world.Painter.regressor("azimuth", "elevation", "expression"))
    assert list(found.values) == METRICS and found.evaluator == "ab" * 32
    values = {name: measured.value for name, measured in found.values.items()}
    for name in METRICS[:3] + METRICS[4:6]:
        assert values[name] == 1, name
    assert values["walk_smoothness:a"] > 0.9
    assert values["walk_consistency:b"] == pytest.approx(1, abs=0.02)
    assert {found.values[name].n for name in METRICS if name != "walk_smoothness:b"} == {6 * 4 * 8}
    assert found.extra["consistency_in"] == ["azimuth", "elevation", "expression"]
    assert found.extra["plain_in_a_row"]["smoothness"] < 0.5


def test_shares_that_never_vary_have_no_interval_over_paths(score):
    found = score().values
    assert found["walk_top1:a"].kind == "none" and found["walk_smoothness:a"].kind == "t95_paths"
    assert found["walk_top1_plain"].kind == "wilson95" and found["walk_top1_plain"].low < 1


def test_a_path_that_changes_nothing_the_evaluator_sees_has_no_smoothness(score):
    found = score().values["walk_smoothness:b"]
    assert found.value is None and "images change" in found.note


def test_a_class_that_z_u_takes_along_is_lost_on_paths_of_z_u_alone(world, score):
    class Leaky(world.Painter):
        def colour(self, z_s, z_u):  # one of the other colours where z_u is not near 0
            return torch.where(z_u[:, :1].abs() > 0.3, z_s.roll(1, 1), z_s)

        def noise(self, draws, *shape):
            drawn = super().noise(draws, *shape)
            return drawn * 0 if shape == (1, self.bands) else drawn  # the fixed z_u of a

    found = score(Leaky()).values
    assert found["walk_top1:a"].value == 1
    lost, plain = found["walk_top1:b"].value, found["walk_top1_plain"].value
    assert lost < 0.6 and plain < 0.6
    assert found["walk_ratio:a"].value == pytest.approx(1 / plain)
    assert found["walk_ratio:b"].value == pytest.approx(lost / plain)


def test_rows_that_move_against_each_other_are_inconsistent(world, score):
    class Mirrored(world.Painter):
        def greys(self, z_s, z_u):  # green and yellow have much green
            return torch.where(z_s[:, 1:2] > 0, -z_u, z_u)

    names = ("azimuth", "elevation", "expression")
    found = score(Mirrored(), world.Painter.regressor(*names)).values["walk_consistency:b"]
    assert found.value == pytest.approx((2 - 4) / 6, abs=0.02)  # of 6 pairs, 2 agree


def test_displacements_are_of_usable_label_irrelevant_factors_in_their_spread(world, score):
    class Mixed(world.Painter):
        def greys(self, z_s, z_u):  # the first two factors move against each other in half the rows
            sign = torch.where(z_s[:, 1:2] > 0, -1.0, 1.0)
            return torch.cat([sign * z_u[:, :2], 0.02 * z_u[:, 2:3]], 1)

    names = ("skin_tone", "elevation", "azimuth")
    regressor = world.Painter.regressor(*names, usable=["skin_tone", "azimuth"])
    found = score(Mixed(), regressor)
    assert found.extra["consistency_in"] == ["azimuth"]
    assert found.values["walk_consistency:b"].value > 0.5
    both = world.Painter.regressor(*names)
    assert score(Mixed(), both).values["walk_consistency:b"].value < 0
    both.scale = torch.tensor([1.0, 1e6, 1.0])
    assert score(Mixed(), both).values["walk_consistency:b"].value > 0.5


@pytest.mark.parametrize(
    ("usable", "note"),
    [(None, "needs a factor regressor"), (["skin_tone"], "needs a usable label-irrelevant factor")],
)
def test_features_never_stand_in_for_factors(world, score, usable, note):
    class Tinted(world.Painter):
        def colour(self, z_s, z_u):
            return z_s * 0.5 + 0.1 * z_u[:, :3]

    regressor = usable and world.Painter.regressor("skin_tone", "azimuth", usable=usable)
    found = score(Tinted(), regressor)
    missing = found.values["walk_consistency:b"]
    assert missing.value is None and missing.note == note and missing.n == 6 * 4 * 8
    assert found.values["walk_consistency_features:b"].value == pytest.approx(1, abs=0.05)
    assert found.extra["consistency_in"] == []
    assert found.extra["plain_in_a_row"]["consistency"] is None
    assert found.extra["plain_in_a_row"]["consistency_features"] < 0.5


def test_intervals_are_over_paths(world, score, monkeypatch):
    draws = np.random.default_rng(0)
    walked = [
        family.Walked(draws.uniform(0.4, 0.9, 6), *draws.uniform(size=(3, 6))) for _ in range(3)
    ]
    plain, a, b = walked
    a.smooth[2] = np.nan
    waiting = iter(walked)
    monkeypatch.setattr(family, "_walk", lambda *_: next(waiting))
    found = score(regressor=world.Painter.regressor("azimuth")).values

    def check(metric, centre, error, count):
        half = stats.t.ppf(0.975, count - 1) * error
        assert found[metric].value == pytest.approx(centre)
        assert (found[metric].low, found[metric].high) == pytest.approx(
            (centre - half, centre + half)
        )

    means = {"top1:a": a.kept, "top1:b": b.kept, "consistency:b": b.consistent}
    means["consistency_features:b"] = b.consistent_features
    for metric, values in means.items():
        check(f"walk_{metric}", values.mean(), stats.sem(values), 6)
    moving = np.delete(a.smooth, 2)
    check("walk_smoothness:a", moving.mean(), stats.sem(moving), 5)
    assert found["walk_smoothness:a"].n == 160
    for name, along in (("a", a.kept), ("b", b.kept)):  # the textbook error of a ratio of means
        ratio = along.mean() / plain.kept.mean()
        error = np.sqrt(np.sum((along - ratio * plain.kept) ** 2) / 5 / 6) / plain.kept.mean()
        check(f"walk_ratio:{name}", ratio, error, 6)


def test_without_a_recognised_plain_sample_there_is_no_ratio(world, score):
    class Wrong(world.Painter):
        def colour(self, z_s, z_u):
            return -z_s

    found = score(Wrong()).values
    assert found["walk_top1_plain"].value == 0 and found["walk_top1:a"].value == 0
    assert found["walk_ratio:a"].value is None and "recognises" in found["walk_ratio:a"].note


def test_many_classes_are_spread_evenly(world, score, monkeypatch):
    monkeypatch.setattr(family, "CLASSES", 2)
    found = score()
    assert found.extra["walked_classes"] == [1, 3] and found.values["walk_top1:a"].n == 6 * 2 * 8


def test_rows_and_manifest_of_an_untrained_model(world, monkeypatch):
    monkeypatch.setattr(family, "PATHS", 3)
    inputs = INPUTS | world.save_regressor(azimuth=0.9, elevation=0.8)
    rows, manifest, text = world.run("walks", inputs)
    assert rows.index.tolist() == METRICS and rows["value"].notna().sum() >= len(METRICS) - 2
    assert set(rows["precision"]) == {"bf16"}
    judges = dict.fromkeys(METRICS, "ab" * 6)
    judges["walk_consistency:b"] += f"+{weights_hash(world.folder / 'factors')[:12]}"
    assert rows["evaluator"].to_dict() == judges
    files = {"model/weights.safetensors", "model/model.json", "evaluator", "factors"}
    assert set(manifest["inputs"]) == files | {"data", "protocol"}
    assert manifest["paths"] == 3 and manifest["walked_classes"] == [0, 1, 2, 3]
    assert world.run("walks", inputs)[2] == text


def test_a_model_without_two_codes_is_refused(world):
    with pytest.raises(UserError, match="walks: expected a model with 'decode'"):
        family.walks(world.request("walks", INPUTS | {"model": "told"}, model="cvae"))


def test_smoothness_of_known_paths():
    start, direction = np.random.default_rng(0).normal(size=(2, 5))
    even = start + np.linspace(0, 1, 8)[:, None] * direction
    jump = start + np.repeat([0.0, 1.0], 4)[:, None] * direction
    still = np.tile(start, (8, 1))
    found = family.smoothness(np.stack([[even, jump], [still, 100 * even]]))
    np.testing.assert_allclose(found, [[1, 0], [np.nan, 1]], atol=1e-9)
    # Steps of 1 and 2 on a line of length 3: s = 2/3, and at least 1/2.
    assert family.smoothness(np.array([[0.0], [1.0], [3.0]])) == pytest.approx((1 - 2 / 3) / 0.5)
    # Half a circle in even steps: the diameter is 2, a step the chord of pi/7.
    angles = np.linspace(0, np.pi, 8)
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert family.smoothness(arc) == pytest.approx((1 - np.sin(np.pi / 14)) / (6 / 7))


def test_points_in_no_order_are_not_smooth():
    found = family.smoothness(np.random.default_rng(1).normal(size=(200, 8, 64)))
    assert (found >= -1e-12).all() and found.mean() < 0.1


def test_consistency_is_the_mean_cosine_over_pairs():
    rows = np.random.default_rng(2).normal(size=(5, 3))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [unit[i] @ unit[j] for i in range(5) for j in range(i)]
    assert family.consistency(rows) == pytest.approx(np.mean(pairs))
    assert family.consistency(np.array([[1.0, 1], [5, 5], [0.1, 0.1]])) == pytest.approx(1)
    assert family.consistency(np.array([[1.0, 0], [-2, 0]])) == pytest.approx(-1)


def test_a_row_that_does_not_move_agrees_with_none():
    assert family.consistency(np.array([[1.0, 0], [1, 0], [0, 0]])) == pytest.approx(1 / 3)

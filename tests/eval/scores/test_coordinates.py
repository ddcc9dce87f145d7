"""Scores of single coordinates: painters whose coordinates are known, and what cannot be had."""

import numpy as np
import pytest
import torch
from scipy import stats

from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from dlvae.stage.errors import UserError
from dlvae.stage.registry import weights_hash
from eval.models import paths as choice
from eval.scores import coordinates as family

INPUTS = {"model": "ours", "evaluator": "evaluator", "factors": "factors"}
NAMES = ("azimuth", "elevation")


@pytest.fixture
def score(world, monkeypatch):
    """Scores of a painter by a regressor of its bands."""
    monkeypatch.setattr(choice, "SCREENED", 256)

    def run(painter=None, regressor=None):
        regressor = regressor or world.Painter.regressor(*NAMES)
        monkeypatch.setattr(family, "ready_model", lambda *_, **__: painter or world.Painter())
        monkeypatch.setattr(family, "load_factors", lambda _: regressor)
        return family.coordinates(world.request("coordinates", INPUTS))

    return run


def test_the_coordinate_behind_a_factor_is_found_and_keeps_the_class(world, score):
    class Crossed(world.Painter):
        def greys(self, z_s, z_u):
            return torch.stack([-z_u[:, 4], z_u[:, 2] + 0.5 * z_u[:, 0]], 1)

    found = score(Crossed())
    values = {name: measured.value for name, measured in found.values.items()}
    assert (values["coordinate_index:azimuth"], values["coordinate_index:elevation"]) == (4, 2)
    assert values["coordinate_spearman:azimuth"] > 0.99
    assert values["coordinate_spearman:elevation"] > 0.99  # within rows the half of another stands
    assert values["coordinate_top1:azimuth"] == values["coordinate_top1_plain"] == 1
    assert {measured.n for measured in found.values.values()} == {48 * 8}
    assert found.evaluator == "ab" * 32


def test_factors_may_share_a_coordinate(world, score):
    class Shared(world.Painter):
        def greys(self, z_s, z_u):
            return z_u[:, [3, 3]]

    found = score(Shared()).values
    for name in NAMES:
        assert found[f"coordinate_index:{name}"].value == 3
        assert found[f"coordinate_spearman:{name}"].value > 0.99


def test_the_correlation_is_of_other_codes_with_the_sign_of_the_first(world, score, monkeypatch):
    """A painter that turns everything round once the coordinate is chosen."""

    class Turning(world.Painter):
        turned = 1

        def greys(self, z_s, z_u):
            return self.turned * z_u

    painter, chosen = Turning(), choice.correlations

    def then_turn(*args):
        found = chosen(*args)
        painter.turned = -1
        return found

    monkeypatch.setattr(family, "correlations", then_turn)
    assert score(painter).values["coordinate_spearman:azimuth"].value < -0.99


def test_the_best_of_many_coordinates_that_do_nothing_correlates_with_nothing(world, score):
    class Noise(world.Painter):
        def greys(self, z_s, z_u):
            return 4 * torch.sin(1e4 * (z_u.sum(1, keepdim=True) + torch.arange(1, 7)))

    names = ("azimuth", "elevation", "expression", "light_azimuth", "light_strength")
    found = score(Noise(), world.Painter.regressor(*names)).values
    measured = [found[f"coordinate_spearman:{name}"] for name in names]
    assert abs(np.mean([m.value for m in measured])) < 0.06
    assert sum(m.low < 0 < m.high for m in measured) >= 4


def test_a_coordinate_that_turns_the_class_loses_it_for_as_long(world, score):
    class Turncoat(world.Painter):
        def colour(self, z_s, z_u):
            return torch.where(z_u[:, :1].abs() > 2, z_s.roll(1, 1), z_s)

    found = score(Turncoat()).values
    assert found["coordinate_index:azimuth"].value == 0
    assert found["coordinate_top1:azimuth"].value == 0.5  # 4 of 8 values lie beyond 2
    assert found["coordinate_top1:azimuth"].kind == "none"  # alike along every traversal
    plain = found["coordinate_top1_plain"]
    lost = 2 * stats.norm.sf(2)
    assert plain.value == pytest.approx(1 - lost, abs=0.03) and plain.kind == "wilson95"
    other = found["coordinate_top1:elevation"]
    assert other.low < other.value < other.high and other.kind == "t95_paths"


def test_the_interval_is_over_traversals(world, score):
    class Blurred(world.Painter):
        def greys(self, z_s, z_u):
            return z_u[:, :2] + 2 * torch.sin(1e4 * z_u[:, 2:4] + 1e3 * z_u[:, :2])

    found = score(Blurred()).values["coordinate_spearman:azimuth"]
    assert found.low < found.value < found.high and found.kind == "t95_paths"


def test_other_coordinates_do_not_blur_what_one_controls(world, score):
    """They differ from row to row, and within a row nothing but the one changes."""

    class Sums(world.Painter):
        def greys(self, z_s, z_u):
            return z_u[:, :2] + 0.5 * z_u[:, 2:4]

    assert score(Sums()).values["coordinate_spearman:azimuth"].value > 0.99


def test_only_usable_label_irrelevant_factors_are_measured(world, score):
    regressor = world.Painter.regressor("skin_tone", *NAMES, usable=["skin_tone", "azimuth"])
    found = score(regressor=regressor).values
    assert not any("skin_tone" in name for name in found)
    assert found["coordinate_index:azimuth"].value == 1
    for metric in family.METRICS:
        assert found[f"{metric}:elevation"].value is None
        assert found[f"{metric}:elevation"].note == "needs a regressor of R2 >= 0.5, has 0.30"


def test_a_regressor_that_can_read_nothing_leaves_the_plain_samples(world, score):
    found = score(regressor=world.Painter.regressor(*NAMES, usable=[])).values
    assert [name for name, m in found.items() if m.value is not None] == [family.PLAIN]


def test_without_a_factor_regressor_nothing_is_measured(world):
    found = family.coordinates(world.request("coordinates", {"model": "ours"}))
    expected = {f"{m}:{n}" for m in family.METRICS for n in ("expression", "elevation", "azimuth")}
    assert set(found.values) == expected | {family.PLAIN} and found.evaluator == "none"
    assert {m.note for m in found.values.values()} == {"needs ground-truth factors"}
    rows, _, _ = world.run("coordinates", {"model": "ours", "evaluator": "evaluator"})
    assert set(rows["ci_kind"]) == {"n/a: needs ground-truth factors"}


def test_classes_in_turn_and_evenly_spaced_where_there_are_more_than_traversals():
    assert family._labels(4, 48).tolist() == [0, 1, 2, 3] * 12
    labels = family._labels(530, 48)
    assert len(set(labels)) == 48 and labels.min() < 12 and labels.max() > 517


def test_rows_and_manifest_of_an_untrained_model(world, monkeypatch):
    monkeypatch.setattr(choice, "SCREENED", 64)
    inputs = INPUTS | world.save_regressor(azimuth=0.9, expression=0.8)
    rows, manifest, text = world.run("coordinates", inputs)
    assert rows["value"].notna().sum() == 2 * 3 + 1 and len(rows) == len(IRRELEVANT_FACTORS) * 3 + 1
    assert set(rows["precision"]) == {"bf16"}
    judges = dict.fromkeys(rows.index, f"{'ab' * 6}+{weights_hash(world.folder / 'factors')[:12]}")
    assert rows["evaluator"].to_dict() == judges | {family.PLAIN: "ab" * 6}
    files = {"model/weights.safetensors", "model/model.json", "evaluator", "factors"}
    assert set(manifest["inputs"]) == files | {"data", "protocol"}
    assert world.run("coordinates", inputs)[2] == text


def test_a_model_without_two_codes_is_refused(world):
    world.save_regressor(azimuth=0.9)
    with pytest.raises(UserError, match="coordinates: expected a model with 'decode'"):
        family.coordinates(world.request("coordinates", INPUTS | {"model": "told"}, model="cvae"))

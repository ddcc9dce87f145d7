"""Scores of swapped codes: models whose answer is known, and what cannot be had."""

import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dlvae.data.dataset import load_card
from dlvae.stage.errors import UserError
from dlvae.stage.registry import weights_hash
from eval.judge.factor_regressor import FactorRegressor
from eval.metrics.intervals import T_IMAGES, proportion, t_interval
from eval.rows import data_hash
from eval.scores import swaps as family

METRICS = [
    "swap_identity:seen",
    "swap_factors:seen",
    "swap_brightness:seen",
    "verification_auc:seen",
    "swap_identity:unseen_before",
    "swap_factors:unseen_before",
    "swap_brightness:unseen_before",
    "reconstruction_mse:unseen_before",
    "swap_identity:unseen_after",
    "swap_factors:unseen_after",
    "swap_brightness:unseen_after",
    "reconstruction_mse:unseen_after",
    "verification_auc:unseen",
]
EVERY = {"model": "ours", "semi": "semi", "evaluator": "evaluator", "unlabelled": "unlabelled"}


def regressor(*usable, scale=1.0):
    """A regressor that reads the lower half's grey as the azimuth and the red as a skin tone."""

    def predict(images):
        found = np.zeros((len(images), 3), np.float32)
        found[:, 0] = images[:, 0, 0, 0] * 1000.0
        found[:, 1] = images[:, -1, 0, 0]
        return found * scale

    names = ["skin_tone", "azimuth", "elevation"]
    scales = torch.full((3,), float(scale))
    found = SimpleNamespace(names=names, usable=list(usable), scale=scales, predict=predict)
    found.irrelevant = partial(FactorRegressor.irrelevant, found)
    found.in_spreads = partial(FactorRegressor.in_spreads, found)
    return found


@pytest.fixture
def planted(world, monkeypatch):
    """Planted models in place of the saved ones: ``mixed`` before, right after; and the calls."""
    models, calls = {"ours": world.Halves(), "semi": world.Halves()}, []

    def ready(request, folder, name, source, encoders=False, needs=()):
        calls.append((folder.name, name, len(source), source.labelled, encoders))
        return models[folder.name]

    monkeypatch.setattr(family, "ready_model", ready)
    return SimpleNamespace(models=models, calls=calls)


def test_a_model_that_keeps_the_codes_apart_is_right_in_every_cell(world, planted):
    found = family.swaps(world.request("swaps", EVERY))
    assert list(found.values) == METRICS
    values = {name: measured.value for name, measured in found.values.items()}
    assert all(values[name] == 1 for name in METRICS if name.startswith("swap_identity"))
    assert all(values[name] == 1 for name in METRICS if name.startswith("verification"))
    assert values["reconstruction_mse:unseen_after"] == pytest.approx(0, abs=1e-9)
    assert found.evaluator == "ab" * 32


def test_a_model_that_takes_the_person_from_z_u_is_wrong_in_every_cell(world, planted, monkeypatch):
    monkeypatch.setattr(family, "load_factors", lambda _: regressor("azimuth"))
    planted.models["ours"] = world.Halves(mixed=True)
    values = family.swaps(world.request("swaps", EVERY | {"factors": "factors"})).values
    for stage, expected in (("seen", 0), ("unseen_before", 0), ("unseen_after", 1)):
        assert values[f"swap_identity:{stage}"].value == expected
        # But for the few cells whose two images have the same grey.
        assert values[f"swap_factors:{stage}"].value == pytest.approx(expected, abs=0.03)


def test_shares_count_cells_and_have_wilson_intervals(world, planted):
    found = family.swaps(world.request("swaps", EVERY)).values["swap_identity:unseen_after"]
    cells = 20 * 15  # ordered pairs of 4 people with 5 images each
    expected = proportion(cells, cells)
    assert (found.n, found.kind) == (cells, "wilson95")
    assert (found.low, found.high) == (expected.low, expected.high)


def test_one_rule_for_batch_norms_before_and_after_the_semi_supervised_stage(world, planted):
    """Estimated with the same draws on the images of that stage, those of encoders too."""
    world.save(
        "unlabelled",
        train=world.split(7, 5, labelled=False),
        heldout=world.split(5, 3, labelled=False),
    )
    family.swaps(world.request("swaps", EVERY))
    assert planted.calls == [
        ("ours", "ours", 24, True, False),
        ("ours", "ours", 28, False, True),
        ("semi", "ours", 28, False, True),
    ]


def test_what_is_scored_is_held_out_of_the_semi_supervised_stage(world, planted):
    before = family.swaps(world.request("swaps", EVERY)).values
    world.save(
        "unlabelled",
        train=world.split(6, 9, labelled=False),
        heldout=world.split(5, 3, labelled=False),
    )
    assert repr(family.swaps(world.request("swaps", EVERY)).values) == repr(before)


def test_factors_of_unseen_people_are_those_that_are_read_off_their_images(
    world, planted, monkeypatch
):
    """The elevation, 0 in every image, is usable by the card and has no R^2 on other people."""
    monkeypatch.setattr(family, "load_factors", lambda _: regressor("azimuth", "elevation"))
    asked = world.request("swaps", EVERY | {"factors": "factors"})
    found = family.swaps(asked)
    assert found.extra["swap_factors"] == "factors azimuth, elevation"
    assert found.extra["swap_factors_unseen"] == "factors azimuth"
    r2 = found.extra["factor_r2_unseen"]
    assert r2["azimuth"] == pytest.approx(1) and r2["elevation"] is None
    wrong = regressor("azimuth")
    wrong.predict, plain = lambda images: 1000 * plain(images), wrong.predict
    monkeypatch.setattr(family, "load_factors", lambda _: wrong)
    values = family.swaps(asked).values
    assert values["swap_factors:seen"].value is not None
    for stage in ("unseen_before", "unseen_after"):
        assert values[f"swap_factors:{stage}"].value is None
        assert values[f"swap_factors:{stage}"].note.endswith("reads well off unseen people")


def test_factors_are_the_usable_label_irrelevant_ones_standardised(world, planted, monkeypatch):
    """The red would say that every cell is like its z_s image, and is no irrelevant factor."""
    for scale in (1.0, 1e-3):
        usable = regressor("skin_tone", "azimuth", scale=scale)
        monkeypatch.setattr(family, "load_factors", lambda _, found=usable: found)
        found = family.swaps(world.request("swaps", EVERY | {"factors": "factors"}))
        assert found.values["swap_factors:seen"].value > 0.97
        assert found.extra["swap_factors"] == "factors azimuth"


def test_each_factor_counts_by_its_spread(world, planted, monkeypatch):
    """Elevation is as the z_s image's in every cell, in units of a thousandth."""
    both = regressor("azimuth", "elevation")
    both.scale = torch.tensor([1.0, 1.0, 1e6])

    def predict(images, plain=both.predict):
        found = plain(images)
        found[:, 2] = images[:, 0, 0, 0] * 1e4
        return found

    both.predict = predict
    monkeypatch.setattr(family, "load_factors", lambda _: both)
    asked = world.request("swaps", EVERY | {"factors": "factors"})
    assert family.swaps(asked).values["swap_factors:seen"].value > 0.9
    both.scale = torch.ones(3)
    assert family.swaps(asked).values["swap_factors:seen"].value < 0.6


def test_brightness_and_factors_are_metrics_apart(world, planted, monkeypatch):
    without = family.swaps(world.request("swaps", EVERY))
    brightness = without.values["swap_brightness:seen"]
    assert 0.5 < brightness.value < 1 and not brightness.note
    for stage in ("seen", "unseen_before", "unseen_after"):
        factors = without.values[f"swap_factors:{stage}"]
        assert factors.value is None and factors.note == "needs a factor regressor"
    monkeypatch.setattr(family, "load_factors", lambda _: regressor("azimuth"))
    both = family.swaps(world.request("swaps", EVERY | {"factors": "factors"})).values
    assert both["swap_brightness:seen"] == brightness
    assert both["swap_factors:seen"].value > brightness.value


def test_a_regressor_that_reads_nothing_irrelevant_gives_no_value(world, planted, monkeypatch):
    monkeypatch.setattr(family, "load_factors", lambda _: regressor("skin_tone"))
    found = family.swaps(world.request("swaps", EVERY | {"factors": "factors"})).values
    assert found["swap_factors:seen"].value is None
    assert "label-irrelevant factor" in found["swap_factors:seen"].note
    assert found["swap_identity:seen"].value == 1


def test_unknown_people_are_swapped_but_not_verified(world, planted):
    unknown = world.split(5, 3, labelled=False, factors=False)
    world.save("unlabelled", train=unknown, heldout=unknown)
    found = family.swaps(world.request("swaps", EVERY)).values
    assert found["verification_auc:unseen"].value is None
    assert "who is in an image" in found["verification_auc:unseen"].note
    # A cell of two images of one colour is a tie.
    assert found["swap_identity:unseen_after"].value == pytest.approx(15 / 19)
    assert found["swap_identity:unseen_after"].n == 20 * 19
    assert found["verification_auc:seen"].value == 1


@pytest.mark.parametrize(
    ("left_out", "without", "note"),
    [
        (("unlabelled", "semi"), METRICS[4:], "needs unlabelled images"),
        (("semi",), METRICS[8:12], "needs the model after the semi-supervised stage"),
    ],
)
def test_what_is_missing_leaves_its_metrics_out(
    world, planted, monkeypatch, left_out, without, note
):
    monkeypatch.setattr(family, "load_factors", lambda _: regressor("azimuth"))
    every = EVERY | {"factors": "factors"}
    inputs = {name: folder for name, folder in every.items() if name not in left_out}
    found = family.swaps(world.request("swaps", inputs)).values
    assert [name for name, measured in found.items() if measured.value is None] == without
    assert {found[name].note for name in without} == {note}
    assert set(found) == set(METRICS)


def test_one_unlabelled_person_has_no_swaps(world, planted):
    everyone = world.split(5, 3, labelled=False)
    world.save("unlabelled", train=everyone, heldout=everyone.take(np.arange(5)))
    found = family.swaps(world.request("swaps", EVERY)).values
    for name in METRICS[4:]:
        assert found[name].value is None and "two people" in found[name].note


def test_rows_and_manifest_of_an_untrained_model(world):
    inputs = EVERY | world.save_regressor(azimuth=0.9)
    rows, manifest, text = world.run("swaps", inputs)
    assert set(rows.index) == set(METRICS)
    without = rows.index[rows["value"].isna()]  # an untrained regressor reads nothing
    assert list(without) == ["swap_factors:unseen_before", "swap_factors:unseen_after"]
    assert set(rows["precision"]) == {"bf16"}
    assert manifest["swap_factors"] == "factors azimuth"
    files = {f"{m}/{f}" for m in ("model", "semi") for f in ("weights.safetensors", "model.json")}
    expected = files | {"data", "protocol", "evaluator", "factors", "unlabelled"}
    assert set(manifest["inputs"]) == expected
    before, after = (rows.loc[f"reconstruction_mse:unseen_{s}"] for s in ("before", "after"))
    assert before["value"] != after["value"] and before["ci_kind"] == "t95_images"
    assert before["ci_low"] < before["value"] < before["ci_high"]
    assert world.run("swaps", inputs)[2] == text


KNOWN = ("evaluator", "samples", "data")


def test_rows_name_the_judges_models_and_data_they_depend_on(world):
    rows = world.run("swaps", EVERY | world.save_regressor(azimuth=0.9))[0]
    models = {name: weights_hash(world.folder / name)[:12] for name in ("ours", "semi")}
    regressor_hash = weights_hash(world.folder / "factors")[:12]
    own, further = (data_hash(load_card(world.folder / d)) for d in ("data", "unlabelled"))
    for metric, row in rows.iterrows():
        judges = ["ab" * 6] + [regressor_hash] * metric.startswith("swap_factors")
        assert row["evaluator"] == "+".join(judges), metric
        assert row["samples"] == models["semi" if metric.endswith("_after") else "ours"], metric
        assert row["data"] == (f"{own}+{further}" if "unseen" in metric else own), metric


@pytest.mark.parametrize(
    ("changed", "column", "part"),
    [
        ("factors", "evaluator", "swap_factors:"),
        ("unlabelled", "data", ":unseen"),
        ("semi", "samples", ":unseen_after"),
    ],
)
def test_another_input_changes_the_hashes_of_what_depends_on_it_alone(world, changed, column, part):
    inputs = EVERY | world.save_regressor(azimuth=0.9)
    before = world.run("swaps", inputs)[0]
    assert before[[*KNOWN]].equals(world.run("swaps", inputs)[0][[*KNOWN]])
    if changed == "factors":
        world.save_regressor(seed=1, azimuth=0.9)
    elif changed == "unlabelled":
        more = world.split(5, 4, labelled=False)
        world.save("unlabelled", train=more, heldout=more)
    else:
        inputs |= {"semi": "ours"}
    after = world.run("swaps", inputs)[0]
    assert list(after.index) == list(before.index)
    depends = after.index.str.contains(part, regex=False)
    assert depends.any() and not depends.all()
    assert (before[column].ne(after[column]) == depends).all()
    rest = [name for name in KNOWN if name != column]
    assert before[rest].equals(after[rest])


def test_the_reconstruction_error_is_that_of_the_models_own_codes(world, planted):
    class Darker(world.Halves):
        def decode(self, z_s, z_u):
            return super().decode(z_s, z_u).clamp(max=0.5)

    planted.models["semi"] = Darker()
    found = family.swaps(world.request("swaps", EVERY)).values["reconstruction_mse:unseen_after"]
    images = world.split(5, 3).images / 127.5 - 1
    limit = round(1.5 * 127.5) / 127.5 - 1
    errors = ((images - np.minimum(images, limit)) ** 2).mean(axis=(1, 2, 3))
    interval = t_interval(errors, T_IMAGES)
    assert found.value == pytest.approx(errors.mean(), rel=1e-6)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.n == 20 and not math.isnan(found.low)


def test_a_model_without_two_codes_is_refused(world):
    with pytest.raises(UserError, match="swaps: expected a model with 'encode'"):
        family.swaps(world.request("swaps", EVERY | {"model": "told"}, model="cvae"))

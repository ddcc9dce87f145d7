"""Scores of inpainted images: a model whose answer is known, and untrained ones."""

import numpy as np
import pytest

from dlvae.data.masks import face_masks
from dlvae.stage.errors import UserError
from eval.metrics.intervals import T_IMAGES, proportion, t_interval
from eval.models import decoding
from eval.models.decoding import MID_GREY
from eval.scores import inpainting as family

INPUTS = {"model": "ours", "evaluator": "evaluator"}
MASKS = ("right_half", "eyes", "nose_mouth", "bottom_half")
METRICS = [f"{metric}:{mask}" for mask in MASKS for metric in family.METRICS]
BEST = 10 * np.log10(12 * 255**2)


@pytest.fixture
def planted(world, monkeypatch):
    """A model that fills the upper half with the colour it knows, and leaves the lower as it is."""
    calls = []

    def ready(request, folder, name, source, needs):
        calls.append((folder.name, name, len(source)))
        return world.Halves()

    monkeypatch.setattr(family, "ready_model", ready)
    return calls


def test_a_person_whose_colour_is_seen_is_filled_in(world, planted):
    """Eyes are in the upper half, whose first pixel says the colour; in the lower half is grey."""
    found = family.inpainting(world.request("inpainting", INPUTS))
    values = {name: measured.value for name, measured in found.values.items()}
    assert list(values) == METRICS and found.evaluator == "ab" * 32
    assert values["inpaint_psnr:eyes"] == pytest.approx(BEST)
    assert values["inpaint_ssim:eyes"] == pytest.approx(1)
    assert values["inpaint_feature_distance:eyes"] == 0 and values["inpaint_identity:eyes"] == 1
    for mask in ("right_half", "bottom_half"):  # greys stay mid-grey, colours are right
        assert values[f"inpaint_psnr:{mask}"] < 30 and values[f"inpaint_ssim:{mask}"] < 0.99
        assert values[f"inpaint_identity:{mask}"] == 1
    assert planted == [("ours", "ours", 32)]


def test_a_model_other_than_ours_is_told_the_label(world, planted, monkeypatch):
    """Where the first pixel is missing, only the label says the colour."""
    hidden = {"corner": np.zeros((world.side, world.side), bool)}
    hidden["corner"][: world.half] = True
    monkeypatch.setattr(family, "face_masks", lambda size, landmarks: hidden)
    for name, share, distance in (("cvae_gan", 1, 0), ("ours", 0.25, None)):
        found = family.inpainting(world.request("inpainting", INPUTS, model=name)).values
        measured = found["inpaint_identity:corner"]
        assert measured.value == share and measured.n == 24
        interval = proportion(round(24 * share), 24)
        ends = (interval.low, interval.high, interval.kind)
        assert (measured.low, measured.high, measured.kind) == ends
        if distance is None:  # the mid-grey is as far from every colour as this
            pixels = np.linalg.norm(world.colours - float(MID_GREY), axis=1)
            distance = pixels.mean()
        found_distance = found["inpaint_feature_distance:corner"].value
        assert found_distance == pytest.approx(distance, abs=1e-4)


def test_means_are_over_images_with_t_intervals(world, planted):
    found = family.inpainting(world.request("inpainting", INPUTS)).values["inpaint_psnr:right_half"]
    greys = world.split(6, 2).images[:, -1, 0, 0].astype(float)
    # Half of the masked pixels are exact.
    psnr = 10 * np.log10(255**2 / np.maximum((greys - MID_GREY) ** 2 / 2, 1 / 12))
    interval = t_interval(psnr, T_IMAGES)
    assert found.value == pytest.approx(psnr.mean()) and found.kind == "t95_images"
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_landmarks_move_the_masks(world, planted, monkeypatch):
    points = [[20, 40], [44, 40], [32, 50], [27, 58], [37, 58]]
    asked = []

    def masks(size, landmarks):
        asked.append((size, landmarks))
        return face_masks(size, landmarks)

    monkeypatch.setattr(family, "face_masks", masks)
    plain = family.inpainting(world.request("inpainting", INPUTS)).values
    moved = family.inpainting(world.request("inpainting", INPUTS, landmarks=points)).values
    assert asked == [(world.side, None), (world.side, points)]
    assert moved["inpaint_psnr:eyes"].value < plain["inpaint_psnr:eyes"].value
    assert moved["inpaint_psnr:right_half"] == plain["inpaint_psnr:right_half"]


def test_rows_name_the_landmarks_that_place_the_masks(world):
    points = [[20, 40], [44, 40], [32, 50], [27, 58], [37, 58]]
    others = [[21, 40], *points[1:]]
    plain, moved, again, other = (
        world.run("inpainting", INPUTS, **given)[0]["data"].unique()
        for given in ({}, {"landmarks": points}, {"landmarks": points}, {"landmarks": others})
    )
    assert moved == again and len({*plain, *moved, *other}) == 3
    assert len(plain[0]) == 12 and {text[0][:12] for text in (moved, other)} == {plain[0]}


def test_at_most_so_many_images_are_scored_spread_over_the_set(world, planted, monkeypatch):
    monkeypatch.setattr(family, "IMAGES", 8)
    found = family.inpainting(world.request("inpainting", INPUTS)).values
    assert {measured.n for measured in found.values()} == {8}
    assert found["inpaint_identity:eyes"].value == 1


def test_images_too_small_for_masks_say_so(world, planted):
    small = [world.split(*rule) for rule in ((8, 1), (6, 2))]
    small = [type(s)(s.images[:, :4, :4], None, s.labels, s.classes) for s in small]
    world.save("data", train=small[0], test=small[1])
    found = family.inpainting(world.request("inpainting", INPUTS)).values
    assert list(found) == METRICS and not planted
    assert {measured.value for measured in found.values()} == {None}
    assert "at least 8 pixels" in found["inpaint_psnr:eyes"].note


@pytest.mark.parametrize(("model", "folder"), [("ours", "ours"), ("cvae", "told")])
def test_rows_and_manifest_of_an_untrained_model(world, model, folder):
    inputs = INPUTS | {"model": folder}
    rows, manifest, text = world.run("inpainting", inputs, model=model)
    assert rows.index.tolist() == METRICS and rows["value"].notna().all()
    assert set(rows["n"]) == {24} and set(rows["model"]) == {model}
    assert (rows["ci_low"] <= rows["value"]).all() and (rows["value"] <= rows["ci_high"]).all()
    files = {"model/weights.safetensors", "model/model.json", "evaluator", "data", "protocol"}
    assert set(manifest["inputs"]) == files
    assert world.run("inpainting", inputs, model=model)[2] == text


def test_a_model_or_evaluator_that_does_not_fit_is_refused(world, planted, monkeypatch):
    monkeypatch.setattr(family, "ready_model", decoding.ready_model)
    monkeypatch.setattr(decoding, "load_model", lambda _: object())
    with pytest.raises(UserError, match="inpainting: expected a model with 'reconstruct'"):
        family.inpainting(world.request("inpainting", INPUTS))
    with pytest.raises(UserError, match="expected the input 'model'"):
        family.inpainting(world.request("inpainting", {"evaluator": "evaluator"}))

"""Copies of real images are told from new ones, by their pixels alone."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from dlvae.data import digits
from dlvae.data.dataset import Split, load_split, save_dataset
from dlvae.data.sample_sets import save_samples
from dlvae.data.synthetic_faces import source as faces
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.intake import near_duplicates as stage
from eval.intake.findings import digests, firsts
from eval.intake.near_duplicates import (
    NEAR,
    NEIGHBOURS,
    REFUSED,
    VIEWS,
    calibrate,
    described,
    judged,
    near_duplicates,
    nearest_real,
    views,
)
from eval.metrics.sets import distances

CARD = {"dataset": "x", "source": "made up", "licence": "none", "flip": True, "preparation": {}}
DATA = ("digits", "synthetic_faces", "photograph_like")
SEVERAL = 80  # images of each kind of copy


def photograph_like(n, seed):
    """Random images with the spectrum of photographs (amplitude 1 / frequency) and of one tint."""
    draws = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32)))
    frequency[0, 0] = 1 / 32
    noise = draws.normal(size=(n, 1, 32, 32)) + 0.3 * draws.normal(size=(n, 3, 32, 32))
    waves = np.fft.ifft2(np.fft.fft2(noise) / frequency).real.transpose(0, 2, 3, 1)
    scaled = 128 + 50 * waves / waves.std() + draws.normal(0, 20, (n, 1, 1, 3))
    return scaled.round().clip(0, 255).astype(np.uint8)


def unlabelled(images):
    return Split(images, None, np.zeros(len(images), np.int64), np.array(["all"]))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Prepared data sets by name."""
    made = {
        "digits": digits.prepare(digits.DigitsData()).splits,
        "synthetic_faces": faces.prepare(
            faces.SyntheticFacesData(
                identities=8, images_per_identity=40, test_images_per_identity=12
            )
        ).splits,
        "photograph_like": {
            "train": unlabelled(photograph_like(400, 0)),
            "test": unlabelled(photograph_like(120, 1)),
        },
    }
    root = tmp_path_factory.mktemp("data")
    for name, splits in made.items():
        save_dataset(root / name, splits, CARD)
    return {name: root / name for name in made}


def real(folder, split):
    return load_split(folder, split).images


def recompressed(images, quality):
    found = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        found.append(np.asarray(Image.open(file)))
    return np.stack(found)


def mirrored(images):
    return np.ascontiguousarray(images[:, :, ::-1])


def moved(images, down, right):
    """Moved by whole pixels; what comes in from the border repeats the outermost pixels."""
    rows = np.clip(np.arange(images.shape[1]) - down, 0, images.shape[1] - 1)
    columns = np.clip(np.arange(images.shape[2]) - right, 0, images.shape[2] - 1)
    return images[:, rows][:, :, columns]


COPIES = {
    "as they are": lambda images: images,
    "JPEG 50": lambda images: recompressed(images, 50),
    "JPEG 75": lambda images: recompressed(images, 75),
    "JPEG 95": lambda images: recompressed(images, 95),
    "mirrored": mirrored,
    "moved": lambda images: moved(images, 1, -1),
    "brighter": lambda images: np.minimum(images * 1.08, 255).astype(np.uint8),
    "darker by levels": lambda images: np.maximum(images.astype(int) - 10, 0).astype(np.uint8),
    "all at once": lambda images: recompressed(moved(mirrored(images), 0, 1), 75),
}


def modelled(images, count, seed=0, components=20):
    """Smooth new images: draws of a Gaussian over the main components, as of a linear VAE."""
    some = images[:: len(images) // 250 + 1]  # enough, and fast
    pixels = some.reshape(len(some), -1).astype(float)
    mean = pixels.mean(axis=0)
    _, scales, axes = np.linalg.svd(pixels - mean, full_matrices=False)
    codes = np.random.default_rng(seed).normal(size=(count, components))
    drawn = mean + codes * (scales[:components] / np.sqrt(len(some))) @ axes[:components]
    return drawn.round().clip(0, 255).astype(np.uint8).reshape(count, *images.shape[1:])


def noise(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)


def run(folder, samples, out, labels=None):
    """Run the stage in this process: its report."""
    path = out.parent / "samples.npz"
    labels = np.zeros(len(samples), np.int64) if labels is None else labels
    save_samples(path, samples, labels)
    arguments = ["--samples", path, "--data", folder, "--out", out, "--config", '{"dataset": "x"}']
    run_stage(stage.main, stage.command(), [str(part) for part in arguments])
    return json.loads(out.read_text())


@pytest.mark.parametrize("name", DATA)
def test_copies_are_found_however_they_were_changed_and_new_real_images_are_not(folders, name):
    train, test = real(folders[name], "train"), real(folders[name], "test")
    limit, calibrated = calibrate(described(train), test, digests(train))
    assert calibrated["share"] < 0.02
    for originals in (train, test):
        some = originals[:: len(originals) // SEVERAL][:SEVERAL]
        changed = np.concatenate([change(some) for change in COPIES.values()])
        ratio, _ = nearest_real(changed, described(originals))
        shares = (ratio <= limit).reshape(len(COPIES), -1).mean(axis=1)
        missed = {kind: s for kind, s in zip(COPIES, shares, strict=True) if s < 0.95}
        assert not missed
    fresh, _ = nearest_real(train[::5], described(test))
    assert np.mean(fresh <= limit) < 0.02


@pytest.mark.parametrize("name", DATA)
def test_images_that_are_new_are_no_copies(folders, name):
    split = load_split(folders[name], "train")
    means = [split.images[split.labels == c].mean(axis=0) for c in np.unique(split.labels)]
    samples = [noise(100), modelled(split.images, 200), np.stack(means).astype(np.uint8)]
    report = near_duplicates(np.concatenate(samples), folders[name])
    assert report["count_train"] == report["count_test"] == 0
    assert judged(report, "x") == []


def test_new_renders_of_other_people_are_no_copies(folders):
    people = faces.prepare(faces.SyntheticFacesData(identities=8, images_per_identity=20, seed=5))
    people = people.splits["train"].images
    report = near_duplicates(people, folders["synthetic_faces"])
    assert report["count_train"] == report["count_test"] == 0


@pytest.mark.parametrize(("split", "quality"), [("train", 75), ("test", None)])
def test_a_set_of_copies_is_refused(folders, tmp_path, capsys, split, quality):
    images = real(folders["digits"], split)[:200]
    samples = images if quality is None else recompressed(images, quality)
    labels = np.arange(200) % 10
    with pytest.raises(SystemExit) as stop:
        run(folders["digits"], samples, tmp_path / "report.json", labels)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1
    kind = {"train": "training", "test": "held-out"}[split]
    assert f"near-copies of {kind} images: 200 of 200 (100 %)" in error
    assert f"of {split}.npz" in error and "FID" in error and "Hand in images" in error
    assert not (tmp_path / "report.json").exists()


def test_the_example_of_a_refusal_is_a_pair(folders):
    train = real(folders["photograph_like"], "train")
    samples = np.concatenate([noise(10), train[[37]], noise(4, 1), recompressed(train[[5]], 50)])
    report = near_duplicates(samples, folders["photograph_like"])
    pairs = [(pair["sample"], pair["real"]) for pair in report["pairs_train"]]
    assert pairs[:2] == [(10, 37), (15, 5)] and len(pairs) == 10
    assert report["pairs_train"][0]["ratio"] == 0 < report["pairs_train"][1]["ratio"]
    with pytest.raises(UserError, match="2 of 16 .12.5 %.*image 10 of image 37 of train"):
        judged(report, "samples.npz")


@pytest.mark.parametrize("name", DATA)
def test_few_copies_are_a_warning_that_counts_them(folders, tmp_path, capsys, name):
    split = load_split(folders[name], "train")
    samples = modelled(split.images, 200)
    copies = np.arange(7, 200, 20)  # 5 %
    samples[copies] = recompressed(split.images[: len(copies)], 75)
    classes = len(split.classes)
    report = run(folders[name], samples, tmp_path / "out.json", np.arange(200) % classes)
    assert report["count_train"] == 10 and report["share_train"] == 0.05
    assert {pair["sample"] for pair in report["pairs_train"]} == set(copies)
    (found,) = [found for found in report["findings"] if found["kind"] == "copies_train"]
    assert found["severity"] == "warning"
    assert "near-copies of training images: 10 of 200 (5 %)" in found["text"]
    assert f"warning: {found['text']}" in capsys.readouterr().out


def test_as_many_as_among_real_images_are_no_warning():
    report = {
        "images": 1000,
        "calibrated": {"images": 2000, "share": 0.025, "share_high": 0.033},
        "count_train": 30,
        "share_train": 0.03,
        "pairs_train": [{"sample": 4, "real": 2, "ratio": 0.1}],
        "count_test": 0,
        "share_test": 0.0,
        "share": 0.03,
    }
    (found,) = judged(report, "x")
    assert (found.kind, found.severity) == ("copies_train", "note")
    assert "30 of 1000" in found.text and "2.5 % come as near" in found.text
    (more,) = judged(report | {"count_train": 34, "share_train": 0.034}, "x")
    assert more.severity == "warning"
    assert judged(report | {"share_train": REFUSED, "share": REFUSED}, "x")[0].severity == "warning"
    with pytest.raises(UserError, match="at most 10 % are scored"):
        judged(report | {"share": REFUSED + 0.001}, "x")  # copies of both splits together


def test_a_report_says_what_was_compared_and_the_same_command_gives_the_same_bytes(
    folders, tmp_path
):
    samples, out = modelled(real(folders["digits"], "train"), 50), tmp_path / "out.json"
    report = run(folders["digits"], samples, out, np.arange(50) % 10)
    first = out.read_bytes()
    run(folders["digits"], samples, out, np.arange(50) % 10)
    assert out.read_bytes() == first
    assert report["images"] == 50 and report["config"] == {"dataset": "x"}
    assert (report["distinct_train"], report["distinct_test"]) == (1438, 359)
    assert report["calibrated"]["images"] == 359
    card = json.loads((folders["digits"] / "card.json").read_text())
    assert report["data"] == card["sha256"] and len(report["samples"]) == 64
    assert report["findings"] == []


# The search itself, against a plain one.


def plainly_described(images):
    """The description in NumPy, float64."""
    weights = np.array(
        [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
    )
    planes = images / 255 @ weights.T
    n = len(images)
    light = planes[..., 0].reshape(n, 16, 2, 16, 2).mean(axis=(2, 4)).reshape(n, -1)
    tint = planes[..., 1:].reshape(n, 4, 8, 4, 8, 2).mean(axis=(2, 4))
    tint = tint.transpose(0, 3, 1, 2).reshape(n, -1)
    return np.concatenate([(light - light.mean(axis=1, keepdims=True)) / 16, tint / 4], axis=1)


def test_the_search_is_that_over_all_pairs_and_views():
    queries, references = noise(12, 1), noise(NEAR - 5, 2)
    theirs = plainly_described(references)
    gaps = np.full((12, len(references)), np.inf)
    for side in (queries, mirrored(queries)):
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                ours = plainly_described(moved(side, down, right))
                each = np.linalg.norm(ours[:, None] - theirs, axis=2)
                gaps = np.minimum(gaps, each)
    order = np.sort(gaps, axis=1)
    ratio, index = nearest_real(queries, described(references))
    np.testing.assert_array_equal(index, gaps.argmin(axis=1))
    expected = order[:, 0] / order[:, 1 : 1 + NEIGHBOURS].mean(axis=1)
    np.testing.assert_allclose(ratio, expected, rtol=1e-5)


def test_blocks_change_no_value(monkeypatch):
    queries, references = photograph_like(40, 3), described(photograph_like(90, 4))
    whole = nearest_real(queries, references)
    monkeypatch.setattr(distances, "ELEMENTS", 3000)
    parts = nearest_real(queries, references)
    np.testing.assert_allclose(whole[0], parts[0], rtol=1e-9)
    np.testing.assert_array_equal(whole[1], parts[1])


def test_a_description_knows_no_brightness_but_colour():
    image = photograph_like(3, 0) // 2 + 40
    np.testing.assert_allclose(described(image), described(image + 30), atol=1e-6)
    np.testing.assert_allclose(described(image), plainly_described(image), atol=1e-6)
    black, red = np.zeros((2, 1, 32, 32, 3), np.uint8)
    red[..., 0] = 255
    assert np.linalg.norm(described(red) - described(black)) == pytest.approx(
        np.hypot(0.168736, 0.5)
    )
    assert described(np.zeros((2, 9, 9, 3), np.uint8)).shape == (2, 9 * 9 + 2 * 16)


def test_views_are_the_image_its_mirror_image_and_both_moved():
    images = photograph_like(2, 0)
    found = views(images).numpy()
    assert found.shape[:2] == (2, VIEWS)
    expected = [
        described(moved(side, down, right))
        for side in (images, mirrored(images))
        for down in (1, 0, -1)
        for right in (1, 0, -1)
    ]
    np.testing.assert_allclose(found, np.stack(expected, axis=1), atol=1e-6)


def test_equal_images_count_once():
    images = noise(4)[[0, 1, 0, 2, 1, 3]]
    np.testing.assert_array_equal(firsts(digests(images)), [0, 1, 3, 5])


def test_repeats_among_real_images_hide_no_copy(tmp_path):
    """Without each counted once, the next images would be as near as the nearest."""
    train = photograph_like(60, 0)
    repeated = np.repeat(train, NEIGHBOURS + 5, axis=0)
    splits = {"train": unlabelled(repeated), "test": unlabelled(photograph_like(30, 1))}
    save_dataset(tmp_path, splits, CARD)
    report = near_duplicates(recompressed(train, 75), tmp_path)
    assert report["share_train"] == 1 and report["distinct_train"] == 60
    assert report["pairs_train"][0]["real"] % (NEIGHBOURS + 5) == 0


def test_held_out_images_that_are_training_images_move_no_limit():
    train, test = photograph_like(200, 0), photograph_like(50, 1)
    known, description = digests(train), described(train)
    clean = calibrate(description, test, known)
    assert calibrate(description, np.concatenate([train[:100], test]), known) == clean
    assert clean[1]["images"] == 50 and 0.3 < clean[0] < 0.5
    with pytest.raises(UserError, match="all 30 are; prepare the data set again"):
        calibrate(description, train[:30], known)


def test_the_limit_is_half_the_median_of_held_out_images():
    train, test = photograph_like(100, 0), photograph_like(41, 1)
    limit, calibrated = calibrate(described(train), test, digests(train))
    ratios, _ = nearest_real(test, described(train))
    assert limit == pytest.approx(np.sort(ratios)[20] / 2)
    assert calibrated["share"] == 0 < calibrated["share_high"] < 0.1


def test_what_cannot_be_searched_is_refused(folders, tmp_path, capsys):
    with pytest.raises(UserError, match="at least 2 different real images.*found 1"):
        nearest_real(noise(2), described(noise(1)))
    with pytest.raises(SystemExit):
        run(folders["photograph_like"], np.zeros((3, 16, 16, 3), np.uint8), tmp_path / "out.json")
    assert "expected 32 x 32 pixels" in capsys.readouterr().err
    points = Split(None, np.zeros((4, 2), np.float32), np.arange(4) % 2, np.array(["a", "b"]))
    save_dataset(tmp_path / "points", {"train": points, "test": points}, CARD)
    with pytest.raises(UserError, match="expected labelled images, found points"):
        near_duplicates(noise(2), tmp_path / "points")

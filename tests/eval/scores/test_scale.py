"""The family of scores behind the study of Table 2's scale, on few and small images."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import pearsonr

from dlvae.data.dataset import Split, save_dataset
from dlvae.data.sample_sets import save_samples
from eval.metrics.d_intra import d_intra
from eval.metrics.ms_ssim.grid import settings
from eval.protocol import load_protocol
from eval.request import ScoreRequest
from eval.rows import NONE
from eval.scored_images import ScoredImages
from eval.scores import scale as family

PROTOCOL = Path(__file__).resolve().parents[3] / "config" / "protocol" / "v2.yaml"
CARD = {"dataset": "grey", "source": "made up", "licence": "none", "flip": True, "preparation": {}}
CLASSES = np.array(["dark", "bright"])
METRICS = (
    "d_intra_offdiag",
    "d_intra_offdiag_unclamped",
    "clamped_share",
    "weighted_error_correlation",
    "weighted_error_ratio",
    "pixel_error_correlation",
)


def images(n, seed=0, contrast=90):
    """Soft images around a dark or a bright grey, uint8, with labels in turn."""
    draws = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    coarse = draws.uniform(-contrast, contrast, (n, 4, 4, 3)).repeat(8, 1).repeat(8, 2)
    pixels = coarse + draws.normal(0, 8, (n, 32, 32, 3)) + 100 + 40 * labels[:, None, None, None]
    return pixels.round().clip(0, 255).astype(np.uint8), labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("scale")
    found, labels = images(20, 1)
    save_dataset(root / "data", {"train": Split(found, None, labels, CLASSES)}, CARD)
    return root


@pytest.fixture
def measure(folder, monkeypatch):
    """Scores of a sample set; settings of the given names alone, if any."""

    def score(found, labels, *names):
        chosen = {name: settings()[name] for name in names or settings()}
        monkeypatch.setattr(family, "settings", lambda: chosen)
        save_samples(folder / "samples.npz", found, labels)
        config = {"preset": "smoke", "dataset": "grey", "model": "ours", "seed": 0}
        inputs = {"images": str(folder / "samples.npz")}
        request = ScoreRequest("scale", config, inputs, folder / "data", PROTOCOL)
        return family.scale(request)

    return score


def test_every_setting_has_every_metric(measure, monkeypatch):
    monkeypatch.setattr(family, "PAIRS", 10)
    found = measure(*images(8))
    assert set(found.values) == {f"{metric}:{name}" for metric in METRICS for name in settings()}
    assert found.evaluator == NONE and found.extra["classes_scored"] == 2
    again = measure(*images(8))
    assert repr(again.values) == repr(found.values)


def test_the_value_is_that_of_table_2_without_self_pairs(measure):
    found, labels = images(12)
    name = "right:three_fixed"
    scores = measure(found, labels, name).values
    variant = load_protocol(PROTOCOL).ms_ssim["standard"].at(32)
    expected = d_intra(found, labels, variant)
    value = scores[f"d_intra_offdiag:{name}"]
    assert value.value == pytest.approx(np.mean(expected.off_diagonal), abs=1e-6) and value.n == 12
    assert value.value * (1 - 1 / 6) == pytest.approx(np.mean(expected.per_class), abs=1e-6)
    assert scores[f"clamped_share:{name}"].value == expected.clamped_share


def test_mismatched_values_are_small_and_follow_the_squared_error(measure):
    names = ("right:three_fixed", "signed_mismatched:three_fixed")
    scores = measure(*images(20), *names).values
    right, wrong = (
        {metric: scores[f"{metric}:{name}"].value for metric in METRICS} for name in names
    )
    assert right["d_intra_offdiag"] > 0.3 and wrong["d_intra_offdiag"] < 0.05
    assert wrong["weighted_error_correlation"] > 0.99 > right["weighted_error_correlation"]
    assert 0.9 < wrong["weighted_error_ratio"] <= 1 and right["weighted_error_ratio"] < 0.5


def test_half_the_contrast_is_a_quarter_of_the_mismatched_value(measure, monkeypatch):
    """What the right range divides out: the same images, paler."""
    monkeypatch.setattr(family, "PAIRS", 4)
    found, labels = images(20)
    pale = np.round(found / 2.0 + 64).astype(np.uint8)
    names = ("right:single", "unit_mismatched:single")
    (right, wrong), (pale_right, pale_wrong) = (
        [measure(x, labels, *names).values[f"d_intra_offdiag:{name}"].value for name in names]
        for x in (found, pale)
    )
    assert pale_wrong == pytest.approx(wrong / 4, rel=0.1)
    assert pale_right > 0.6 * right


def test_correlations_are_over_pairs_of_one_class(measure, monkeypatch):
    seen = []

    def watched(first, second, variant):
        seen.append((first, second))
        return np.linspace(0.9, 0.1, len(first))

    monkeypatch.setattr(family, "ms_ssim_of_pairs", watched)
    found, labels = images(12)
    scores = measure(found, labels, "right:single").values
    (first, second), *_ = seen
    assert len(first) == family.PAIRS == scores["pixel_error_correlation:right:single"].n
    of = {image.tobytes(): label for image, label in zip(found, labels, strict=True)}
    pairs = [(of[x.tobytes()], of[y.tobytes()]) for x, y in zip(first, second, strict=True)]
    assert all(x == y for x, y in pairs) and {x for x, _ in pairs} == {0, 1}
    assert not any(np.array_equal(x, y) for x, y in zip(first, second, strict=True))
    error = ((first.astype(float) - second) ** 2).mean(axis=(1, 2, 3))
    expected = pearsonr(np.linspace(0.1, 0.9, len(first)), error).statistic
    assert scores["pixel_error_correlation:right:single"].value == pytest.approx(expected)


def test_without_clamping_a_negative_factor_has_no_power_but_one(measure):
    draws = np.random.default_rng(0)
    found = draws.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(12) % 2
    found[1::2] = 255 - found[::2]  # negatives, in pairs of one class
    labels[1::2] = labels[::2] = np.arange(6) % 2
    names = ("right:three_fixed", "right:single", "unit_mismatched:three_fixed")
    scores = measure(found, labels, *names).values
    several, one, wrong = (scores[f"d_intra_offdiag_unclamped:{name}"] for name in names)
    assert several.value is None and "% of pairs have a negative factor" in several.note
    assert one.value > scores["d_intra_offdiag:right:single"].value
    assert wrong.value == scores["d_intra_offdiag:unit_mismatched:three_fixed"].value
    assert scores["clamped_share:unit_mismatched:three_fixed"].value == 0


def test_equal_images_have_no_correlation(measure):
    found, labels = images(2)
    scores = measure(found[[0, 1] * 4], np.tile(labels, 4), "unit_mismatched:single").values
    assert scores["weighted_error_correlation:unit_mismatched:single"].value is None
    assert scores["weighted_error_ratio:unit_mismatched:single"].value is None
    assert scores["d_intra_offdiag:unit_mismatched:single"].value == pytest.approx(0, abs=1e-5)


def test_few_images_of_few_classes_are_scored(folder, monkeypatch):
    monkeypatch.setattr(family, "CLASSES", 3)
    monkeypatch.setattr(family, "PER_CLASS", 2)
    found, labels = images(40)[0], np.arange(40) % 8
    config = {"preset": "smoke", "dataset": "grey", "model": "ours", "seed": 0}
    request = ScoreRequest("scale", config, {}, folder / "data", PROTOCOL)
    _, labels, pairs = family.chosen(request, ScoredImages(found, labels, "", ""))
    assert np.unique(labels).tolist() == [1, 4, 6]
    assert np.bincount(labels)[[1, 4, 6]].tolist() == [2, 2, 2]
    assert len(pairs[0]) == len(pairs[1]) == family.PAIRS

"""The family `fidelity` on made-up features, against eval.metrics.sets and by its behaviour."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from torch_fidelity import feature_extractor_inceptionv3 as inception

from dlvae.data.dataset import Split, save_dataset
from dlvae.data.sample_sets import save_samples
from dlvae.stage.artefact import sha256_file
from dlvae.stage.errors import UserError
from eval.judge.features import FeatureSet, save_features
from eval.metrics.intervals import delete_a_group, jackknife_groups
from eval.metrics.sets import distributions
from eval.metrics.sets.distributions import fid, kid
from eval.metrics.sets.sharpness import sharpness
from eval.request import ScoreRequest
from eval.scores.fidelity import fidelity, imagenet

PROTOCOL = Path(__file__).resolve().parents[3] / "config" / "protocol" / "smoke.yaml"
CLASSES = np.array([str(k) for k in range(6)])
METRICS = ["fid", "kid", "precision", "recall", "density", "coverage", "intra_fid"]
METRICS += ["nearest_train_ratio", "copies_share", "feature_distance_intra", "duplicate_share"]
METRICS += ["sharpness", "sharpness_ratio"]
CARD = {"dataset": "dots", "source": "made up", "licence": "none", "flip": True, "preparation": {}}


def drawn(n, seed, shift=0.0):
    """Images of noise, labels in turn, and features of a Gaussian per class."""
    draws = np.random.default_rng(seed)
    labels = np.arange(n) % len(CLASSES)
    images = draws.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    features = draws.normal(size=(n, 4)) + 3 * np.eye(6, 4)[labels] + shift
    return images, labels, features.astype(np.float32)


def store(folder, name, features, labels, evaluator="ab" * 32):
    found = FeatureSet(features, features, labels, name * 8, "bf16", evaluator, "dots")
    save_features(folder / f"{name}.npz", found)
    return str(folder / f"{name}.npz")


@pytest.fixture
def measure(tmp_path):
    """Scores of a sample set whose features are shifted away from the real ones."""
    sets = {"train": drawn(240, 1), "test": drawn(120, 2)}
    splits = {k: Split(images, None, labels, CLASSES) for k, (images, labels, _) in sets.items()}
    save_dataset(tmp_path / "data", splits, CARD)
    real = {f"real_{k}": store(tmp_path, k, found[2], found[1]) for k, found in sets.items()}

    def run(shift=0.0, collapse=False, model="ours", **changes):
        images, labels, features = drawn(24, 3, shift)
        if collapse:
            features = features[labels]
        save_samples(tmp_path / "samples.npz", images, labels)
        inputs = real | {"images": str(tmp_path / "samples.npz")}
        inputs |= {"features": store(tmp_path, "own", features, labels)} | changes
        config = {"preset": "smoke", "dataset": "dots", "model": model, "seed": 0}
        request = ScoreRequest("fidelity", config, inputs, tmp_path / "data", PROTOCOL)
        return fidelity(request)

    run.folder, run.sets = tmp_path, sets
    return run


def test_every_metric_is_there_with_the_interval_that_belongs_to_it(measure):
    found = measure()
    assert list(found.values) == METRICS
    kinds = {name: value.kind for name, value in found.values.items()}
    assert kinds["fid"] == "jackknife95_images" and kinds["precision"] == "wilson95"
    assert kinds["recall"] == kinds["coverage"] == "jackknife95_images"
    assert kinds["duplicate_share"] == "none"
    assert kinds["feature_distance_intra"] == "bootstrap95_classes" and kinds["density"] == "none"
    for name, value in found.values.items():
        if value.kind != "none":
            assert value.low <= value.value + 1e-9 and value.high >= value.value - 1e-9, name
    precision = found.values["precision"]
    expected = stats.binomtest(round(precision.value * 24), 24).proportion_ci(method="wilson")
    assert (precision.low, precision.high) == pytest.approx((expected.low, expected.high))
    assert found.precision == "bf16" and found.evaluator == "ab" * 32


def test_a_shift_is_seen(measure):
    near, far = measure().values, measure(shift=4.0).values
    assert far["fid"].value > near["fid"].value + 10 and far["fid"].low > near["fid"].high
    assert far["kid"].value > near["kid"].value
    assert far["precision"].value < near["precision"].value
    assert far["nearest_train_ratio"].value > 1.5 > near["nearest_train_ratio"].value


def test_a_collapse_is_seen(measure):
    found = measure(collapse=True).values
    assert found["duplicate_share"].value == 1.0 and found["feature_distance_intra"].value == 0.0


def test_the_sharpness_ratio_is_to_held_out_images(measure):
    found = measure().values
    images, held_out = drawn(24, 3)[0], measure.sets["test"][0]
    expected = sharpness(images).value / sharpness(held_out).value
    assert found["sharpness_ratio"].value == pytest.approx(expected)


def test_the_held_out_images_are_a_row_of_their_own(measure):
    folder = measure.folder
    found = measure(
        model="real", images=str(folder / "data" / "test.npz"), features=str(folder / "test.npz")
    )
    # The protocol's choice of 6 per class of the held-out images; 4 is D, so FID can be had.
    assert (
        found.values["fid"].n == 36 and found.values["fid"].value < measure(4.0).values["fid"].value
    )


def test_too_few_images_have_no_fid_and_the_row_says_what_is_needed(measure):
    images, labels, features = drawn(6, 3)
    save_samples(measure.folder / "few.npz", images, labels)
    wide = {
        name: store(measure.folder, f"wide_{name}", np.tile(f, (1, 3)), y)
        for name, (_, y, f) in {"train": drawn(240, 1), "test": drawn(120, 2)}.items()
    }
    found = measure(
        images=str(measure.folder / "few.npz"),
        features=store(measure.folder, "few_features", np.tile(features, (1, 3)), labels),
        real_train=wide["train"],
        real_test=wide["test"],
    )
    fid = found.values["fid"]
    assert fid.value is None and fid.note == "n/a (n = 6, needs 13 generated images)"


def groups_of(n, groups, seed=0):
    return jackknife_groups(np.zeros(n, int), groups, np.random.default_rng(seed))


def test_the_interval_of_fid_needs_enough_images_without_the_largest_group():
    """34 images in 20 groups, at most 2 in each: 32 images are kept at least."""
    draws = np.random.default_rng(5)
    real, ours = draws.normal(size=(60, 32)), draws.normal(0.3, 1, (34, 32))
    found = fid(ours, real, groups_of(34, 20))
    assert found.value > 0 and found.kind == "none"
    found = fid(ours[:, :31], real[:, :31], groups_of(34, 20))
    assert found.low < found.value < found.high


def test_a_fid_just_possible_is_a_value_without_interval(measure):
    """24 images with D = 22: 19 are left without a group."""
    draws = np.random.default_rng(7)
    wide = {
        name: store(measure.folder, f"wide_{name}", draws.normal(size=(n, 22)), np.arange(n) % 6)
        for name, n in {"train": 240, "test": 120, "own": 24}.items()
    }
    inputs = {"features": wide["own"], "real_train": wide["train"], "real_test": wide["test"]}
    found = measure(**inputs).values["fid"]
    assert found.value > 0 and found.kind == "none" and np.isnan([found.low, found.high]).all()


def test_the_interval_of_fid_is_the_jackknife_and_reads_the_real_images_once(monkeypatch):
    _, _, ours = drawn(48, 1)
    _, _, real = drawn(70, 2)
    expected = delete_a_group(lambda kept: fid(ours[kept], real).value, groups_of(48, 6))
    sizes, moments = [], distributions._moments
    monkeypatch.setattr(distributions, "_moments", lambda f: sizes.append(len(f)) or moments(f))
    found = fid(ours, real, groups_of(48, 6))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert sizes.count(70) == 1 and sizes.count(40) == 6


def test_coverage_of_fid():
    """Of the expected FID of as many images to the same real ones."""
    draws = np.random.default_rng(11)
    real = draws.normal(size=(400, 3))

    def ours(seed):
        return np.random.default_rng(seed).normal(0.3, 1.2, (100, 3))

    truth = np.mean([fid(ours(10**6 + seed), real).value for seed in range(1000)])
    found = [fid(ours(seed), real, groups_of(100, 20, seed)) for seed in range(150)]
    covered = np.mean([interval.low <= truth <= interval.high for interval in found])
    assert 0.89 <= covered <= 0.995


def test_coverage_of_kid():
    """Of the squared MMD of N(0, 1) and N(m, 1), from the moments that the kernel compares."""
    m, covered = 0.5, []
    truth = (m**3 + 3 * m) ** 2 + 3 * m**4 + 3 * m**2
    for seed in range(300):
        draws = np.random.default_rng(seed)
        found = kid(draws.normal(m, 1, (100, 1)), draws.normal(size=(100, 1)), draws)
        covered.append(found.low <= truth <= found.high)
    # The values of ten subsets are skewed, so that it covers rather less than 95 %.
    assert 0.86 <= np.mean(covered) <= 0.985


def test_features_of_other_images_are_refused(measure):
    images, labels, _ = drawn(12, 3)
    save_samples(measure.folder / "other.npz", images, labels)
    with pytest.raises(UserError, match="expected features of the 12 generated images"):
        measure(images=str(measure.folder / "other.npz"))


# --- ImageNet's Inception with random weights: the plumbing, not the numbers ---


@pytest.fixture
def request_for(tmp_path):
    """A request whose weights are a given file."""
    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(12) % 2
    splits = {name: Split(images, None, labels, CLASSES[:2]) for name in ("train", "test")}
    save_dataset(tmp_path / "data", splits, CARD)
    save_samples(tmp_path / "samples.npz", images, labels)

    def make(weights):
        config = {"preset": "smoke", "dataset": "dots", "model": "ours", "seed": 0}
        inputs = {"images": str(tmp_path / "samples.npz"), "weights": str(weights)}
        return ScoreRequest("imagenet", config, inputs, tmp_path / "data", PROTOCOL)

    return make


@pytest.mark.slow
def test_few_images_have_a_score_and_no_fid(request_for, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        cls = inception.FeatureExtractorInceptionV3
        patch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(cls, "load_state_dict", lambda *_: None)
        torch.manual_seed(0)
        network = cls("random", ["2048"])
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    found = imagenet(request_for(tmp_path / "weights.pth"))
    score, fid = (found.values[f"imagenet_{name}"] for name in ("inception_score", "fid"))
    assert 1 <= score.value <= 12 and score.n == 12
    assert fid.value is None and fid.note == "n/a (n = 12, needs 2049 images of each set)"
    assert found.evaluator == sha256_file(tmp_path / "weights.pth")


class Evil:
    """Runs code when unpickled."""

    def __reduce__(self):
        return (print, ("this must not be printed",))


@pytest.mark.parametrize("content", [Evil(), {"fc.weight": torch.zeros(10, 10)}, {"fc.bias": 1}])
def test_a_file_of_anything_else_is_refused_and_runs_nothing(
    request_for, tmp_path, capsys, content
):
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="expected the weights of torch-fidelity's"):
        imagenet(request_for(tmp_path / "weights.pth"))
    assert "must not" not in capsys.readouterr().out

"""Scores of plain arrays: the numbers of the score rows, and checks that say what to do."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from dlvae.data.dataset import Split, load_card, save_dataset
from dlvae.data.sample_sets import save_samples
from dlvae.stage.errors import UserError
from eval import library
from eval.metrics.disentanglement import probes
from eval.models.encoding import encode_split, split_to_encode
from eval.protocol import load_protocol
from eval.request import ScoreRequest
from eval.scored_images import real, sampled
from eval.scores import codes as family_of_codes
from eval.scores.diversity import diversity
from eval.scores.fidelity import fidelity
from eval.scores.inception import inception
from stored_features import store_features

ROOT = Path(__file__).resolve().parents[2]
V2, SMOKE = (ROOT / "config" / "protocol" / f"{name}.yaml" for name in ("v2", "smoke"))
CLASSES = np.array(["a", "b", "c", "d", "e"])
CARD = {"dataset": "bands", "source": "made up", "licence": "none", "flip": True, "preparation": {}}
ROW = ("smoke", "bands", "ours", 4)


def bands(n, seed):
    """Images of noise with a bright band for each class, and their labels in turn."""
    draws = np.random.default_rng(seed)
    images, labels = draws.integers(0, 120, (n, 32, 32, 3), dtype=np.uint8), np.arange(n) % 5
    for image, label in zip(images, labels, strict=True):
        image[6 * label : 6 * label + 6] += 120
    return images, labels


@pytest.fixture(scope="module")
def splits():
    """40 training and 20 held-out images, and 50 generated ones."""
    return {name: bands(n, n) for name, n in (("train", 40), ("test", 20), ("own", 50))}


@pytest.fixture
def run(tmp_path, splits, save_evaluator):
    """A family of score rows of the generated images, with its files as the workflow has them."""
    data = {k: Split(images, None, y, CLASSES) for k, (images, y) in splits.items() if k != "own"}
    save_dataset(tmp_path / "data", data, CARD)
    save_samples(tmp_path / "samples.npz", *splits["own"])
    save_evaluator(tmp_path / "judge", CLASSES, dataset="bands")
    card = load_card(tmp_path / "data")

    def scored(family, protocol, **changes):
        inputs = {"images": str(tmp_path / "samples.npz")}
        if family in (inception, fidelity):
            sets = {"features": sampled(tmp_path / "samples.npz", card)}
            sets |= {f"real_{k}": real(tmp_path / "data", k, card) for k in ("train", "test")}
            for name, images in sets.items():
                inputs[name] = str(tmp_path / f"{name}.npz")
                store_features(inputs[name], images, tmp_path / "judge", card)
        config = dict(zip(ScoreRequest.context, ROW, strict=True))
        request = ScoreRequest(family.__name__, config, inputs, tmp_path / "data", protocol)
        return family(request).values

    scored.judge, scored.data = tmp_path / "judge", tmp_path / "data"
    return scored


@pytest.mark.parametrize("protocol", [V2, SMOKE])
def test_inception_score_is_that_of_the_score_row(run, splits, protocol):
    images, labels = splits["own"]
    found = library.inception_score(images, run.judge, labels, protocol, seed=ROW)
    assert found == run(inception, protocol)["inception_score"]
    # The protocol `smoke` scores fewer images of a class than there are.
    assert found.n == 5 * min(10, load_protocol(protocol).samples_per_class(5))
    assert found.low < found.value < found.high


@pytest.mark.parametrize("variant", ["standard", "range_mismatched"])
@pytest.mark.parametrize("protocol", [V2, SMOKE])
def test_diversity_is_that_of_the_score_row(run, splits, protocol, variant):
    found = library.intra_class_diversity(*splits["own"], variant, protocol, seed=ROW)
    assert found == run(diversity, protocol)[f"d_intra_{variant}"]
    assert found.kind == "bootstrap95_classes"


@pytest.mark.parametrize("protocol", [V2, SMOKE])
def test_set_metrics_are_those_of_the_score_rows(run, splits, protocol):
    own, train = (library.features_of(splits[k][0], run.judge).features for k in ("own", "train"))
    found = library.set_metrics(own, train, splits["own"][1], protocol, seed=ROW)
    rows = run(fidelity, protocol)
    for name in ("fid", "kid", "precision", "recall"):
        # NaN is not equal to itself, so that absent intervals are compared as texts.
        assert repr(found[name]) == repr(rows[name])
    assert list(found) == ["fid", "kid", "precision", "recall"]
    assert found["precision"].kind == "wilson95" and found["recall"].value is not None


def test_set_metrics_with_enough_images_have_intervals():
    draws = np.random.default_rng(0)
    own, train = draws.normal(0.2, 1, (200, 4)), draws.normal(0, 1, (300, 4))
    found = library.set_metrics(own, train)
    kinds = ("jackknife95_images", "t95_subsets", "wilson95", "jackknife95_images")
    assert tuple(value.kind for value in found.values()) == kinds
    # Means 0.2 apart in each of 4 dimensions: 0.16, and what finite samples add.
    assert 0.16 < found["fid"].value < 0.4


class Pixels:
    """Reads z_s off the class's band, and z_u off the first row, which is no band of its own."""

    device = torch.device("cpu")

    def encode(self, images):
        z_s = images[:, 0, 3::6, 0][:, :5]
        z_u = images[:, 0, 0, :4]
        return {"z_s": z_s, "z_u": z_u, "z_u_logvar": torch.zeros_like(z_u)}


def test_probes_are_those_of_the_score_rows(run, monkeypatch):
    monkeypatch.setattr(probes, "_PATIENCE_UPDATES", 20)  # they may stop early here
    monkeypatch.setattr(family_of_codes, "load_model", lambda _: Pixels())
    monkeypatch.setattr(family_of_codes, "ready_model", lambda *_, **__: Pixels())
    monkeypatch.setattr("eval.request.weights_hash", lambda _: "ab" * 32)
    monkeypatch.setattr("eval.request.training_precision", lambda _: "fp32")
    config = dict(zip(ScoreRequest.context, ROW, strict=True))
    request = ScoreRequest("codes", config, {"model": str(run.data)}, run.data, SMOKE)
    rows = family_of_codes.codes(request).values
    train, test = (encode_split(Pixels(), split_to_encode(run.data, k)) for k in ("train", "test"))
    for code in ("z_s", "z_u"):
        for kind in ("linear", "mlp"):
            found = library.probe(
                getattr(train, code),
                train.split.labels,
                (getattr(test, code), test.split.labels),
                kind,
                code,
                ROW,
            )
            assert found.accuracy == rows[f"probe_{kind}:{code}"]
            assert found.chance == rows["probe_chance"].value
    assert rows["probe_linear:z_s"].value == 1.0


def test_a_probe_without_held_out_codes_holds_a_fifth_of_every_class_out():
    labels = np.repeat(np.arange(4), 25)
    codes = np.eye(4)[labels] + np.random.default_rng(0).normal(0, 0.01, (100, 4))
    found = library.probe(codes, labels)
    assert (found.accuracy.value, found.accuracy.n, found.chance) == (1.0, 20, 0.25)
    assert found.accuracy.low < 1.0 and found.converged
    assert library.probe(codes, labels) == found
    # Labels that the codes do not hold are not found: what is scored was not trained on.
    noise = np.random.default_rng(1).normal(size=(100, 80))
    assert library.probe(noise, labels).accuracy.value < 0.6


def test_a_sure_and_faultless_classifier_scores_the_number_of_classes():
    labels = np.arange(60) % 5
    logits = 40.0 * np.eye(5)[labels]
    found = library.inception_score_of_logits(logits, labels)
    assert found.value == pytest.approx(5) and found.n == 60
    assert found.low == pytest.approx(found.high)


def test_without_labels_every_image_is_scored_and_the_interval_is_wider():
    draws = np.random.default_rng(0)
    labels = np.arange(200) % 5
    logits = 6.0 * np.eye(5)[labels] + draws.normal(size=(200, 5))
    labelled = library.inception_score_of_logits(logits, labels)
    found = library.inception_score_of_logits(logits)
    assert found.value == labelled.value and found.n == 200
    assert found.high - found.low > labelled.high - labelled.low


def test_few_images_and_several_splits_have_a_value_without_interval():
    logits = np.random.default_rng(0).normal(size=(19, 5))
    few = library.inception_score_of_logits(logits)
    rule = load_protocol(V2, {"inception": {"splits": 3}})
    split = library.inception_score_of_logits(np.tile(logits, (3, 1)), protocol=rule)
    for found in (few, split):
        assert found.value > 1 and found.kind == "none" and math.isnan(found.low)


def test_two_seeds_give_two_intervals_of_one_value(splits):
    logits = np.random.default_rng(0).normal(size=(100, 5))
    one, other = (library.inception_score_of_logits(logits, seed=seed) for seed in (0, 1))
    assert one.value == other.value and one.low != other.low
    assert one == library.inception_score_of_logits(logits, seed=(0,))


IMAGES, LABELS = bands(20, 0)
CODES = np.zeros((20, 3)) + LABELS[:, None]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: library.intra_class_diversity(IMAGES / 255, LABELS), "uint8.*convert"),
        (lambda: library.intra_class_diversity(IMAGES, LABELS[:9]), "expected 20 integer labels"),
        (lambda: library.intra_class_diversity(IMAGES, LABELS * 1.0), "integer labels.*float64"),
        (lambda: library.intra_class_diversity(IMAGES[:, :24], LABELS), "24 x 32.*square"),
        (lambda: library.intra_class_diversity(IMAGES, np.arange(20)), "at least 2 images"),
        (lambda: library.intra_class_diversity(IMAGES, LABELS, "standart"), "mean 'standard'"),
        (lambda: library.intra_class_diversity(IMAGES, LABELS, protocol="v3"), "'v3' not found"),
        (lambda: library.inception_score_of_logits(CODES, LABELS), "0 to 2.*found 0 to 4"),
        (lambda: library.inception_score_of_logits(CODES, LABELS[:3]), "expected 20 integer"),
        (lambda: library.inception_score_of_logits(CODES * np.nan), "logits: .*finite"),
        (lambda: library.inception_score_of_logits(CODES[:0]), "with N, d > 0"),
        (lambda: library.set_metrics(CODES, CODES[:, :2]), r"3 \(generated\), 2 \(train\)"),
        (lambda: library.set_metrics(CODES, CODES, LABELS[:4]), "generated: expected 20 integer"),
        (lambda: library.probe(CODES, LABELS, kind="lineal"), "mean 'linear'"),
        (lambda: library.probe(CODES, LABELS[:4]), "expected 20 integer labels"),
        (lambda: library.probe(CODES, np.zeros(20, int)), "two classes or more"),
        (
            lambda: library.probe(CODES, LABELS, (CODES[:, :2], LABELS)),
            r"found 3 \(training codes\), 2 \(",
        ),
    ],
)
def test_unusable_arrays_are_user_errors(call, words):
    with pytest.raises(UserError, match=words):
        call()


def test_an_evaluator_whose_weights_are_not_stored_says_how_to_get_them(tmp_path, save_evaluator):
    (save_evaluator(tmp_path / "digits", CLASSES) / "weights.safetensors").unlink()
    with pytest.raises(UserError, match="found none.*results/<preset>/evaluator/digits/weights"):
        library.inception_score(IMAGES, tmp_path / "digits")


def test_lists_are_arrays():
    logits = np.random.default_rng(0).normal(size=(30, 5))
    found = library.inception_score_of_logits(logits.tolist(), (np.arange(30) % 5).tolist())
    assert found == library.inception_score_of_logits(logits, np.arange(30) % 5)
    assert dataclasses.is_dataclass(found)

"""All metrics of a set together, and what they refuse."""

from dataclasses import dataclass

import numpy as np
import pytest

from dlvae.stage.errors import UserError
from eval.metrics.sets.copies import duplicate_share, memorisation
from eval.metrics.sets.distributions import fid, intra_fid, kid
from eval.metrics.sets.manifolds import density_coverage, precision_recall
from eval.protocol import IntervalsRule
from eval.scores.fidelity import measure_set


@dataclass(frozen=True)
class Labelled:
    """Features with labels."""

    features: np.ndarray
    labels: np.ndarray


def classes(n, seed):
    """Two classes apart from each other, float32 features (n, 5)."""
    labels = np.arange(n) % 2
    noise = np.random.default_rng(seed).normal(size=(n, 5))
    return Labelled((noise + 2 * labels[:, None]).astype(np.float32), labels)


IMAGES = np.random.default_rng(0).integers(0, 256, (160, 8, 8, 3), dtype=np.uint8)
TRAIN, HELD_OUT = classes(240, 1), classes(120, 2)


def draws(*_):
    return np.random.default_rng(0)


def measured(generated, images=IMAGES):
    return measure_set(
        images, generated, TRAIN, HELD_OUT, draws, IntervalsRule(groups=20, draws=100)
    )


def test_every_metric_is_there_by_name():
    found = measured(classes(160, 3))
    assert len(found) == 12
    assert all(np.isfinite(m.value) and m.note == "" for m in found.values())
    # 60 held-out images of a class make one group of 60 out of 80 generated ones.
    assert {name: m.n for name, m in found.items() if m.n != 160} == {"duplicate_share": 120}


def test_labels_matter_within_classes_alone():
    generated = classes(160, 3)
    shuffled = Labelled(generated.features, np.random.default_rng(0).permutation(generated.labels))
    plain, mixed = measured(generated), measured(shuffled)
    within = {"intra_fid", "feature_distance_intra", "duplicate_share"}
    for name in set(plain) - within:
        assert mixed[name].value == pytest.approx(plain[name].value, rel=1e-6), name
    assert mixed["intra_fid"].value > 2 * plain["intra_fid"].value
    assert mixed["feature_distance_intra"].value > 1.1 * plain["feature_distance_intra"].value


def test_the_order_of_images_does_not_matter():
    """But for the subsets of kid, and for which images duplicate_share puts in a group."""
    generated = classes(160, 3)
    order = np.random.default_rng(5).permutation(160)
    plain = measured(generated)
    other = measured(Labelled(generated.features[order], generated.labels[order]), IMAGES[order])
    for name in set(plain) - {"kid", "duplicate_share"}:
        assert other[name].value == pytest.approx(plain[name].value, rel=1e-6, abs=1e-9), name


def test_features_of_other_images_are_refused():
    with pytest.raises(UserError, match="of the 159 generated images, found 160"):
        measured(classes(160, 3), IMAGES[:159])


GOOD, LABELS = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 2
CALLS = [
    fid,
    precision_recall,
    density_coverage,
    lambda a, b: kid(a, b, np.random.default_rng(0)),
    lambda a, b: memorisation(a, GOOD, b),
    lambda a, b: intra_fid(a, LABELS[: len(a)], b, LABELS[: len(b)]),
    lambda a, b: duplicate_share(a, LABELS[: len(a)], b, LABELS[: len(b)]),
]


@pytest.mark.parametrize("metric", CALLS)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros((20, 3)), "number of dimensions, found .*3"),
        (np.full((20, 4), np.nan), "found NaN"),
        (np.full((20, 4), np.inf), "infinity"),
        (np.zeros((0, 4)), "with N, d > 0"),
        (np.zeros((20, 4), int), "floats.*int64"),
        (np.zeros(20), r"shape \(N, d\).*\(20,\)"),
    ],
)
def test_bad_features_are_refused_on_either_side(metric, bad, words):
    for sets in ((GOOD, bad), (bad, GOOD)):
        with pytest.raises(UserError, match=words):
            metric(*sets)

"""Memorisation and mode collapse: literal references, and sets made to copy."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from dlvae.stage.errors import UserError
from eval.metrics.sets import distances
from eval.metrics.sets.copies import duplicate_share, feature_distance_intra, memorisation
from eval.metrics.sets.distances import distance_blocks, mean_distance, nearest, nearest_other


def points(n, seed=0, width=8, kind=np.float32):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(kind)


@pytest.mark.parametrize("elements", [1, 900, 1 << 20])
def test_distances_are_those_of_scipy_whatever_the_block(elements, monkeypatch):
    queries, references = points(60) + 100, points(2500, 1) + 100
    monkeypatch.setattr(distances, "ELEMENTS", elements)
    expected = cdist(queries.astype(float), references.astype(float))
    assert nearest(queries, references) == pytest.approx(expected.min(axis=1), rel=1e-9)
    own = cdist(queries.astype(float), queries.astype(float))
    assert mean_distance(queries) == pytest.approx(own.sum() / (60 * 59), rel=1e-9)
    np.fill_diagonal(own, np.inf)
    assert nearest_other(queries) == pytest.approx(own.min(axis=1), rel=1e-9)


def test_blocks_stay_within_the_limit(monkeypatch):
    monkeypatch.setattr(distances, "ELEMENTS", 100)
    blocks = list(distance_blocks(points(50), points(30, 1)))
    assert [rows.start for rows, _ in blocks] == list(range(0, 50, 3))
    assert all(block.numel() <= 100 for _, block in blocks)


def test_copies_far_from_the_origin_are_at_exactly_zero():
    references = points(40, kind=np.float64) + 1e5
    assert (nearest(references[:10], references) == 0).all()
    assert (nearest_other(np.repeat(references[:10], 2, axis=0)) == 0).all()


def test_memorisation_is_the_definition():
    generated, train, held_out = 0.8 * points(150), points(300, 1), points(120, 2)
    found = memorisation(generated, train, held_out)
    ours = cdist(generated.astype(float), train.astype(float)).min(axis=1)
    theirs = cdist(held_out.astype(float), train.astype(float)).min(axis=1)
    expected = np.median(ours) / np.median(theirs)
    assert found["nearest_train_ratio"].value == pytest.approx(expected)
    share = np.mean(ours <= np.quantile(theirs, 0.01))
    assert 0 < share < 0.5 and found["copies_share"].value == pytest.approx(share)
    assert found["copies_share"].n == found["nearest_train_ratio"].n == 150


def test_copies_of_training_images_are_found():
    train, held_out = points(300, 1), points(200, 2)
    found = memorisation(train[:90], train, held_out)
    assert found["nearest_train_ratio"].value == 0 and found["copies_share"].value == 1
    third = np.concatenate([train[:50], points(100, 3)])
    assert memorisation(third, train, held_out)["copies_share"].value == pytest.approx(
        1 / 3, abs=0.04
    )
    new = memorisation(points(400, 3), train, held_out)
    assert new["nearest_train_ratio"].value == pytest.approx(1, abs=0.1)
    assert new["copies_share"].value < 0.04


def test_memorisation_needs_held_out_images_that_are_held_out():
    train = points(300, 1)
    few = memorisation(points(50), train, points(99, 2))
    assert few["copies_share"].note == "n/a (n = 99, needs 100 held-out images)"
    assert few["copies_share"].value is None and few["nearest_train_ratio"].value > 0
    leaked = memorisation(points(50), train, train[:150])["nearest_train_ratio"]
    assert leaked.value is None and "held-out images are training images" in leaked.note


def test_feature_distance_is_the_mean_over_pairs_and_classes(monkeypatch):
    features, labels = points(50), np.repeat([4, 7, 9], [10, 15, 25])
    order = np.random.default_rng(0).permutation(50)
    found = feature_distance_intra(features[order], labels[order])
    expected = [pdist(features[labels == c].astype(float)).mean() for c in (4, 7, 9)]
    assert found.parts == pytest.approx(expected)
    assert found.value == pytest.approx(np.mean(expected))
    monkeypatch.setattr(distances, "ELEMENTS", 40)
    parts = feature_distance_intra(features[order], labels[order])
    assert parts.value == pytest.approx(found.value)


def test_a_class_of_one_image_has_no_feature_distance():
    found = feature_distance_intra(points(3), np.array([0, 0, 1]))
    assert found.value is None and found.note == "n/a (n = 1, needs 2 images of every class)"


def test_a_collapsed_class_is_seen():
    generated, labels = points(200), np.arange(200) % 2
    generated[labels == 1] = generated[1]
    distance = feature_distance_intra(generated, labels)
    assert distance.parts[0] > 1 and distance.parts[1] == 0
    share = duplicate_share(generated, labels, points(200, 1), labels)
    assert share.parts[0] < 0.05 and share.parts[1] == 1
    assert share.value == pytest.approx(np.mean(share.parts))


def test_exact_copies_count_where_real_images_have_exact_copies_too():
    """The 1 % quantile of real images is then 0."""
    real, labels = points(200, 1), np.arange(200) % 2
    real[:20] = real[20:40]
    collapsed = np.repeat(points(1), 200, axis=0)
    assert duplicate_share(collapsed, labels, real, labels).value == 1
    assert duplicate_share(points(200, 2), labels, real, labels).value == 0
    train = points(300, 3)
    found = memorisation(train[:90], train, np.concatenate([train[:9], points(191, 4)]))
    assert found["copies_share"].value == 1 and found["nearest_train_ratio"].value == 0


def test_real_images_have_one_percent_of_duplicates_by_definition():
    real, labels = points(1000), np.arange(1000) % 5
    assert duplicate_share(real, labels, real, labels).value == pytest.approx(0.01)


@pytest.mark.parametrize("times", [1, 20])
def test_many_images_of_a_class_are_no_duplicates_for_being_many(times):
    """In 2-D the nearest of 400 is about sqrt(20) nearer than the nearest of 20."""
    real, labels = points(400, 1, width=2), np.repeat(np.arange(20), 20)
    generated = points(400 * times, 2, width=2)
    found = duplicate_share(generated, np.repeat(np.arange(20), 20 * times), real, labels)
    assert found.value < 0.03
    assert found.n == 400 * times


def test_duplicates_are_counted_in_groups_of_one_size():
    """8 generated and 3 real images of a class: groups 0, 2, 5 and 1, 4, 6, all over the file."""
    real, generated = points(40 * 3, 1, 2), points(40 * 8, 2, 2)
    by_class = generated.reshape(40, 8, 2)
    by_class[::2, 2] = by_class[::2, 0]  # seen as duplicates
    by_class[1::2, 1] = by_class[1::2, 0]  # not: in two groups
    found = duplicate_share(
        generated, np.repeat(np.arange(40), 8), real, np.repeat(np.arange(40), 3)
    )

    def nearest_others(group):
        distances = cdist(group.astype(float), group.astype(float))
        np.fill_diagonal(distances, np.inf)
        return distances.min(axis=1)

    limit = np.quantile([nearest_others(group) for group in real.reshape(40, 3, 2)], 0.01)
    shares = [
        np.mean([nearest_others(images[group]) <= limit for group in ([0, 2, 5], [1, 4, 6])])
        for images in by_class
    ]
    assert found.parts == pytest.approx(shares) and found.n == 240
    assert min(shares[::2]) >= 1 / 3 and np.mean(shares[1::2]) < 0.05


def test_duplicates_need_real_images_of_every_class_and_enough_of_all():
    generated, labels = points(200), np.arange(200) % 2
    missing = duplicate_share(generated, labels, points(150, 1), np.zeros(150, int))
    assert missing.value is None
    assert missing.note == "n/a (n = 0, needs 2 images of every class in both sets)"
    few = duplicate_share(generated, labels, points(80, 1), np.arange(80) % 2)
    assert few.value is None and few.note == "n/a (n = 80, needs 100 held-out images)"


def test_labels_of_the_wrong_length_are_refused():
    with pytest.raises(UserError, match="generated: expected 9 integer labels.*8"):
        feature_distance_intra(points(9), np.zeros(8, int))
    with pytest.raises(UserError, match="held_out: expected 9 integer labels.*float64"):
        duplicate_share(points(9), np.zeros(9, int), points(9), np.zeros(9))

"""Nearness of images: against SciPy, scikit-learn and cases with a known answer."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

from eval.metrics.likeness import brightness, nearer, squared_errors, unit, verification_auc


def draws(seed=0):
    return np.random.default_rng(seed)


def people(generator, count, images, spread):
    """Embeddings around one direction per person, and who they are of."""
    identity = np.repeat(np.arange(count), images)
    centres = generator.normal(size=(count, 16))
    return centres[identity] + spread * generator.normal(size=(len(identity), 16)), identity


def test_nearer_is_euclidean_and_a_tie_is_not_nearer():
    found = np.array([[0.0, 0.0], [3.0, 0.0], [1.0, 1.0]])
    wanted = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    other = np.array([[2.0, 0.0], [4.0, 0.0], [0.0, 1.0]])
    assert nearer(found, wanted, other).tolist() == [True, False, False]


def test_nearer_of_unit_vectors_goes_by_the_cosine():
    found, wanted, other = draws().normal(size=(3, 60, 7)) * np.array([1, 5, 0.2])[:, None, None]
    cosine = [
        distance.cosine(x, y) < distance.cosine(x, z)
        for x, y, z in zip(found, wanted, other, strict=True)
    ]
    assert 10 < sum(cosine) < 50
    assert nearer(*map(unit, (found, wanted, other))).tolist() == cosine


def test_unit_vectors_have_length_one_and_zeros_stay():
    found = unit(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.0, 0.0]])
    assert found.dtype == np.float64


def test_brightness_of_black_white_and_one_channel():
    images = np.zeros((3, 2, 2, 3), np.uint8)
    images[1], images[2, ..., 0] = 255, 255
    np.testing.assert_allclose(brightness(images), [[0], [1], [1 / 3]])


def test_squared_errors_are_those_of_the_models_range():
    black, white = np.zeros((1, 4, 4, 3), np.uint8), np.full((1, 4, 4, 3), 255, np.uint8)
    assert squared_errors(black, white).tolist() == [4.0]  # from -1 to 1
    x, y = draws().integers(0, 256, (2, 5, 4, 4, 3)).astype(np.uint8)
    expected = ((x / 127.5 - 1 - (y / 127.5 - 1)) ** 2).reshape(5, -1).mean(axis=1)
    np.testing.assert_allclose(squared_errors(x, y), expected)


def test_verification_is_the_mann_whitney_statistic_over_all_pairs():
    embedding, identity = people(draws(), 6, 5, 1.5)
    found = verification_auc(embedding, identity, 5, draws()).value
    cosine = {True: [], False: []}
    for i in range(30):
        for j in range(i):
            same = bool(identity[i] == identity[j])
            cosine[same].append(1 - distance.cosine(embedding[i], embedding[j]))
    statistic = stats.mannwhitneyu(cosine[True], cosine[False]).statistic
    assert found == pytest.approx(statistic / len(cosine[True]) / len(cosine[False]))
    assert 0.6 < found < 0.99


def test_verification_of_perfect_and_of_empty_embeddings():
    _, identity = people(draws(), 4, 6, 0)
    assert verification_auc(np.eye(4)[identity], identity, 5, draws()).value == 1
    assert verification_auc(np.zeros((24, 3)), identity, 5, draws()).value == 0.5


def test_verification_interval_holds_the_area_of_many_images():
    truth = verification_auc(*people(draws(99), 40, 12, 2.0), 5, draws()).value
    embedding, identity = people(draws(99), 40, 12, 2.0)
    kept = np.arange(len(identity)) % 12 < 6
    found = verification_auc(embedding[kept], identity[kept], 20, draws())
    assert found.kind == "jackknife95_images" and found.n == kept.sum()
    assert found.low < found.value < found.high and found.low < truth < found.high
    assert found.high - found.low < 0.1


@pytest.mark.parametrize(
    ("identity", "value", "interval"),
    [
        ([0, 0, 0], False, False),  # one person
        ([0, 1, 2], False, False),  # no two images of one
        ([0, 0, 1], True, False),  # too few to leave any out
        ([0, 0, 0, 1, 1, 1], True, True),
    ],
)
def test_verification_needs_pairs_of_both_kinds(identity, value, interval):
    identity = np.array(identity)
    found = verification_auc(draws().normal(size=(len(identity), 4)), identity, 20, draws())
    assert (found.value is not None, found.kind != "none") == (value, interval)
    assert bool(found.note) is not value

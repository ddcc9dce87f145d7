import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from dlvae.data.digits import DigitsData, enlarge, prepare
from dlvae.stage.errors import UserError


@pytest.fixture(scope="module")
def prepared():
    return prepare(DigitsData())


def test_shapes_counts_and_range(prepared):
    train, test = prepared.splits["train"], prepared.splits["test"]
    assert train.images.shape[1:] == (32, 32, 3) and train.images.dtype == np.uint8
    assert len(train) + len(test) == 1797
    assert list(train.classes) == [str(digit) for digit in range(10)]
    assert train.images.min() == 0 and train.images.max() == 255
    # Every single digit has white ink on black paper.
    assert (train.images.max(axis=(1, 2, 3)) > 200).all()
    assert (train.images[..., 0] == train.images[..., 1]).all()
    assert prepared.card["flip"] is False


def test_a_fifth_of_each_class_is_held_out(prepared):
    train = np.bincount(prepared.splits["train"].labels)
    test = np.bincount(prepared.splits["test"].labels)
    np.testing.assert_array_equal(test, np.rint(0.2 * (train + test)))


def test_the_split_is_disjoint_and_seeded(prepared):
    again, other = prepare(DigitsData()), prepare(DigitsData(seed=1))
    np.testing.assert_array_equal(prepared.splits["test"].images, again.splits["test"].images)
    assert not np.array_equal(prepared.splits["test"].images, other.splits["test"].images)
    train = {image.tobytes() for image in prepared.splits["train"].images}
    assert len(train & {image.tobytes() for image in prepared.splits["test"].images}) == 0


def test_enlarged_digits_can_still_be_told_apart(prepared):
    train, test = (prepared.splits[name] for name in ("train", "test"))
    judge = KNeighborsClassifier(3).fit(train.images[..., 0].reshape(len(train), -1), train.labels)
    assert judge.score(test.images[..., 0].reshape(len(test), -1), test.labels) > 0.97


def test_enlarging_keeps_orientation_and_leaves_a_margin():
    corner = np.zeros((8, 8))
    corner[0, 7] = 1  # row 0, right
    big = enlarge(corner, 40)[..., 0]
    row, column = np.unravel_index(big.argmax(), big.shape)
    assert row < 10 and column > 30
    assert big[0].max() == 0 and big[:, 39].max() == 0


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"size": 4}, "size: expected an integer of at least 8 and at most 1024, found 4"),
        ({"test_fraction": 0.0}, "test_fraction: expected a number above 0 and below 1, found 0.0"),
        ({"test_fraction": 1.0}, "test_fraction.*found 1.0"),
    ],
)
def test_bad_options_name_their_key(keys, message):
    with pytest.raises(UserError, match=message):
        DigitsData.read(keys)

"""Who is in an image, which images are paired, and codes that are swapped."""

import numpy as np
import pytest
import torch

from dlvae.data.batches import to_uint8
from dlvae.data.dataset import PERSON, Split
from dlvae.data.synthetic_faces.factors import FACTOR_NAMES, IDENTITY_FACTORS
from eval.scores.swaps import CELLS, IDENTITIES, IMAGES, Cells, choose_cells, identities, swap

UNKNOWN = np.array([], "<U1")


def draws(seed=0):
    return np.random.default_rng(seed)


def numbered(count):
    """Images of one pixel that hold their own number, so that a choice can be read off them."""
    numbers = np.arange(count)
    return np.stack([numbers // 256, numbers % 256, 0 * numbers], 1)[:, None, None].astype(np.uint8)


def labelled(labels):
    labels = np.asarray(labels, np.int64)
    names = np.array([f"person {k}" for k in range(labels.max() + 1)])
    return Split(numbered(len(labels)), None, labels, names)


def numbers(images):
    return images[:, 0, 0, 0].astype(int) * 256 + images[:, 0, 0, 1]


class Planted:
    """z_s is the red of the first pixel, z_u the green of the second one."""

    device = torch.device("cpu")

    def encode(self, images):
        return {"z_s": images[:, 0, 0, :1], "z_u": images[:, 1, 0, 1:]}

    def decode(self, z_s, z_u):
        images = torch.zeros(len(z_s), 3, 1, 2)
        images[:, 0, 0, 0], images[:, 1, 0, 1] = z_s[:, 0], z_u[:, 0]
        return images


def test_labels_say_who_is_in_an_image():
    assert identities(labelled([2, 0, 2])).tolist() == [2, 0, 2]


def test_rendered_faces_are_told_apart_by_every_identity_factor_and_by_these_alone():
    factors = np.zeros((5, len(FACTOR_NAMES)), np.float32)
    last = FACTOR_NAMES.index(IDENTITY_FACTORS[-1])
    factors[[1, 4], last] = 1
    factors[:, FACTOR_NAMES.index("azimuth")] = np.arange(5)
    names = np.array(FACTOR_NAMES)
    split = Split(numbered(5), None, np.full(5, -1), UNKNOWN, factors, names)
    found = identities(split)
    assert len(set(found)) == 2 and found[1] == found[4] and len(set(found[[0, 2, 3]])) == 1


def test_photographs_without_labels_may_say_who_they_show():
    factors = np.array([[2], [0], [2]], np.float32)
    split = Split(numbered(3), None, np.full(3, -1), UNKNOWN, factors, np.array([PERSON]))
    assert identities(split).tolist() == [2, 0, 2]


@pytest.mark.parametrize("names", [None, ["azimuth", "expression"]])
def test_images_without_labels_and_identity_factors_are_of_unknown_people(names):
    factors = None if names is None else np.zeros((4, 2), np.float32)
    names = None if names is None else np.array(names)
    split = Split(numbered(4), None, np.full(4, -1), UNKNOWN, factors, names)
    assert identities(split) is None


def test_cells_are_distinct_pairs_of_different_people():
    cells = choose_cells(labelled(np.arange(120) % 4), draws())
    assert len(cells.rows) == len(cells.columns) == CELLS
    assert (cells.identity[cells.rows] != cells.identity[cells.columns]).all()
    assert len(set(zip(cells.rows, cells.columns, strict=True))) == CELLS
    assert set(cells.identity[cells.rows]) == set(cells.identity[cells.columns]) == set(range(4))


def test_few_images_give_every_pair_there_is_once():
    labels = np.array([0, 0, 1, 2])
    cells = choose_cells(labelled(labels), draws())
    expected = {(i, j) for i in range(4) for j in range(4) if labels[i] != labels[j]}
    found = list(zip(cells.rows.tolist(), cells.columns.tolist(), strict=True))
    assert len(found) == len(expected) and set(found) == expected


def test_every_pair_of_different_people_is_as_likely_as_any_other():
    split = labelled([0] * 6 + [1, 2])
    counts = np.zeros((8, 8))
    for seed in range(1500):
        cells = choose_cells(split, draws(seed), most=1)
        counts[cells.rows, cells.columns] += 1
    allowed = split.labels[:, None] != split.labels
    expected = 1500 / allowed.sum()
    assert counts[~allowed].sum() == 0
    assert np.abs(counts[allowed] - expected).max() < 5 * np.sqrt(expected)


def test_people_are_spread_over_a_large_set_and_have_several_images_each():
    labels = np.repeat(np.arange(530), 12)
    cells = choose_cells(labelled(labels), draws())
    people, counts = np.unique(cells.identity, return_counts=True)
    assert len(people) == IDENTITIES and set(counts) == {IMAGES // IDENTITIES}
    assert people[0] < 10 and people[-1] > 520
    np.testing.assert_array_equal(labels[numbers(cells.images)], cells.identity)


def test_cells_of_unknown_people_are_pairs_of_two_images():
    split = Split(numbered(1200), None, np.full(1200, -1), UNKNOWN)
    cells = choose_cells(split, draws())
    assert cells.identity is None and len(cells.images) == IMAGES
    assert (cells.rows != cells.columns).all()
    assert np.ptp(numbers(cells.images)) > 1100


def test_one_person_has_no_cells():
    assert len(choose_cells(labelled([0, 0, 0]), draws()).rows) == 0


def test_cells_depend_on_the_generator_alone():
    split = labelled(np.arange(120) % 4)
    first, second, other = (choose_cells(split, draws(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.columns, second.columns)
    assert (first.rows != other.rows).any()


def test_a_cell_has_z_s_of_its_row_and_z_u_of_its_column():
    images = draws().integers(0, 256, (300, 1, 2, 3)).astype(np.uint8)  # more than one batch
    rows, columns = draws(1).integers(0, 300, (2, 400))
    swapped, own = swap(Planted(), Cells(images, None, rows, columns))
    np.testing.assert_array_equal(swapped[:, 0, 0, 0], images[rows, 0, 0, 0])
    np.testing.assert_array_equal(swapped[:, 0, 1, 1], images[columns, 0, 1, 1])
    np.testing.assert_array_equal(own[:, 0, 0, 0], images[:, 0, 0, 0])
    np.testing.assert_array_equal(own[:, 0, 1, 1], images[:, 0, 1, 1])
    grey = to_uint8(torch.zeros(1, 3, 1, 1)).item(0)
    assert (swapped[:, 0, 0, 1:] == grey).all()

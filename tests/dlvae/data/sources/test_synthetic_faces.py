"""The face renderer: determinism, what each factor does, who depends on what, bad input."""

import numpy as np
import pytest

from dlvae.data.synthetic_faces.factors import (
    FACTOR_NAMES,
    IDENTITY_FACTORS,
    IRRELEVANT_FACTORS,
    LOOKS,
    RANGES,
    VARIATION_FACTORS,
    sample_identities,
    sample_images,
)
from dlvae.data.synthetic_faces.geometry import rotation, to_view
from dlvae.data.synthetic_faces.render import render
from dlvae.data.synthetic_faces.source import (
    SizedUnlabelledSyntheticFaces,
    SyntheticFacesData,
    prepare,
    prepare_unlabelled,
)


def _faces(identities=6, per_identity=2, seed=0):
    people = sample_identities(identities, seed)
    return sample_images(people, per_identity, seed)


def _set(row, **values):
    row = row.copy()
    for name, value in values.items():
        row[FACTOR_NAMES.index(name)] = value
    return row


@pytest.fixture(scope="module")
def plain():
    """A bare-faced, evenly lit frontal face with hair long enough for every hair factor."""
    middle = {name: 0.5 * (low + high) for name, (low, high) in RANGES.items()}
    middle.update(hair_length=0.7, hair_part=0.6, beard=0.0, make_up=0.0, glasses=0.0)
    return np.array([middle[name] for name in FACTOR_NAMES], dtype=np.float32)


# --- factors -----------------------------------------------------------------------------------


def test_names_are_unique_and_complete():
    assert FACTOR_NAMES == IDENTITY_FACTORS + VARIATION_FACTORS + IRRELEVANT_FACTORS
    assert len(set(FACTOR_NAMES)) == len(FACTOR_NAMES)
    assert {"azimuth", "elevation", "expression"} <= set(IRRELEVANT_FACTORS)


def test_factors_lie_in_their_ranges_and_fill_those_of_the_pictures():
    factors, labels = _faces(identities=30, per_identity=20)
    assert factors.dtype == np.float32 and factors.shape == (600, len(FACTOR_NAMES))
    assert labels.dtype == np.int64 and np.bincount(labels).tolist() == [20] * 30
    for name, column in zip(FACTOR_NAMES, factors.T, strict=True):
        low, high = RANGES[name]
        assert column.min() >= low and column.max() <= high, name
        if name in IRRELEVANT_FACTORS:
            assert np.ptp(column) > 0.95 * (high - low), name


def test_an_identity_is_a_function_of_seed_and_index():
    many = sample_identities(8, seed=3)
    np.testing.assert_array_equal(many[5:], sample_identities(3, seed=3, first=5))
    assert not np.array_equal(many, sample_identities(8, seed=4))
    assert len(np.unique(many, axis=0)) == 8


def test_pictures_of_an_identity_depend_on_it_alone():
    people = sample_identities(4, seed=1)
    every, _ = sample_images(people, 6, seed=1)
    last, labels = sample_images(people[3:], 4, seed=1, first=3)
    np.testing.assert_array_equal(every[18:22], last)
    assert labels.tolist() == [0] * 4


def test_within_an_identity_only_looks_and_irrelevant_factors_vary():
    factors, _ = sample_images(sample_identities(1, seed=2), 200, seed=2)
    split = len(IDENTITY_FACTORS), len(IDENTITY_FACTORS) + len(VARIATION_FACTORS)
    identity, looks, irrelevant = np.split(factors, split, axis=1)
    assert len(np.unique(identity, axis=0)) == 1
    assert len(np.unique(looks, axis=0)) == LOOKS
    assert len(np.unique(irrelevant, axis=0)) == 200


def test_splits_share_looks_but_no_picture():
    people = sample_identities(1, seed=5)
    train, _ = sample_images(people, 100, seed=5)
    test, _ = sample_images(people, 100, seed=5, split="test")
    start, stop = len(IDENTITY_FACTORS), len(IDENTITY_FACTORS) + len(VARIATION_FACTORS)
    looks = [np.unique(part[:, start:stop], axis=0) for part in (train, test)]
    np.testing.assert_array_equal(*looks)
    assert not set(map(bytes, train[:, stop:])) & set(map(bytes, test[:, stop:]))


def test_irrelevant_factors_do_not_depend_on_the_label():
    identities, each = 20, 200
    factors, labels = _faces(identities, each)
    for name in IRRELEVANT_FACTORS:
        column = factors[:, FACTOR_NAMES.index(name)].reshape(identities, each)
        between = each * column.mean(axis=1).var(ddof=1)
        within = column.var(axis=1, ddof=1).mean()
        # F statistic of a one-way analysis of variance: 2.4 is its 99.9 % point.
        assert between / within < 2.4, name


def test_nobody_wears_both_a_full_beard_and_full_make_up():
    factors, _ = _faces(identities=60, per_identity=8)
    beard, make_up = (factors[:, FACTOR_NAMES.index(name)] for name in ("beard", "make_up"))
    assert (beard > 0.3).any() and (make_up > 0.3).any()
    assert (np.minimum(beard, make_up) < 0.5).mean() > 0.95


# --- pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 32, 33, 48, 64, 100])
def test_every_size(size):
    factors, _ = _faces(identities=2, per_identity=1)
    images = render(factors, size)
    assert images.shape == (2, size, size, 3) and images.dtype == np.uint8
    assert images.std() > 15


def test_a_picture_depends_on_its_row_alone():
    factors, _ = _faces(identities=5, per_identity=3)
    whole = render(factors, 32)
    np.testing.assert_array_equal(whole[4:9], render(factors[4:9], 32))
    np.testing.assert_array_equal(whole[::-1], render(factors[::-1], 32))


def test_sizes_show_the_same_picture():
    factors, _ = _faces(identities=4, per_identity=2)
    small = render(factors, 32).astype(float)
    large = render(factors, 64).astype(float).reshape(8, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    assert np.abs(small - large).mean() < 4.0


@pytest.mark.parametrize("name", FACTOR_NAMES)
def test_every_factor_changes_the_picture(plain, name):
    # Half turned, so that the nose stands out; ears show under short hair only.
    base = _set(plain, azimuth=20.0, hair_length=0.15 if name == "ear_size" else 0.7)
    rows = np.stack([_set(base, **{name: value}) for value in RANGES[name]])
    low, high = render(rows, 32).astype(int)
    changed = np.abs(low - high).max(axis=2) > 10
    assert changed.sum() >= 4, f"{name} changes {changed.sum()} pixels"


@pytest.mark.parametrize("name", ["azimuth", "elevation", "expression"])
def test_pose_and_expression_change_the_picture_step_by_step(plain, name):
    rows = np.stack([_set(plain, **{name: value}) for value in np.linspace(*RANGES[name], 7)])
    images = render(rows, 32).astype(float)
    steps = np.abs(np.diff(images, axis=0)).max(axis=(1, 2, 3))
    assert (steps > 20).all(), steps
    from_first = np.abs(images - images[0]).mean(axis=(1, 2, 3))
    assert (np.diff(from_first[:4]) > 0).all(), from_first


def test_directions_are_those_of_the_names(plain):
    """Nose to the right, face up, light from the right, and a mirror image for the opposite."""
    x, y, z = to_view(rotation(azimuth=30.0, elevation=15.0), (0.0, 0.0, 1.0))
    assert x > 0.4 and y > 0.2 and z > 0.8
    rows = np.stack([_set(plain, hair_part=0.0, azimuth=value) for value in (-25.0, 25.0)])
    left, right = render(rows, 64).astype(float)
    # Strands of hair and the glint in the eyes have no mirror image.
    assert np.abs(left - right[:, ::-1]).mean() < 4.0 < 8.0 < np.abs(left - right).mean()
    lit = render(np.stack([_set(plain, light_azimuth=50.0, light_strength=1.0)]), 64)[0].astype(int)
    assert lit[20:45, 32:46].mean() > lit[20:45, 18:32].mean() + 10


def test_a_mirror_image_shows_the_same_person():
    """Only irrelevant factors of symmetric range change sides: training may mirror any image."""
    mirrored_factors = ("azimuth", "light_azimuth", "hair_part")
    assert set(mirrored_factors) <= set(IRRELEVANT_FACTORS)
    assert all(RANGES[name][0] == -RANGES[name][1] for name in mirrored_factors)
    factors, _ = _faces(identities=24, per_identity=2)
    columns = [FACTOR_NAMES.index(name) for name in mirrored_factors]
    opposite = factors.copy()
    opposite[:, columns] *= -1.0
    images, others = render(factors, 32).astype(float), render(opposite, 32).astype(float)
    mirrored = images[:, :, ::-1]
    # Strands and curls are a texture without a mirror image, the same for everybody.
    assert np.abs(mirrored - others).mean() < 4.0 < 8.0 < np.abs(images - others).mean()
    # The side of the fringe is part of it: left as it is, the mirror image is missed by more.
    side = FACTOR_NAMES.index("hair_part")
    opposite[:, side] *= -1.0
    missed = np.abs(mirrored - render(opposite, 32)).mean()
    assert missed > 1.2 * np.abs(mirrored - others).mean()


def test_the_head_covers_the_background(plain):
    rows = np.stack([_set(plain, background_light=value) for value in (0.0, 1.0)])
    dark, bright = render(rows, 64).astype(int)
    np.testing.assert_array_equal(dark[24:44, 24:40], bright[24:44, 24:40])
    assert (bright[2, 2] > dark[2, 2] + 60).all()


def test_all_corners_of_the_ranges_render():
    generator = np.random.default_rng(0)
    low, high = np.array([RANGES[name] for name in FACTOR_NAMES]).T
    rows = np.where(generator.random((24, len(low))) < 0.5, low, high)
    images = render(rows, 32)
    assert images.reshape(24, -1).std(axis=1).min() > 5


# --- the data set ------------------------------------------------------------------------------


def labelled_splits(size, identities, images, test_images, seed=0):
    return prepare(
        SyntheticFacesData(
            size=size,
            identities=identities,
            images_per_identity=images,
            test_images_per_identity=test_images,
            seed=seed,
        )
    ).splits


def test_prepare_gives_labelled_splits():
    splits = labelled_splits(32, identities=3, images=4, test_images=2)
    train, test = splits["train"], splits["test"]
    assert train.images.shape == (12, 32, 32, 3) and test.images.shape == (6, 32, 32, 3)
    assert train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert len(train.classes) == 3 and train.classes.dtype.kind == "U"
    assert train.factors.shape == (12, len(FACTOR_NAMES))
    assert tuple(train.factor_names) == FACTOR_NAMES
    np.testing.assert_array_equal(train.images, render(train.factors, 32))


def test_unlabelled_identities_are_others():
    labelled = labelled_splits(16, 3, 2, 1)["train"]
    others = {"size": 16, "identities": 2, "images_per_identity": 3, "first_identity": 3}
    splits = prepare_unlabelled(SizedUnlabelledSyntheticFaces(**others)).splits
    assert set(splits) == {"train"}
    unlabelled = splits["train"]
    assert (unlabelled.labels == -1).all() and len(unlabelled.classes) == 0
    columns = slice(0, len(IDENTITY_FACTORS))
    people = [set(map(bytes, part.factors[:, columns])) for part in (labelled, unlabelled)]
    assert len(people[0]) == 3 and len(people[1]) == 2 and not people[0] & people[1]


def test_prepare_is_reproducible():
    first, second = (labelled_splits(16, 2, 2, 1, seed=7) for _ in range(2))
    for split in ("train", "test"):
        np.testing.assert_array_equal(first[split].images, second[split].images)
    other = labelled_splits(16, 2, 2, 1, seed=8)
    assert not np.array_equal(first["train"].images, other["train"].images)

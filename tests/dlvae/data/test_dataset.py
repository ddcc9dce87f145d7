from dataclasses import replace

import numpy as np
import pytest

from dlvae.data.dataset import Split, check_split, load_card, load_split, save_dataset
from dlvae.stage.errors import UserError

CARD = {"dataset": "toy", "source": "s", "licence": "l", "flip": True, "preparation": {"size": 4}}


def image_split(count=6, classes=("a", "b"), factors=True) -> Split:
    generator = np.random.default_rng(count)
    return Split(
        images=generator.integers(0, 256, (count, 4, 4, 3), np.uint8),
        points=None,
        labels=np.arange(count) % len(classes) if classes else np.full(count, -1),
        classes=np.array(classes, dtype=str),
        factors=generator.random((count, 2), np.float32) if factors else None,
        factor_names=np.array(["pose", "light"]) if factors else None,
    )


def test_a_data_set_survives_the_disk(tmp_path):
    splits = {"train": image_split(), "test": image_split(4)}
    card = save_dataset(tmp_path / "d", splits, CARD)
    for name, split in splits.items():
        back = load_split(tmp_path / "d", name)
        for field, array in split.arrays().items():
            np.testing.assert_array_equal(getattr(back, field), array)
    assert load_card(tmp_path / "d") == card
    assert card["counts"] == {"train": 6, "test": 4}
    assert (card["classes"], card["class_names"], card["size"]) == (2, ["a", "b"], 4)


def test_equal_content_gives_equal_bytes(tmp_path):
    for name in "xy":
        save_dataset(tmp_path / name, {"train": image_split()}, CARD)
    for file in ("train.npz", "card.json"):
        assert (tmp_path / "x" / file).read_bytes() == (tmp_path / "y" / file).read_bytes()


def test_the_card_hash_changes_with_one_pixel(tmp_path):
    split = image_split()
    before = save_dataset(tmp_path, {"train": split}, CARD)["sha256"]["train"]
    split.images[0, 0, 0, 0] ^= 1
    assert save_dataset(tmp_path, {"train": split}, CARD)["sha256"]["train"] != before


def test_unlabelled_sets_have_no_classes(tmp_path):
    card = save_dataset(tmp_path, {"train": image_split(classes=())}, CARD)
    split = load_split(tmp_path, "train")
    assert not split.labelled and card["classes"] == 0 and set(split.labels) == {-1}


def test_a_split_of_an_earlier_preparation_does_not_linger(tmp_path):
    save_dataset(tmp_path, {"train": image_split(), "test": image_split(4)}, CARD)
    save_dataset(tmp_path, {"train": image_split()}, CARD)
    with pytest.raises(UserError, match="no prepared split"):
        load_split(tmp_path, "test")


def test_take_keeps_the_classes_and_factor_names():
    split = image_split().take(np.array([4, 1]))
    whole = image_split()
    np.testing.assert_array_equal(split.images, whole.images[[4, 1]])
    np.testing.assert_array_equal(split.factors, whole.factors[[4, 1]])
    assert split.classes is not None and list(split.factor_names) == ["pose", "light"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((6, 4, 4, 3), np.float32)}, "images uint8 .*found float32"),
        ({"images": np.zeros((6, 3, 4, 4), np.uint8)}, r"found uint8 \(6, 3, 4, 4\)"),
        ({"images": np.zeros((6, 4, 5, 3), np.uint8)}, r"found uint8 \(6, 4, 5, 3\)"),
        ({"images": None}, "found neither"),
        ({"points": np.zeros((6, 2), np.float32)}, "found both"),
        ({"images": None, "points": np.zeros((6, 3), np.float32)}, "points float32"),
        ({"labels": np.zeros(6, np.int32)}, "labels int64"),
        ({"labels": np.zeros(5, np.int64)}, r"labels int64 \(6,\)"),
        ({"labels": np.array([0, 1, 2, 0, 1, 0])}, r"labels in 0\.\.1, found 0\.\.2"),
        ({"labels": np.array([0, 1, -1, 0, 1, 0])}, r"found -1\.\.1"),
        ({"classes": np.array([], dtype=str)}, "labels -1"),
        ({"factors": None}, "together"),
        ({"factors": np.zeros((6, 3), np.float32)}, r"factors float32 \(6, 2\)"),
        ({"factors": np.full((6, 2), np.nan, np.float32)}, "NaN"),
    ],
)
def test_a_split_that_breaks_the_contract_is_named(change, message):
    with pytest.raises(UserError, match=f"somewhere.npz.*{message}"):
        check_split(replace(image_split(), **change), "somewhere.npz")


def test_an_empty_split_is_refused():
    with pytest.raises(UserError, match="at least one row"):
        check_split(image_split().take(np.array([], int)), "x")


def test_missing_files_name_the_command(tmp_path):
    with pytest.raises(UserError, match="train.npz.*dlvae.prepare"):
        load_split(tmp_path, "train")
    with pytest.raises(UserError, match="card.json.*dlvae.prepare"):
        load_card(tmp_path)


def test_a_foreign_npz_is_refused(tmp_path):
    np.savez(tmp_path / "train.npz", x=np.zeros(3))
    with pytest.raises(UserError, match=r"missing \['classes', 'labels'\], unexpected \['x'\]"):
        load_split(tmp_path, "train")


def test_splits_must_agree(tmp_path):
    with pytest.raises(ValueError, match="other classes"):
        save_dataset(
            tmp_path, {"train": image_split(), "test": image_split(classes=("a", "c"))}, CARD
        )
    assert not (tmp_path / "train.npz").exists()

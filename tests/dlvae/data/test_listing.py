from pathlib import Path

import numpy as np
import pytest

from dlvae.data.faces import FacesData
from dlvae.data.listing import Listing
from dlvae.data.local import cap, choose, hold_out
from dlvae.stage.errors import UserError


def listing(counts: dict[str, int]) -> Listing:
    """`counts[name]` one-line "files" per class, all different."""
    payloads = [f"{name}{i}".encode() for name, count in counts.items() for i in range(count)]
    labels = np.repeat(np.arange(len(counts)), list(counts.values()))
    return Listing(payloads, [str(p) for p in payloads], labels, list(counts))


def options(**keys) -> FacesData:
    return FacesData.read({"size": 8} | keys, "x")


def test_a_tenth_of_every_class_is_held_out():
    train, test = hold_out(listing({"a": 100, "b": 50, "c": 4}), 0.1)
    assert np.bincount(test.labels).tolist() == [10, 5, 1]
    assert np.bincount(train.labels).tolist() == [90, 45, 3]
    assert not set(train.payloads) & set(test.payloads)


def test_the_hold_out_depends_on_content_not_on_order():
    whole = listing({"a": 30, "b": 30})
    order = np.random.default_rng(0).permutation(60)
    mixed = Listing(
        [whole.payloads[i] for i in order], [f"renamed {i}" for i in order],
        whole.labels[order], whole.classes,
    )  # fmt: skip
    assert set(hold_out(whole, 0.1)[1].payloads) == set(hold_out(mixed, 0.1)[1].payloads)


def test_equal_files_stay_on_one_side():
    payloads = [b"same"] * 10 + [f"{i}".encode() for i in range(10)]
    whole = Listing(payloads, payloads, np.zeros(20, np.int64), ["a"])
    for fraction in (0.1, 0.3, 0.5, 0.9):
        train, test = hold_out(whole, fraction)
        assert (b"same" in train.payloads) != (b"same" in test.payloads)


def test_a_path_and_its_bytes_are_chosen_alike(tmp_path):
    whole = listing({"a": 20})
    paths = []
    for i, data in enumerate(whole.payloads):
        (tmp_path / f"{i}.png").write_bytes(data)
        paths.append(tmp_path / f"{i}.png")
    files = Listing(paths, [str(p) for p in paths], whole.labels, whole.classes)
    held: list[Path] = cap(files, 5).payloads
    assert [path.read_bytes() for path in held] == cap(whole, 5).payloads


def test_a_test_split_of_its_own_is_kept_whole():
    source = {"train": listing({"a": 20, "b": 20}), "test": listing({"a": 3, "b": 1})}
    chosen = choose(source, options(), "x")
    assert {name: len(each) for name, each in chosen.items()} == {"train": 40, "test": 4}


def test_caps_apply_to_each_class_and_split():
    source = {"train": listing({"a": 20, "b": 12, "c": 15}), "test": listing({"a": 9, "b": 2})}
    chosen = choose(source, options(max_classes=2, max_images_per_class=4), "x")
    assert np.bincount(chosen["train"].labels).tolist() == [4, 4]
    assert np.bincount(chosen["test"].labels).tolist() == [4, 2]
    assert chosen["train"].classes == ["a", "b"]


def test_a_larger_cap_keeps_what_a_smaller_one_kept():
    source = listing({"a": 30})
    assert set(cap(source, 5).payloads) < set(cap(source, 12).payloads)
    assert len(cap(source, 100)) == 30


def test_a_small_class_is_named_with_its_count_and_key():
    message = (
        r"class 'b': expected at least 10 training images, found 7;.*"
        r"datasets\.faces\.data\.min_images_per_class"
    )
    source = {"train": listing({"a": 40, "b": 8})}  # one of the eight is held out
    with pytest.raises(UserError, match=message):
        choose(source, options(), "datasets.faces.data")
    assert len(choose(source, options(min_images_per_class=7), "x")["train"]) == 43


def test_a_class_without_images_is_always_too_small():
    empty = Listing([b"1", b"2"], ["1", "2"], np.zeros(2, np.int64), ["a", "b"])
    with pytest.raises(UserError, match="class 'b': expected at least 1 training images, found 0"):
        choose({"train": empty}, options(min_images_per_class=1), "x")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"test_fraction": 0.0},
            r"x\.test_fraction: .*above 0 and below 1, found 0",
        ),
        ({"test_fraction": 1.0}, r"x\.test_fraction"),
        (
            {"max_classes": 0},
            r"x\.max_classes: .*at least 1, or null, found 0",
        ),
        ({"max_images_per_class": 0}, r"x\.max_images_per_class"),
        ({"min_images_per_class": 0}, r"x\.min_images_per_class"),
    ],
)
def test_useless_keys_are_refused(keys, message):
    with pytest.raises(UserError, match=message):
        options(**keys)

"""Who an image shows, and which images of unlabelled people no training sees."""

import numpy as np
import pytest

from dlvae.data.dataset import PERSON, Split, load_card, load_split
from dlvae.data.people import EVERY, hold_out, identities
from dlvae.prepare import prepare
from dlvae.stage.errors import UserError


def unlabelled(people, known=True):
    """Images whose first pixel is their number, of people by number."""
    n = len(people)
    images = np.zeros((n, 4, 4, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(n)
    more = (np.array(people, np.float32)[:, None], np.array([PERSON])) if known else (None, None)
    return Split(images, None, np.full(n, -1), np.array([], "<U1"), *more)


def numbers(split):
    return split.images[:, 0, 0, 0].tolist()


def test_of_each_person_one_image_in_five_is_held_out():
    people = [3] * 10 + [7] * 14 + [1] * 2 + [9]
    split = unlabelled(people)
    parts = hold_out(split)
    assert sorted(numbers(parts["train"]) + numbers(parts["heldout"])) == list(range(len(people)))
    held = identities(parts["heldout"]).tolist()
    assert {person: held.count(person) for person in (3, 7, 1, 9)} == {3: 2, 7: 2, 1: 1, 9: 0}
    assert set(held) <= set(identities(parts["train"]).tolist())
    assert EVERY == 5 and numbers(hold_out(split)["heldout"]) == numbers(parts["heldout"])


@pytest.mark.parametrize(("people", "known"), [([0] * 20, False), (list(range(20)), True)])
def test_a_set_without_two_images_of_a_person_is_parted_as_a_whole(people, known):
    parts = hold_out(unlabelled(people, known))
    assert len(parts["heldout"]) == 4 and len(parts["train"]) == 16
    assert max(numbers(parts["heldout"])) - min(numbers(parts["heldout"])) >= 10


def test_one_image_cannot_be_parted():
    with pytest.raises(UserError, match="two unlabelled images or more, found 1"):
        hold_out(unlabelled([0]))


def test_a_prepared_unlabelled_set_has_a_part_that_no_training_sees(tmp_path):
    config = {"dataset": "synthetic_faces", "size": 16, "identities": 2, "images_per_identity": 10}
    prepare(config | {"role": "unlabelled"}, tmp_path)
    train, held = load_split(tmp_path, "train"), load_split(tmp_path, "heldout")
    assert (len(train), len(held)) == (16, 4)
    assert np.unique(identities(held), return_counts=True)[1].tolist() == [2, 2]
    assert not {i.tobytes() for i in train.images} & {i.tobytes() for i in held.images}
    card = load_card(tmp_path)
    assert card["counts"] == {"train": 16, "heldout": 4} and set(card["sha256"]) == set(
        card["counts"]
    )
    assert not (tmp_path / "test.npz").exists()

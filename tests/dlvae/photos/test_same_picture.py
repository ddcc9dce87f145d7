import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from dlvae.photos.photo import Photo
from dlvae.photos.same_picture import drop_repeats, drop_shared, signatures
from rendered_photos import portraits


def altered(face):
    """The same picture: recompressed, lighter, greyed, blurred by a reduction."""
    image = Image.fromarray(face)
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", quality=40)
    grey = image.convert("L").convert("RGB")
    light = ImageEnhance.Brightness(image).enhance(1.15)
    small = image.resize((40, 40)).resize(image.size)
    return np.stack([np.asarray(each) for each in (Image.open(buffer), light, grey, small)])


def some(names, scales=None):
    return [
        Photo(name, name[0], sha256=name, scale=scale, box=(0, 0, 1, 1))
        for name, scale in zip(names, scales or [0.5] * len(names), strict=True)
    ]


def test_copies_correlate_and_other_pictures_of_a_person_do_not():
    faces = portraits(0, 8, 64)
    vectors = signatures(faces)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    apart = (vectors @ vectors.T)[~np.eye(len(faces), dtype=bool)]
    copies = signatures(altered(faces[0])) @ vectors[0]
    # Renders of one pose can be as like as copies are.
    assert copies.min() > 0.96 and np.median(apart) < 0.7


def test_a_face_without_outlines_is_like_nothing():
    vectors = signatures(np.full((2, 64, 64, 3), 128, np.uint8))
    assert not (vectors @ vectors.T).any()


def test_of_one_picture_the_largest_face_is_kept():
    faces = portraits(0, 2, 64)
    photos = some(["a1", "a2", "a3", "a4"], [0.5, 0.2, 0.4, 0.9])
    shown = np.concatenate([faces[:1], altered(faces[0])[:2], faces[1:]])
    drop_repeats(photos, signatures(shown), 0.93)
    assert [photo.reason for photo in photos] == ["repeat", "", "repeat", ""]
    assert photos[0].detail == "a2"


def test_equal_files_are_one_whatever_they_show():
    photos = some(["a1", "a2"])
    photos[1].sha256 = photos[0].sha256
    drop_repeats(photos, np.zeros((2, 400), np.float32), 0.93)
    assert [photo.reason for photo in photos] == ["", "repeat"]


def test_one_picture_under_two_names_is_dropped_on_both_sides(monkeypatch):
    monkeypatch.setattr("dlvae.photos.same_picture.ROWS", 2)  # several blocks
    faces = portraits(0, 3, 64)
    photos = some(["a1", "a2", "b1", "c1"])
    shown = np.concatenate([faces[:2], altered(faces[1])[:1], faces[2:]])
    drop_shared(photos, signatures(shown), 0.96)
    assert [photo.reason for photo in photos] == ["", "two_people", "two_people", ""]
    assert photos[1].detail == "b1" and photos[2].detail == "a2"


@pytest.mark.parametrize("drop", [drop_repeats, drop_shared])
def test_nothing_is_dropped_of_nothing(drop):
    drop([], np.zeros((0, 400), np.float32), 0.9)

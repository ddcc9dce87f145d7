import numpy as np
import pytest

from dlvae.photos.align_identity import choose_face, overlap
from dlvae.photos.alignment import template
from dlvae.photos.detectors import Face, make_detector
from dlvae.photos.photo import Dropped
from dlvae.photos.settings import PrepareFaces
from dlvae.stage.errors import UserError
from rendered_photos import photo, portraits


def face(x, y, side, score=1.0):
    return Face((x, y, side, side), template(64, 2), score, "eyes")


def test_the_largest_or_the_central_face_is_taken():
    small, large = face(90, 90, 20), face(0, 0, 50)
    shape = (200, 200, 3)
    assert choose_face([small, large], shape, PrepareFaces()) is large
    assert choose_face([small, large], shape, PrepareFaces(face="central")) is small


def test_a_listed_face_goes_before_both():
    near, large = face(100, 100, 20), face(0, 0, 50)
    settings, shape = PrepareFaces(), (200, 200, 3)
    assert choose_face([near, large], shape, settings, (98, 98, 25, 25)) is near
    with pytest.raises(Dropped) as why:
        choose_face([large], shape, settings, (98, 98, 25, 25))
    assert why.value.reason == "no_face" and "where the list says" in why.value.detail


def test_a_second_large_face_drops_the_photo_where_it_is_asked_for():
    faces, shape = [face(0, 0, 50), face(100, 100, 40)], (200, 200, 3)
    assert choose_face(faces, shape, PrepareFaces()) is faces[0]
    with pytest.raises(Dropped) as why:
        choose_face(faces, shape, PrepareFaces(second_face=0.3))
    assert why.value.reason == "several_faces"
    with pytest.raises(Dropped) as why:
        choose_face([], shape, PrepareFaces())
    assert why.value.reason == "no_face"


def test_overlap_is_intersection_over_union():
    assert overlap((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (20, 0, 10, 10)) == 0


@pytest.mark.parametrize("scale", [1, 4])
def test_haar_finds_faces_of_any_size(scale):
    picture = photo(portraits(0, 1)[0])
    picture = picture.resize((picture.width * scale, picture.height * scale))
    found = make_detector("haar", None, 0.8)(np.asarray(picture))
    best = max(found, key=lambda each: each.area)
    x, y = best.centre / scale
    # The face is in the middle of its 160 pixels at (90, 40).
    assert 140 < x < 200 and 90 < y < 160
    assert best.points.shape == (2, 2) and best.points[0, 0] < best.points[1, 0]


def test_haar_finds_nothing_in_stains():
    picture = np.asarray(photo(np.zeros((1, 1, 3), np.uint8)))
    assert make_detector("haar", None, 0.8)(picture) == []


def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "m.onnx").write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(
        UserError, match=r"m\.onnx: expected YuNet in ONNX .*leave .*yunet_model out"
    ):
        make_detector("yunet", tmp_path / "m.onnx", 0.8)

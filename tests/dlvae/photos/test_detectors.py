import numpy as np
import pytest

from dlvae.photos.align_identity import choose_face
from dlvae.photos.alignment import template
from dlvae.photos.detectors.detector import Face, make_detector, overlap
from dlvae.photos.detectors.yunet import YuNet, _cut
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


POINTS = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])


class WhiteSquares:
    """In the place of the network: a face is a white square."""

    def __init__(self):
        self.looks = []

    def setInputSize(self, size):
        self.looks.append(size)

    def detect(self, picture):
        y, x = np.nonzero(picture.min(axis=2) > 240)
        if len(x) < 9:
            return 0, None
        corner, end = np.array([x.min(), y.min()]), np.array([x.max(), y.max()]) + 1
        box = [*corner, *(end - corner)]
        points = corner + (end - corner) * POINTS
        return 1, np.array([[*box, *points.ravel(), 0.9]], np.float32)


def white_square(photo, min_score=0.8):
    yunet = YuNet.__new__(YuNet)
    yunet._net, yunet._min_score = WhiteSquares(), min_score
    return yunet(photo), yunet._net.looks


@pytest.mark.parametrize("corner", [(300, 200), (0, 0), (560, 420)])
def test_yunet_gives_points_in_pixels_of_the_photo(corner):
    photo = np.full((500, 640, 3), 60, np.uint8)
    x, y = corner
    photo[y : y + 80, x : x + 80] = 255
    (found,), looks = white_square(photo)
    np.testing.assert_allclose(found.points, np.array(corner) + 80 * POINTS, atol=2)
    np.testing.assert_allclose(found.box, (x, y, 80, 80), atol=3)
    assert looks[1:] == [(160, 160), (192, 192), (224, 224)]


def test_yunet_looks_closer_where_it_sees_nothing_and_drops_what_it_is_unsure_of():
    photo = np.full((3000, 4000, 3), 60, np.uint8)
    photo[1000:1016, 1000:1016] = 255  # a pixel in the small copy
    (found,), _ = white_square(photo)
    np.testing.assert_allclose(found.centre, [1008, 1008], atol=4)
    assert white_square(photo, min_score=0.95)[0] == []
    assert white_square(photo[:100, :100]) == ([], [(124, 124)])


def test_a_window_beyond_the_photo_is_grey():
    photo = np.zeros((20, 20, 3), np.uint8)
    assert (_cut(photo, np.array([100, 100]), 9) == 128).all()
    window = _cut(photo, np.array([-4, 15]), 10)
    assert window.shape == (10, 10, 3)
    assert (window[:5, 4:] == 0).all() and (window[5:] == 128).all()

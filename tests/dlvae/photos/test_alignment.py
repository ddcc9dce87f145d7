import numpy as np
import pytest
from PIL import Image

from dlvae.photos.alignment import Similarity, cut_out, fit, share_outside, template


def turned(points, degrees, scale, shift):
    angle = np.deg2rad(degrees)
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ matrix.T + shift


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize("degrees", [0, 25, -170])
def test_a_similarity_is_found_again(count, degrees):
    goal = template(64, count)
    points = turned(goal, degrees, 3.5, [120, -40])
    found = fit(points, goal)
    np.testing.assert_allclose(found(points), goal, atol=1e-9)
    np.testing.assert_allclose(found.back(goal), points, atol=1e-9)
    assert found.scale == pytest.approx(1 / 3.5)


def test_the_fit_is_that_of_least_squares_among_similarities():
    generator = np.random.default_rng(0)
    goal, points = template(64), generator.uniform(0, 100, (5, 2))
    found = fit(points, goal)

    def error(similarity):
        return np.square(similarity(points) - goal).sum()

    for _ in range(200):
        turn, shift = (complex(*generator.normal(0, 0.05, 2)) for _ in range(2))
        assert error(found) <= error(Similarity(found.turn + turn, found.shift + 20 * shift))


def test_a_mirrored_face_is_not_mirrored_back():
    goal = template(64)
    mirrored = goal * [-1, 1] + [64, 0]
    # As near as a turn comes: the eyes stay on their sides, in the picture's left and right.
    assert np.abs(fit(mirrored, goal)(mirrored) - goal).max() > 5


def dotted(points, side=400, radius=3):
    """A grey photo with a red, green, blue, ... disc at each point."""
    photo = np.full((side, side, 3), 90, np.uint8)
    y, x = np.mgrid[:side, :side]
    for index, point in enumerate(points):
        photo[np.hypot(x - point[0], y - point[1]) <= radius] = np.roll([255, 0, 0], index % 3)
    return photo


def centre_of(picture, channel):
    """The centre of gravity of what stands out in one colour."""
    weight = picture[..., channel].astype(float) - picture.astype(float).mean(axis=2)
    weight = np.where(weight > 20, weight, 0)
    y, x = np.mgrid[: len(picture), : len(picture)]
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize(("scale", "degrees"), [(4.0, 20), (2.0, -35), (1.0, 0), (0.8, 10)])
def test_what_is_at_the_eyes_and_nose_lands_on_the_template(scale, degrees):
    goal = template(64, 3)
    points = turned(goal, degrees, scale, [130, 100])
    face = cut_out(dotted(points, radius=2.5 * scale), fit(points, goal), 64)
    assert face.shape == (64, 64, 3) and face.dtype == np.uint8
    for channel in range(3):
        assert np.abs(centre_of(face, channel) - goal[channel]).max() < 0.4


def test_fine_stripes_become_grey_and_not_coarse_stripes():
    """A reduction without antialiasing would show them at another pitch."""
    photo = np.zeros((600, 600, 3), np.uint8)
    photo[:, ::2] = 255
    points = template(64) * 8 + 30
    face = cut_out(photo, fit(points, template(64)), 64)
    assert face.std() < 3 and abs(face.mean() - 127.5) < 3


def test_pixels_outside_the_photo_are_mirrored_and_counted():
    photo = np.asarray(Image.linear_gradient("L").convert("RGB"))  # 256 px, darkest above
    shifted = fit(template(64) * 2 + [0, -32], template(64))
    face = cut_out(photo, shifted, 64)
    assert share_outside(photo.shape, shifted, 64) == pytest.approx(16 / 64, abs=0.01)
    np.testing.assert_allclose(face[0:16, 32], face[31:15:-1, 32], atol=3)
    inside = fit(template(64) * 2 + 50, template(64))
    assert share_outside(photo.shape, inside, 64) == 0

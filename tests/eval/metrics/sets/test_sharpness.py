"""Variance of the Laplacian: worked-out images, scipy's operator, and blur."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, laplace

from dlvae.stage.errors import UserError
from eval.metrics.sets import sharpness as module
from eval.metrics.sets.sharpness import sharpness


def textures(n=6, size=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("colour", "grey"), [((255, 255, 255), 255), ((100, 0, 0), 29.9), ((0, 0, 200), 22.8)]
)
def test_a_chessboard_has_a_laplacian_of_plus_and_minus_four(colour, grey):
    board = np.indices((6, 6)).sum(axis=0) % 2
    image = (board[None, ..., None] * np.array(colour)).astype(np.uint8)
    assert sharpness(image).value == pytest.approx((4 * grey) ** 2)


def test_a_ramp_has_none():
    """A second difference, so that a gradient of brightness is no sharpness."""
    ramp = np.indices((1, 12, 12, 3)).sum(axis=0) - np.arange(3)
    assert sharpness((10 * ramp).astype(np.uint8)).value < 1e-20


def test_agrees_with_scipy(monkeypatch):
    images = textures()
    grey = 0.299 * images[..., 0] + 0.587 * images[..., 1] + 0.114 * images[..., 2]
    expected = [laplace(g)[1:-1, 1:-1].var() for g in grey]
    found = sharpness(images)
    assert found.value == pytest.approx(np.mean(expected)) and found.n == 6
    assert sharpness(images[:1]).value == pytest.approx(expected[0])
    monkeypatch.setattr(module, "BATCH", 4)
    assert sharpness(images).value == pytest.approx(found.value)


def test_blur_lowers_it():
    images = textures()
    values = [sharpness(images).value]
    for width in (0.5, 1.0, 2.0):
        blurred = gaussian_filter(images.astype(float), (0, width, width, 0))
        values.append(sharpness(blurred.round().astype(np.uint8)).value)
    assert values == sorted(values, reverse=True)
    assert values[2] < 0.1 * values[0]


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 8, 8, 3)), "uint8"),
        (np.zeros((2, 3, 8, 8), np.uint8), "shape"),
        (np.zeros((0, 8, 8, 3), np.uint8), "N > 0"),
        (np.zeros((2, 2, 8, 3), np.uint8), "3 x 3 pixels, found 2 x 8"),
    ],
)
def test_other_images_are_refused(images, words):
    with pytest.raises(UserError, match=words):
        sharpness(images)

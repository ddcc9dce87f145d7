"""Degradations against independent references, and what random ones must keep."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from dlvae.data.batches import to_model_range, to_uint8
from eval.judge import augment
from eval.judge.augment import (
    blur_matrix,
    coloured,
    compressed,
    contrasted,
    cut_out,
    degrade,
    fixed,
    noisy,
    resolution_matrix,
    separable,
    shift_matrix,
)

SIZE = 32


def pictures(count=6, seed=0):
    """Smooth random images, uint8 (count, 32, 32, 3)."""
    values = np.random.default_rng(seed).normal(size=(count, SIZE, SIZE, 3))
    smooth = ndimage.gaussian_filter(values, (0, 2, 2, 0))
    return np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8)


def images(count=6, seed=0):
    return to_model_range(pictures(count, seed))


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def test_blur_is_a_gaussian_filter_normalised_at_the_edges():
    sigmas, batch = torch.tensor([0.7, 1.5, 2.2]), images(3)
    matrix = blur_matrix(sigmas, SIZE)
    found = separable(batch, matrix, matrix).numpy()
    for image, blurred, sigma in zip(batch.numpy(), found, sigmas.tolist(), strict=True):
        reach = {"sigma": (0, sigma, sigma), "mode": "constant", "truncate": 40 / sigma}
        weight = ndimage.gaussian_filter(np.ones_like(image), **reach)
        expected = ndimage.gaussian_filter(image.astype(np.float64), **reach) / weight
        np.testing.assert_allclose(blurred, expected, atol=1e-5)


def test_a_shift_moves_whole_pixels_and_interpolates_between():
    batch = images(2)
    rows, columns = (shift_matrix(torch.tensor(shift), SIZE) for shift in ([3.0, 1.5], [0.0, -2.0]))
    found = separable(batch, rows, columns).numpy()
    for image, moved, shift in zip(batch.numpy(), found, ((3, 0), (1.5, -2)), strict=True):
        expected = ndimage.shift(image, (0, *shift), order=1, mode="nearest")
        np.testing.assert_allclose(moved, expected, atol=1e-5)


@pytest.mark.parametrize("cells", [8, 16])
def test_lower_resolution_is_the_mean_of_cells_and_linear_between(cells):
    batch = images(2)
    matrix = resolution_matrix(torch.full((2,), float(cells)), SIZE)
    small = torch.nn.functional.avg_pool2d(batch, SIZE // cells)
    expected = torch.nn.functional.interpolate(small, SIZE, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(separable(batch, matrix, matrix), expected, atol=1e-5)


@pytest.mark.parametrize("cells", [7, 12, 20, 31])
def test_cells_that_do_not_divide_the_side_keep_flat_images_flat(cells):
    matrix = resolution_matrix(torch.tensor([float(cells)]), SIZE)[0]
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-5)
    assert matrix.min() >= 0 and torch.linalg.matrix_rank(matrix) <= cells


def test_no_strength_leaves_images_as_they_are():
    for matrix in (
        blur_matrix(torch.tensor([0.01]), SIZE),
        resolution_matrix(torch.tensor([float(SIZE)]), SIZE),
        shift_matrix(torch.tensor([0.0]), SIZE),
    ):
        torch.testing.assert_close(matrix[0], torch.eye(SIZE))
    batch, one, none = images(), torch.ones(6), torch.zeros(6)
    torch.testing.assert_close(contrasted(batch, one, none), batch)
    torch.testing.assert_close(coloured(batch, one, torch.ones(6, 3)), batch)
    assert torch.equal(noisy(batch, none, draws()), batch)
    nowhere = cut_out(batch, torch.full((6, 2), 0.5), torch.zeros(6, 2), torch.ones(6, 3))
    assert torch.equal(nowhere, batch)


def test_contrast_and_brightness_scale_and_move_around_the_mean():
    batch = images(2) * 0.3
    found = contrasted(batch, torch.tensor([0.5, 2.0]), torch.tensor([0.1, 0.0]))
    mean, spread = (batch.numpy().mean((1, 2, 3)), batch.numpy().std((1, 2, 3)))
    np.testing.assert_allclose(found.numpy().mean((1, 2, 3)), mean + [0.1, 0], atol=1e-5)
    np.testing.assert_allclose(found.numpy().std((1, 2, 3)), spread * [0.5, 2], rtol=1e-4)


def test_no_saturation_is_grey_and_gains_scale_the_light_of_channels():
    batch = images(1)
    grey = coloured(batch, torch.tensor([0.0]), torch.ones(1, 3))[0]
    torch.testing.assert_close(grey, batch[0].mean(0).expand(3, -1, -1))
    found = coloured(batch, torch.tensor([1.0]), torch.tensor([[0.5, 1.0, 0.8]]))
    light = (batch[0].numpy() + 1) * np.array([0.5, 1.0, 0.8])[:, None, None]
    np.testing.assert_allclose(found[0] + 1, light, atol=1e-6)


def test_a_cut_out_covers_its_rectangle_and_nothing_else():
    batch = images(1)
    centre, side = torch.tensor([[0.25, 0.5]]), torch.tensor([[0.25, 0.5]])
    found = cut_out(batch, centre, side, torch.tensor([[0.1, 0.2, 0.3]]))[0]
    expected = batch[0].clone()
    expected[:, 4:12, 8:24] = torch.tensor([0.1, 0.2, 0.3])[:, None, None]
    assert torch.equal(found, expected)


def test_noise_has_its_standard_deviation():
    grey = torch.zeros(2, 3, 64, 64)
    found = noisy(grey, torch.tensor([0.05, 0.2]), draws())
    np.testing.assert_allclose(found.std((1, 2, 3)), [0.05, 0.2], rtol=0.03)


def test_jpeg_is_that_of_the_library():
    found = to_uint8(compressed(images(2), torch.tensor([20.0, 90.0])))
    for picture, compared, quality in zip(pictures(2), found, (20, 90), strict=True):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        np.testing.assert_array_equal(compared, np.asarray(Image.open(file)))


@pytest.mark.parametrize("count", [1, 64])
def test_random_degradations_keep_shape_range_and_layout(count):
    batch = images(count)
    before = batch.clone()
    found = degrade(batch, draws())
    assert found.shape == batch.shape and found.dtype == torch.float32
    assert found.min() >= -1 and found.max() <= 1
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(batch, before)


def test_random_degradations_depend_on_the_generator_alone():
    batch = images(16)
    first, again, other = (degrade(batch, draws(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    state = torch.random.get_rng_state()
    degrade(batch, draws())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_share_of_the_images_stays_untouched():
    batch = images(800)
    same = (degrade(batch, draws()) == batch).flatten(1).all(1).float().mean()
    assert abs(float(same) - augment.UNTOUCHED) < 0.04
    # Another share keeps other images and degrades the rest as before.
    every, none = (degrade(batch, draws(), share) for share in (1.0, 0.0))
    assert torch.equal(every, batch) and not torch.equal(none, batch)
    kept = (degrade(batch, draws()) == batch).flatten(1).all(1)
    assert torch.equal(degrade(batch, draws())[~kept], none[~kept])


def test_fixed_degradations_change_images_and_are_the_same_again():
    before = pictures(3)
    found, again = dict(fixed(before)), dict(fixed(before))
    assert list(found) == ["blur", "noise", "contrast", "cut_out", "low_resolution", "jpeg"]
    for name, images in found.items():
        assert images.dtype == np.uint8 and images.shape == before.shape
        np.testing.assert_array_equal(images, again[name])
        change = np.abs(images.astype(int) - before).mean(axis=(1, 2, 3))
        assert (change > 0.2).all() and (change < 80).all()

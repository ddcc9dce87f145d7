"""Inpainting and its measures: against pytorch-msssim and by hand."""

import numpy as np
import pytest
import torch
from pytorch_msssim import ssim

from dlvae.data.batches import to_uint8
from eval.metrics.masked_regions import masked_psnr, masked_ssim
from eval.models.decoding import MID_GREY, corrupt, inpaint


def images(count=4, size=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3)).astype(np.uint8)


def mask(size=32, rows=slice(8, 16), columns=slice(4, 20)):
    found = np.zeros((size, size), bool)
    found[rows, columns] = True
    return found


class Constant:
    """Reconstructs each image as the grey of its label, or as the mean grey it was given."""

    device = torch.device("cpu")

    def __init__(self):
        self.seen = []

    def reconstruct(self, given, labels):
        self.seen.append((given, labels))
        level = given.mean(dim=(1, 2, 3)) if labels is None else labels.float() / 10
        return level[:, None, None, None].expand_as(given)


def test_corruption_is_mid_grey_in_the_missing_region_alone():
    original, missing = images(), mask()
    found = corrupt(original, missing)
    assert (found[:, missing] == MID_GREY).all() and found.dtype == np.uint8
    np.testing.assert_array_equal(found[:, ~missing], original[:, ~missing])
    assert to_uint8(torch.zeros(1, 3, 1, 1)).max() == MID_GREY


def test_only_the_missing_region_is_taken_from_the_reconstruction():
    broken, missing = corrupt(images(300), mask()), mask()  # more than one batch
    labels = np.arange(300) % 10
    found = inpaint(Constant(), broken, missing, labels)
    np.testing.assert_array_equal(found[:, ~missing], broken[:, ~missing])
    grey = to_uint8((torch.arange(300) % 10 / 10)[:, None, None, None].expand(-1, 3, 1, 1))
    assert (found[:, missing] == grey[:, 0]).all()


def test_the_model_sees_the_corrupted_image_and_no_label_unless_given_one():
    model, broken = Constant(), corrupt(images(), mask())
    inpaint(model, broken, mask(), None)
    ((given, labels),) = model.seen
    assert labels is None
    np.testing.assert_array_equal(to_uint8(given), broken)


def test_psnr_of_the_masked_pixels_by_hand():
    original = np.full((2, 32, 32, 3), 100, np.uint8)
    found, missing = original.copy(), mask()
    found[0, missing] = 110
    found[1, missing] = [90, 100, 130]  # squares 100, 0, 900
    found[:, ~missing] = 0  # does not count
    expected = 20 * np.log10(255) - 10 * np.log10([100, 1000 / 3])
    np.testing.assert_allclose(masked_psnr(original, found, missing), expected)


def test_psnr_of_a_copy_is_that_of_rounding():
    best = masked_psnr(images(), images(), mask())
    np.testing.assert_allclose(best, 10 * np.log10(12 * 255**2))
    assert best[0] == pytest.approx(58.9, abs=0.05)


def test_ssim_of_a_full_mask_is_that_of_pytorch_msssim():
    x, y = images(3), images(3, seed=1)
    y[1] = x[1] // 2 + 60
    everything = mask(rows=slice(None), columns=slice(None))
    x_t, y_t = (torch.from_numpy(part).permute(0, 3, 1, 2).double() for part in (x, y))
    expected = ssim(x_t, y_t, data_range=255, size_average=False)
    np.testing.assert_allclose(masked_ssim(x, y, everything), expected, atol=1e-6)


def test_ssim_counts_the_windows_that_touch_the_mask():
    """By cutting out every 11 x 11 window that holds a masked pixel and scoring it alone."""
    x, y = images(1, 16), images(1, 16, seed=1)
    y = (0.6 * x + 0.4 * y).astype(np.uint8)
    missing = mask(16, slice(0, 2), slice(0, 3))
    corners = [
        (row, column)
        for row in range(6)
        for column in range(6)
        if missing[row : row + 11, column : column + 11].any()
    ]
    assert 0 < len(corners) < 36
    values = [
        ssim(*(_cut(part, *corner) for part in (x, y)), data_range=255).item() for corner in corners
    ]
    assert masked_ssim(x, y, missing)[0] == pytest.approx(np.mean(values), abs=1e-6)


def _cut(part, row, column):
    window = part[:, row : row + 11, column : column + 11]
    return torch.from_numpy(window.copy()).permute(0, 3, 1, 2).double()


def test_ssim_ignores_what_is_far_from_the_mask():
    x, missing = images(1), mask(rows=slice(0, 4), columns=slice(0, 4))
    y = x.copy()
    y[:, 20:, 20:] = 0
    assert masked_ssim(x, y, missing) == pytest.approx(1)
    assert masked_ssim(x, y, mask(rows=slice(28, 32), columns=slice(28, 32)))[0] < 0.9


def test_ssim_does_not_depend_on_the_chunk():
    x, y = images(70), images(70, seed=1)
    whole = masked_ssim(x, y, mask())
    alone = [masked_ssim(x[i : i + 1], y[i : i + 1], mask())[0] for i in (0, 63, 64, 69)]
    np.testing.assert_allclose(whole[[0, 63, 64, 69]], alone)

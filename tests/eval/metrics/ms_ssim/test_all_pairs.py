"""MS-SSIM of all pairs against other code in float64, and against what can be worked out."""

import dataclasses

import numpy as np
import pytest
import torch
from pytorch_msssim import ms_ssim

from dlvae.stage.errors import UserError
from eval.metrics.ms_ssim.all_pairs import all_pairs
from eval.metrics.ms_ssim.literal import window_line
from eval.metrics.ms_ssim.maps import Limits
from eval.metrics.ms_ssim.variant import Scale, SizeRule, Variant
from ms_ssim_reference import matrix, reference_pairs
from soft_images import PROTOCOL, blobs, upper, variant

VARIANTS = list(PROTOCOL.ms_ssim)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("name", VARIANTS)
def test_agrees_with_the_reference_of_its_protocol(name, size):
    """On as many pairs as the protocol says, and no fewer: 210 of 21 images."""
    images, pairs, which = blobs(21, size, common=0.5), upper(21), variant(name, size)
    reference = PROTOCOL.ms_ssim[name].reference
    expected, smallest = reference_pairs(*(images[side] for side in pairs.T), which, reference)
    assert len(pairs) >= PROTOCOL.recheck_pairs
    assert abs(all_pairs(images, which).off_diagonal - expected.mean()) < 1e-6
    far = smallest > 1e-2
    assert far.sum() > 100
    assert np.abs(matrix(images, which)[tuple(pairs.T)] - expected)[far].max() < 1e-6


@pytest.mark.parametrize(("size", "n"), [(32, 61), (64, 27)])
def test_the_mean_is_that_of_float64_where_nothing_divides_evenly(size, n):
    images, which = blobs(n, size, seed=2), variant("standard", size)
    expected = reference_pairs(*(images[side] for side in upper(n).T), which)[0].mean()
    for limits in (None, Limits(25, 7, 9, 1 << 14)):
        found = all_pairs(images, which, limits=limits)
        assert abs(found.off_diagonal - expected) < 1e-6
    assert abs(all_pairs(images[:2], which, limits=limits).off_diagonal - expected) > 1e-3


@pytest.mark.parametrize("size", [32, 64])
def test_flat_pictures_with_an_edge_keep_their_precision(size):
    """Where nothing varies, rounding has no noise to average over, and C2 is all there is."""
    images = np.full((12, size, size, 3), 250, np.uint8)
    for index, image in enumerate(images):
        image[:, : 3 * index + 2] = 7 * index
    which = variant("standard", size)
    pairs = upper(12)
    expected = reference_pairs(*(images[side] for side in pairs.T), which)[0]
    assert abs(all_pairs(images, which).off_diagonal - expected.mean()) < 1e-6
    assert np.abs(matrix(images, which)[tuple(pairs.T)] - expected).max() < 2e-5


@pytest.mark.parametrize("name", VARIANTS)
def test_references_agree_with_each_other(name):
    """The two references share no code, so that one mistake in both is unlikely."""
    images = blobs(6, 64, common=0.5)
    odd = dataclasses.replace(
        variant(name, 64), scales=(Scale(64, 11, 1.5, 0.4), Scale(32, 9, 1.2, 0.6))
    )
    one, two = (
        reference_pairs(images[:3], images[3:], odd, reference)
        for reference in ("pytorch_msssim", "literal")
    )
    assert np.abs(one[0] - two[0]).max() < 1e-10
    assert np.abs(one[1] - two[1]).max() < 1e-10


def test_agrees_with_the_public_function_where_that_runs():
    """Window 11 and 5 scales need more than 160 pixels."""
    sizes = {"176": SizeRule(window=11, scales=5)}
    changes = {"renormalise": False, "sizes": sizes}
    rule = PROTOCOL.ms_ssim["standard"].model_copy(update=changes)
    images, pairs = blobs(5, 176, common=0.7), upper(5)
    scores = all_pairs(images, rule.at(176))
    tensors = torch.from_numpy(images).permute(0, 3, 1, 2).double()
    first, second = (tensors[pairs[:, side]] for side in (0, 1))
    # Its own window is normalised in float32, which shifts float64 results by 4e-6.
    line = torch.from_numpy(window_line(rule.at(176).scales[0])).repeat(3, 1, 1, 1)
    expected = ms_ssim(first, second, data_range=255, size_average=False, win=line).numpy()
    assert expected.min() > 0.01
    assert abs(scores.off_diagonal - expected.mean()) < 1e-6
    assert np.abs(matrix(images, rule.at(176))[tuple(pairs.T)] - expected).max() < 1e-6


@pytest.mark.parametrize("name", VARIANTS)
def test_identical_images_have_no_diversity(name):
    scores = all_pairs(np.repeat(blobs(1, 32), 9, axis=0), variant(name, 32))
    assert scores.mean == pytest.approx(1, abs=1e-6)
    assert scores.off_diagonal == pytest.approx(1, abs=1e-6)
    assert scores.clamped_share == 0


@pytest.mark.parametrize("name", VARIANTS)
def test_two_clusters(name):
    """Of a and b images in two clusters, a b pairs have the value of the one pair, the rest 1."""
    two = blobs(2, 32, common=0.5)
    between = all_pairs(two, variant(name, 32)).off_diagonal
    scores = all_pairs(two[[0, 1, 1, 0, 1]], variant(name, 32))
    assert scores.off_diagonal == pytest.approx((6 * between + 4) / 10, abs=1e-6)
    assert scores.mean == pytest.approx((2 * 6 * between + 8 + 5) / 25, abs=1e-6)


def test_constant_images_leave_the_luminance_term():
    """Flat images have cs = 1 everywhere, so the value is l at the last scale to its weight."""
    grey = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (40, 200)])
    which = variant("standard", 32)
    light = (2 * 40 * 200 + which.c1) / (40**2 + 200**2 + which.c1)
    expected = light ** which.scales[-1].weight
    assert all_pairs(grey, which).off_diagonal == pytest.approx(expected, abs=1e-6)


def test_a_negative_is_clamped_and_counted():
    draws = np.random.default_rng(0)
    image = draws.integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    pair = np.concatenate([image, 255 - image])
    scores = all_pairs(pair, variant("standard", 32))
    assert scores.off_diagonal == 0 and scores.clamped_share == 1
    assert scores.mean == pytest.approx(0.5)
    loose = dataclasses.replace(variant("standard", 32), clamp=False)
    assert np.isnan(all_pairs(pair, loose).off_diagonal)
    assert all_pairs(pair, loose).clamped_share == 1


@pytest.mark.parametrize("name", VARIANTS)
def test_self_pairs_are_one(name):
    """d = (1 - 1/N) d_off."""
    scores = all_pairs(blobs(7, 32), variant(name, 32))
    assert 1 - scores.mean == pytest.approx((1 - 1 / 7) * (1 - scores.off_diagonal), abs=1e-12)


def test_one_image():
    scores = all_pairs(blobs(1, 32), variant("standard", 32))
    assert (scores.mean, scores.clamped_share) == (1.0, 0.0)
    assert np.isnan(scores.off_diagonal)


@pytest.mark.parametrize("name", VARIANTS)
def test_pieces_change_nothing(name):
    """Blocks, tiles and chunks that divide nothing evenly give what one piece gives."""
    images, which = blobs(13, 32, common=0.5), variant(name, 32)
    whole = matrix(images, which, limits=Limits(64, 64, 64, 1 << 24))
    for limits in (Limits(5, 3, 4, 1 << 10), Limits(13, 5, 2, 1 << 9), Limits(8, 8, 8, 1 << 8)):
        pieces = matrix(images, which, limits=limits)
        assert np.abs(pieces - whole).max() < 1e-6
        mean = all_pairs(images, which, limits=limits).mean
        assert mean == pytest.approx(pieces.mean(), abs=1e-7)


def test_a_pair_does_not_depend_on_the_others():
    images, which = blobs(40, 32, common=0.5), variant("standard", 32)
    few, many = matrix(images[:6], which), matrix(images, which)[:6, :6]
    assert np.abs(few - many).max() < 1e-6


def test_neither_order_nor_precision_settings_matter():
    images, which = blobs(12, 32, common=0.5), variant("standard", 32)
    order = np.random.default_rng(1).permutation(12)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        shuffled = matrix(images[order], which)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert np.abs(shuffled - matrix(images, which)[np.ix_(order, order)]).max() < 1e-6


def test_the_same_bits_with_any_number_of_threads():
    images, before = blobs(30, 32), torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3, 1):
            torch.set_num_threads(threads)
            found.append(matrix(images, variant("standard", 32)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len({values.tobytes() for values in found}) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("name", VARIANTS)
def test_cuda_agrees(name):
    images, which = blobs(40, 32, common=0.5), variant(name, 32)
    assert np.abs(matrix(images, which, device="cuda") - matrix(images, which)).max() < 1e-5


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 32, 32, 3), np.float32), "uint8.*float32"),
        (np.zeros((2, 3, 32, 32), np.uint8), r"\(N, H, W, 3\)"),
        (np.zeros((2, 64, 64, 3), np.uint8), "32 x 32 pixels.*found 64 x 64"),
        (np.zeros((0, 32, 32, 3), np.uint8), "N > 0"),
    ],
)
def test_other_images_are_refused(images, words):
    with pytest.raises(UserError, match=words):
        all_pairs(images, variant("standard", 32))


def with_sizes(sizes):
    return PROTOCOL.ms_ssim["standard"].model_copy(update={"sizes": sizes})


def test_no_window_exceeds_an_image():
    rule = with_sizes({"32": SizeRule(window=11, scales=3)})
    with pytest.raises(UserError, match="window 11 exceeds the image of 8 x 8"):
        rule.at(32)
    shrinking = rule.model_copy(update={"window_rule": "shrinking"})
    assert [scale.window for scale in shrinking.at(32).scales] == [11, 11, 8]
    for which in PROTOCOL.ms_ssim.values():
        for size in (32, 64):
            assert all(scale.window <= scale.side for scale in which.at(size).scales)


@pytest.mark.parametrize(
    ("size", "rule", "words"),
    [
        (48, SizeRule(window=7, scales=3), "48 x 48.*expected one of 32"),
        (32, SizeRule(window=3, scales=6), "1 to 5 scales"),
    ],
)
def test_sizes_without_a_meaning_are_refused(size, rule, words):
    standard = with_sizes({"32": rule})
    with pytest.raises(UserError, match=words):
        standard.at(size)


def test_an_odd_side_cannot_be_halved():
    standard = with_sizes({"50": SizeRule(window=5, scales=3)})
    with pytest.raises(UserError, match="side 25 cannot be halved"):
        standard.at(50)


def test_protocols_as_written():
    """Windows, sigmas and weights of the two protocols at both sizes."""
    standard, mismatched = PROTOCOL.ms_ssim.values()
    assert [s.window for s in standard.at(32).scales] == [7] * 3
    assert [s.window for s in standard.at(64).scales] == [11] * 3
    assert sum(s.weight for s in standard.at(32).scales) == pytest.approx(1)
    assert [s.window for s in mismatched.at(32).scales] == [11, 11, 8, 4, 2]
    assert [s.window for s in mismatched.at(64).scales] == [11, 11, 11, 8, 4]
    assert [s.sigma for s in mismatched.at(32).scales] == pytest.approx(
        [1.5, 1.5, 12 / 11, 6 / 11, 3 / 11]
    )
    assert isinstance(standard.at(32), Variant) and mismatched.at(32).pixel_range == (-1, 1)

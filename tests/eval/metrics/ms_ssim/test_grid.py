"""The settings of the study of Table 2's scale, and the squared error beside them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from eval.metrics.ms_ssim.all_pairs import all_pairs
from eval.metrics.ms_ssim.grid import RANGES, STRUCTURES, settings
from eval.metrics.ms_ssim.literal import ms_ssim_of_pairs
from eval.metrics.ms_ssim.squared_error import squared_error, weighted_squared_error
from eval.metrics.ms_ssim.variant import Scale, Variant
from eval.protocol import load_protocol

CONFIG = Path(__file__).resolve().parents[4] / "config" / "protocol"


def noise(n, seed=0, size=32, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, (n, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("right:three_fixed", "standard"),
        ("signed_mismatched:five_shrinking", "range_mismatched"),
    ],
)
def test_the_variants_of_the_protocol_are_among_the_settings(size, ours, theirs):
    """Without negative factors, as in the mismatched range, clamping makes no difference."""
    expected = load_protocol(CONFIG / "v2.yaml").ms_ssim[theirs].at(size)
    same = dataclasses.replace(expected, clamp=True)
    assert settings()[ours].at(size) == same


def test_every_range_meets_every_structure_at_both_sizes():
    found = settings()
    assert set(found) == {f"{r}:{s}" for r in RANGES for s in STRUCTURES}
    for rule in found.values():
        assert rule.clamp and rule.at(32).size == 32 and rule.at(64).size == 64


def test_unit_range_with_l_one_is_the_right_range():
    right = settings()["right:five_shrinking"].at(32)
    unit = dataclasses.replace(right, pixel_range=(0.0, 1.0), data_range=1.0)
    images = noise(6, low=60)
    assert all_pairs(images, unit).mean == pytest.approx(all_pairs(images, right).mean, abs=1e-6)


def test_a_signed_range_changes_the_luminance_alone():
    right, signed = (
        dataclasses.replace(settings()[f"{name}:single"].at(32), clamp=False)
        for name in ("right", "signed")
    )
    flat = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (90, 200)])
    x, y = (level / 127.5 - 1 for level in (90, 200))  # of two signs
    expected = (2 * x * y + signed.c1) / (x**2 + y**2 + signed.c1)
    assert all_pairs(flat, signed).off_diagonal == pytest.approx(expected, abs=1e-5)
    assert expected < 0 < all_pairs(flat, right).off_diagonal
    # A checkerboard and its negative have the same means, so that only contrasts are compared.
    pattern = np.indices((32, 32)).sum(axis=0) % 2 * 40 - 20
    board = (200 + np.stack([pattern, -pattern]))[..., None].repeat(3, axis=3).astype(np.uint8)
    expected = (-2 * 20**2 + right.c2) / (2 * 20**2 + right.c2)
    for variant in (right, signed):
        assert all_pairs(board, variant).off_diagonal == pytest.approx(expected, abs=1e-3)


def literal_error(x, y, variant):
    """The quadratic form, patch by patch, of one pair in float64."""
    low, high = variant.pixel_range
    rest = (x.astype(float) - y.astype(float)) * (high - low) / 255
    total = 0.0
    for scale in variant.scales:
        while rest.shape[0] > scale.side:
            rest = (rest[::2, ::2] + rest[1::2, ::2] + rest[::2, 1::2] + rest[1::2, 1::2]) / 4
        at = np.arange(scale.window) - (scale.window - 1) / 2
        window = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * scale.sigma**2))
        window = (window / window.sum())[..., None]
        places = range(scale.side - scale.window + 1)
        for row in places:
            for column in places:
                patch = rest[row : row + scale.window, column : column + scale.window]
                mean = (window * patch).sum(axis=(0, 1))
                variance = (window * (patch - mean) ** 2).sum(axis=(0, 1))
                share = scale.weight / len(places) ** 2
                total += share * variance.mean() / variant.c2
                if scale is variant.scales[-1]:
                    total += share * (mean**2).mean() / variant.c1
    return total


@pytest.mark.parametrize("name", ["right:two_truncated", "unit_mismatched:five_fixed_sigma"])
def test_the_weighted_error_is_its_definition(name):
    variant = settings()[name].at(32)
    first, second = noise(2), noise(2, 1)
    expected = [literal_error(x, y, variant) for x, y in zip(first, second, strict=True)]
    assert weighted_squared_error(first, second, variant) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_ms_ssim_becomes_the_weighted_error_as_the_constants_grow(structure):
    """The remainder is of second order: ten times smaller pixels, a hundred times smaller error."""
    rule = settings()[f"unit_mismatched:{structure}"]
    first, second, errors = noise(4), noise(4, 1, high=180), []
    for high in (1.0, 0.1):
        variant = dataclasses.replace(rule.at(32), pixel_range=(0.0, high))
        value = 1 - ms_ssim_of_pairs(first, second, variant)
        errors.append(np.abs(value / weighted_squared_error(first, second, variant) - 1).max())
    assert errors[0] < 0.1 and errors[1] < 0.02 * errors[0]


def test_flat_images_leave_the_difference_of_means():
    variant = Variant((Scale(32, 11, 1.5, 1.0),), (0.0, 1.0), 255.0, 0.01, 0.03, True)
    first, second = (np.full((1, 32, 32, 3), level, np.uint8) for level in (51, 102))
    found = weighted_squared_error(first, second, variant)
    assert found == pytest.approx([0.2**2 / 2.55**2], rel=1e-9)
    assert squared_error(first, second).tolist() == [51.0**2]

"""d_intra (Eq. 12) of sets whose every MS-SSIM is known by hand.

Checkerboards have a contrast-structure in closed form at the finest scale and none at the others,
so that clusters of identical boards give d_intra without a second program.
"""

from pathlib import Path

import numpy as np
import pytest

from eval.metrics.d_intra import d_intra
from eval.protocol import load_protocol

PROTOCOL = load_protocol(
    Path(__file__).resolve().parents[2] / "config" / "protocol" / "v2.yaml"
).ms_ssim
# (level, amplitude) of red, green and blue.
BOLD = ((128, 40), (90, 60), (200, 25))
FAINT = ((150, 10), (90, 20), (120, 5))
INVERTED = ((128, -40), (90, 60), (200, 25))  # red has light and dark exchanged


def board(colours, size):
    """uint8 (size, size, 3): level + amplitude on one half of the fields, - on the other."""
    sign = 1 - 2 * (np.indices((size, size)).sum(0) % 2)
    level, amplitude = np.array(colours).T
    return (level + amplitude * sign[:, :, None]).astype(np.uint8)


def clusters(size, *members):
    """Images and labels: in class c, n copies of each board of ``members[c]``."""
    copies = [[np.repeat(board(c, size)[None], n, axis=0) for c, n in group] for group in members]
    classes = [np.concatenate(group) for group in copies]
    return np.concatenate(classes), np.repeat(np.arange(len(classes)), [len(c) for c in classes])


def between(reference, first, second, variant):
    """MS-SSIM of two boards: the mean over colours of the factors to their weights."""
    values = []
    for pair in zip(first, second, strict=True):
        structure, light = reference.checkerboard_ms_ssim(*pair, variant)
        structure = max(structure, 0) if variant.clamp else structure
        values.append(structure ** variant.scales[0].weight * light ** variant.scales[-1].weight)
    return np.mean(values)


@pytest.fixture(params=[(name, size) for name in PROTOCOL for size in (32, 64)], ids=str)
def setting(request):
    """Variant of the protocol, and the side of its images."""
    name, size = request.param
    return PROTOCOL[name].at(size), size


def test_identical_images_have_none(setting):
    variant, size = setting
    found = d_intra(*clusters(size, [(BOLD, 7)], [(FAINT, 4)]), variant)
    assert (found.per_class, found.off_diagonal) == (pytest.approx((0, 0), abs=1e-6),) * 2


def test_two_clusters_in_one_class(reference, setting):
    """Of n = a + b images, 2 a b of the n^2 ordered pairs lie across, all others have 1."""
    variant, size = setting
    across = 1 - between(reference, BOLD, FAINT, variant)
    for a, b in ((1, 1), (3, 5), (7, 2)):
        found, n = d_intra(*clusters(size, [(BOLD, a), (FAINT, b)]), variant), a + b
        assert found.per_class[0] == pytest.approx(2 * a * b / n**2 * across, abs=1e-6)
        off = 2 * a * b / (n * (n - 1)) * across
        assert found.off_diagonal[0] == pytest.approx(off, abs=1e-6)
        assert found.clamped_share == 0
    assert across > (0.05 if variant.pixel_range == (0, 255) else 1e-4)


def test_mean_over_classes_whatever_their_size(reference, setting):
    variant, size = setting
    across = 1 - between(reference, BOLD, FAINT, variant)
    sets = clusters(size, [(BOLD, 3), (FAINT, 1)], [(FAINT, 9)], [(BOLD, 2), (FAINT, 2)])
    found = d_intra(*sets, variant)
    assert found.per_class == pytest.approx((6 / 16 * across, 0, 8 / 16 * across), abs=1e-6)


def test_inverted_contrast_in_one_colour_is_clamped_there(reference, setting):
    """Green and blue are equal and give 1; red has the factor below 0 where the range is right."""
    variant, size = setting
    structure, _ = reference.checkerboard_ms_ssim(BOLD[0], INVERTED[0], variant)
    across = between(reference, BOLD, INVERTED, variant)
    found = d_intra(*clusters(size, [(BOLD, 2), (INVERTED, 3)]), variant)
    assert found.per_class[0] == pytest.approx(12 / 25 * (1 - across), abs=1e-6)
    if variant.clamp:
        assert structure < -0.9 and across == pytest.approx(2 / 3)
        assert found.clamped_share == pytest.approx(6 / 10)
    else:
        assert 0 < structure < 1 and found.clamped_share == 0

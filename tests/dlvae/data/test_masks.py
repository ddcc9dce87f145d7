import numpy as np
import pytest

from dlvae.data.masks import face_masks

# Mean landmarks of a common alignment: eyes, nose tip, mouth corners, at 64 pixels.
LANDMARKS = [[21.9, 29.5], [42.0, 29.4], [32.0, 41.0], [23.7, 52.8], [40.4, 52.7]]


def box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of a mask, checked to be a full rectangle."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    assert mask[top:bottom, left:right].all() and mask.sum() == len(rows) * len(columns)
    return int(top), int(bottom), int(left), int(right)


def test_the_published_regions_at_64_pixels():
    masks = face_masks(64)
    assert list(masks) == ["right_half", "eyes", "nose_mouth", "bottom_half"]
    assert {name: box(mask) for name, mask in masks.items()} == {
        "right_half": (0, 64, 32, 64),
        "eyes": (16, 30, 8, 56),
        "nose_mouth": (30, 54, 18, 46),
        "bottom_half": (32, 64, 0, 64),
    }
    assert all(mask.dtype == bool and mask.shape == (64, 64) for mask in masks.values())


@pytest.mark.parametrize("size", [8, 32, 100, 128])
def test_masks_scale_with_the_image(size):
    for name, mask in face_masks(size).items():
        assert mask.shape == (size, size)
        assert abs(mask.mean() - face_masks(64)[name].mean()) < 0.08
    assert face_masks(size)["right_half"].mean() == 0.5


def test_landmarks_move_the_eye_and_mouth_boxes_only():
    moved, plain = face_masks(64, LANDMARKS), face_masks(64)
    assert box(moved["eyes"]) == (22, 36, 8, 56)
    assert box(moved["nose_mouth"]) == (35, 59, 18, 46)
    for name in ("right_half", "bottom_half"):
        np.testing.assert_array_equal(moved[name], plain[name])
    for x, y in LANDMARKS[:2]:
        assert moved["eyes"][int(y), int(x)]
    for x, y in LANDMARKS[2:]:
        assert moved["nose_mouth"][int(y), int(x)]


def test_landmarks_near_the_edge_are_cut_off_there():
    corner = [[2, 2], [20, 2], [10, 60], [5, 63], [15, 63]]
    assert box(face_masks(64, corner)["eyes"]) == (0, 9, 0, 35)
    assert box(face_masks(64, corner)["nose_mouth"])[1] == 64

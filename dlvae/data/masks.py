"""The four masks of Figure 7: which part of a face is missing.

The paper names the regions and gives no coordinates. The boxes below are for a 64x64 face with
eyes near row 23; a set aligned otherwise moves the eye and mouth boxes to its own landmarks.
"""

from collections.abc import Mapping, Sequence

import numpy as np

SMALLEST = 8  # side of an image in pixels

# name: (top, bottom, left, right) in pixels of a 64x64 image, bottom and right excluded.
BOXES_64: Mapping[str, tuple[int, int, int, int]] = {
    "right_half": (0, 64, 32, 64),
    "eyes": (16, 30, 8, 56),
    "nose_mouth": (30, 54, 18, 46),
    "bottom_half": (32, 64, 0, 64),
}


def face_masks(
    size: int, landmarks: Sequence[Sequence[float]] | None = None
) -> dict[str, np.ndarray]:
    """Return the masks by name, bool (size, size), True on the missing region.

    Args:
        size: image side in pixels, at least `SMALLEST`.
        landmarks: mean positions (x, y) of eye, eye, nose tip, mouth corner, mouth corner, in
            pixels of a 64x64 image whatever `size` is. The eye box is centred between the eyes,
            the nose-and-mouth box halfway between nose tip and mouth; None keeps `BOXES_64`.
    """
    boxes = dict(BOXES_64)
    if landmarks is not None:
        points = np.asarray(landmarks, float)
        eyes, nose, mouth = points[:2].mean(axis=0), points[2], points[3:].mean(axis=0)
        boxes["eyes"] = _centred(boxes["eyes"], eyes)
        boxes["nose_mouth"] = _centred(boxes["nose_mouth"], (nose + mouth) / 2)
    masks = {}
    for name, box in boxes.items():
        top, bottom, left, right = (min(max(round(edge * size / 64), 0), size) for edge in box)
        masks[name] = np.zeros((size, size), bool)
        masks[name][top:bottom, left:right] = True
    return masks


def _centred(box: tuple[int, int, int, int], centre: np.ndarray) -> tuple[float, ...]:
    top, bottom, left, right = box
    height, width = bottom - top, right - left
    x, y = centre
    return (y - height / 2, y + height / 2, x - width / 2, x + width / 2)

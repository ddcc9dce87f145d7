"""Viola and Jones (2001): cascades of Haar features for faces, then for eyes inside the face.

The cascades are those that ship with OpenCV. They know upright faces from the front (and, the
third one, from the side) and no landmarks. A face is aligned by its eyes, taken half way between
where the cascade sees them and where they usually are in the box: either errs by about 2 pixels of
64, and not in the same direction. Where an eye is missing the box decides alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlvae.photos.detectors.detector import Face, reduced
from dlvae.stage.errors import UserError

SIDES = (360, 960)
"""Longest side of the copies that are searched, the second where the first shows no face."""
LEAST = 24  # smallest face that is looked for, pixels of that copy
FACES = (
    "haarcascade_frontalface_alt2.xml",
    "haarcascade_frontalface_default.xml",
    "haarcascade_profileface.xml",
)
"""Cascades in the order in which they are asked, the next where one finds nothing."""
NEIGHBOURS = 5  # windows that must agree
EYES = ("haarcascade_eye_tree_eyeglasses.xml", "haarcascade_eye.xml")
EYE_SIDE = 200  # side of the face that eyes are looked for in
USUAL = np.array([[0.31, 0.38], [0.69, 0.38]])
"""Where eyes are in a box, (x, y) in parts of its side."""
FAR = 0.12  # an eye this far from there, in parts of the side, is none


class Haar:
    """The detector `haar`."""

    def __init__(self) -> None:
        self._faces = [_cascade(name) for name in FACES]
        self._eyes = [_cascade(name) for name in EYES]

    def __call__(self, photo: np.ndarray) -> list[Face]:
        """Return the faces of a photo, uint8 RGB (H, W, 3)."""
        for side in SIDES:
            if found := self._search(photo, side):
                return found
            if max(photo.shape[:2]) <= side:
                break  # a larger copy would be the same
        return []

    def _search(self, photo: np.ndarray, side: int) -> list[Face]:
        import cv2

        small, scale = reduced(photo, side)
        grey = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
        for cascade in self._faces:
            boxes, _, weights = cascade.detectMultiScale3(
                grey, 1.1, NEIGHBOURS, minSize=(LEAST, LEAST), outputRejectLevels=True
            )
            if len(boxes):
                return [
                    self._face(photo, np.asarray(box) / scale, float(weight))
                    for box, weight in zip(boxes, np.ravel(weights), strict=True)
                ]
        return []

    def _face(self, photo: np.ndarray, box: np.ndarray, weight: float) -> Face:
        eyes = self._find_eyes(photo, box)
        parts = USUAL if eyes is None else (USUAL + eyes) / 2
        by = "box" if eyes is None else "eyes"
        return Face(tuple(float(v) for v in box), box[:2] + box[2:] * parts, weight, by)

    def _find_eyes(self, photo: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        """Return both eyes in parts of the box, or None where one is missing."""
        import cv2

        left, top, width, height = (int(round(v)) for v in box)
        face = photo[max(top, 0) : top + round(0.6 * height), max(left, 0) : left + width]
        if min(face.shape[:2]) < 8:
            return None
        scale = EYE_SIDE / width
        size = round(face.shape[1] * scale), round(face.shape[0] * scale)
        grey = cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), size)
        grey = cv2.equalizeHist(grey)
        for cascade in self._eyes:
            found = np.array(cascade.detectMultiScale(grey, 1.05, 3, minSize=(24, 24)), float)
            if not len(found):
                continue
            centres = (found[:, :2] + found[:, 2:] / 2) / EYE_SIDE
            gaps = np.linalg.norm(centres[:, None] - USUAL, axis=2)
            nearest = gaps.argmin(axis=0)
            if (gaps[nearest, [0, 1]] < FAR).all():
                return centres[nearest]
        return None


def _cascade(name: str):
    import cv2

    path = Path(cv2.data.haarcascades) / name
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise UserError(
            f"{path}: expected a cascade of OpenCV, found none; install opencv-python-headless 4.8 "
            "to 4.x again: pip install -c constraints.txt -e ."
        )
    return cascade

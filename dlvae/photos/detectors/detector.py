"""Faces in a photo: Viola-Jones cascades, or YuNet.

Both take RGB pixels and return every face that they find, in pixels of the photo. A detector keeps
state between calls: each thread needs one of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Box = tuple[float, float, float, float]
Detector = Callable[[np.ndarray], list["Face"]]


@dataclass(frozen=True)
class Face:
    """One face: box (x, y, width, height) and points to align by, in pixels of the photo.

    `points` (2 or 5, 2) are the first of `dlvae.photos.alignment.TEMPLATE`: the eyes, or all five.
    `by` says where they come from: "landmarks", "eyes", or "box" alone. `score` is the detector's
    own, 0..1 for YuNet, without a scale for cascades.
    """

    box: Box
    points: np.ndarray
    score: float
    by: str

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        return self.box[2] * self.box[3]

    @property
    def centre(self) -> np.ndarray:
        """Centre (x, y) of the box."""
        x, y, width, height = self.box
        return np.array([x + width / 2, y + height / 2])


def make_detector(name: str, model: str | Path | None, min_score: float) -> Detector:
    """Return a new detector, "haar" or "yunet" (which needs its model file)."""
    import cv2

    # One photo per thread; threads inside OpenCV would fight with those of the preparation.
    cv2.setNumThreads(1)
    if name == "haar":
        from dlvae.photos.detectors.haar import Haar

        return Haar()
    from dlvae.photos.detectors.yunet import YuNet

    return YuNet(model, min_score)


def reduced(photo: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """Return a copy of at most `side` pixels, antialiased, and its scale (at most 1)."""
    import cv2

    height, width = photo.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale == 1:
        return photo, 1.0
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA), scale


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union (0..1) of two boxes (x, y, width, height)."""
    sides = [
        max(0.0, min(one[k] + one[k + 2], other[k] + other[k + 2]) - max(one[k], other[k]))
        for k in (0, 1)
    ]
    common = sides[0] * sides[1]
    return common / (one[2] * one[3] + other[2] * other[3] - common)

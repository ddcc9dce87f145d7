"""YuNet (Wu, Peng and Yu, 2023): boxes and five landmarks by a network of 76,000 weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlvae.photos.detectors import Face, reduced
from dlvae.stage.errors import UserError

SIDES = (288, 1024)
"""Longest side of the copies that are searched, the second where the first shows no face: the
network knows faces of 10 to 300 pixels."""
BORDER = 0.12  # of the longest side, grey: faces that fill a photo are found too
OVERLAP = 0.3  # boxes that overlap by more are one face
CANDIDATES = 0.6  # least score inside the network; what is kept is `min_score`


class YuNet:
    """The detector `yunet`.

    Raises:
        UserError: the file is not YuNet in ONNX.
    """

    def __init__(self, model: str | Path, min_score: float) -> None:
        import cv2

        self._min_score = min_score
        limit = min(CANDIDATES, max(min_score, 0.01))
        try:
            self._net = cv2.FaceDetectorYN.create(str(model), "", (320, 320), limit, OVERLAP, 1000)
            self._net.detect(np.zeros((320, 320, 3), np.uint8))
        except cv2.error as error:
            raise UserError(
                f"{model}: expected YuNet in ONNX as OpenCV's model zoo has it, found a file that "
                f"OpenCV {cv2.__version__} cannot run ({' '.join(str(error).split())[:160]}); "
                "leave prepare_faces.yunet_model out to download it"
            ) from None

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
        border = round(BORDER * max(small.shape[:2]))
        framed = cv2.copyMakeBorder(
            cv2.cvtColor(small, cv2.COLOR_RGB2BGR),
            *[border] * 4,
            cv2.BORDER_CONSTANT,
            value=(128, 128, 128),
        )
        self._net.setInputSize((framed.shape[1], framed.shape[0]))
        _, rows = self._net.detect(framed)
        return [
            self._face(row, border, scale)
            for row in (() if rows is None else rows)
            if row[-1] >= self._min_score
        ]

    def _face(self, row: np.ndarray, border: int, scale: float) -> Face:
        corner = (row[:2] - border) / scale
        # Its order is by the picture's left and right, as that of the template.
        points = (row[4:14].reshape(5, 2).astype(np.float64) - border) / scale
        box = (*corner, *(row[2:4] / scale))
        return Face(tuple(float(v) for v in box), points, float(row[-1]), "landmarks")

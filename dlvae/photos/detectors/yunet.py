"""YuNet (Wu, Peng and Yu, 2023): boxes and five landmarks by a network of 76,000 weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dlvae.photos.detectors.detector import Face, overlap, reduced
from dlvae.stage.errors import UserError

SIDES = (288, 1024)
"""Longest side of the copies that are searched, the second where the first shows no face: the
network knows faces of 10 to 300 pixels."""
GREY = 128  # around photos
BORDER = 0.12  # of the longest side, grey: faces that fill a photo are found too
OVERLAP = 0.3  # boxes that overlap by more are one face
CANDIDATES = 0.6  # least score inside the network; what is kept is `min_score`
WINDOW, WINDOW_SIDES = 2.5, (160, 192, 224)
"""Each face is measured again in a window of so many times its box, at these sides in pixels: the
landmarks of one look move by a pixel or two of 64 with the frame around the face."""
SAME = 0.5  # overlap of a face with itself in the window


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
                return [self._measured_again(face, photo) for face in found]
            if max(photo.shape[:2]) <= side:
                break  # a larger copy would be the same
        return []

    def _search(self, photo: np.ndarray, side: int) -> list[Face]:
        small, scale = reduced(photo, side)
        border = round(BORDER * max(small.shape[:2]))
        found = self._detect(_framed(small, [border] * 4), scale, np.full(2, -border / scale))
        return [face for face in found if face.score >= self._min_score]

    def _measured_again(self, face: Face, photo: np.ndarray) -> Face:
        """Return the face with landmarks that are means over the photo and windows around it."""
        import cv2

        length = max(8, round(WINDOW * max(face.box[2:])))
        corner = np.rint(face.centre - length / 2).astype(int)
        window = _cut(photo, corner, length)
        seen = [face.points]
        for side in WINDOW_SIDES:
            how = cv2.INTER_AREA if side < length else cv2.INTER_LINEAR
            copy = cv2.resize(window, (side, side), interpolation=how)
            others = self._detect(copy, side / length, corner)
            same = max(others, key=lambda other: overlap(other.box, face.box), default=face)
            if overlap(same.box, face.box) > SAME:
                seen.append(same.points)
        return replace(face, points=np.mean(seen, axis=0))

    def _detect(self, picture: np.ndarray, scale: float, corner: np.ndarray) -> list[Face]:
        """Return the faces of a part of a photo that begins at `corner`, enlarged by `scale`."""
        import cv2

        self._net.setInputSize((picture.shape[1], picture.shape[0]))
        _, rows = self._net.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        faces = []
        for row in () if rows is None else rows.astype(np.float64):
            # Its order is by the picture's left and right, as that of the template.
            points = row[4:14].reshape(5, 2) / scale + corner
            box = (*(row[:2] / scale + corner), *(row[2:4] / scale))
            faces.append(Face(tuple(float(v) for v in box), points, float(row[-1]), "landmarks"))
        return faces


def _cut(photo: np.ndarray, corner: np.ndarray, length: int) -> np.ndarray:
    """Return a square of a photo from (x, y) = `corner` on, grey where it lies outside."""
    (x, y), (height, width) = corner, photo.shape[:2]
    inside = photo[max(y, 0) : max(y + length, 0), max(x, 0) : max(x + length, 0)]
    if not inside.size:
        return np.full((length, length, 3), GREY, np.uint8)
    edges = [max(-y, 0), max(y + length - height, 0), max(-x, 0), max(x + length - width, 0)]
    return _framed(inside, [int(edge) for edge in edges])


def _framed(picture: np.ndarray, edges: list[int]) -> np.ndarray:
    """Return a picture with grey edges above, below, left and right."""
    import cv2

    return cv2.copyMakeBorder(picture, *edges, cv2.BORDER_CONSTANT, value=(GREY,) * 3)

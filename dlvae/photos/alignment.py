"""Five landmarks to the usual template: a similarity transform, and the face cut out with it.

A similarity (scale, rotation, shift) is multiplication by one complex number and addition of
another, so points are handled as x + iy. Coordinates are of pixel centres: the first is (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]]
) / 112  # fmt: skip
"""Eye, eye, nose tip, mouth corner, mouth corner, left to right in the picture, (x, y) in parts of
the side: the template of 112 pixels that face recognition uses since SphereFace (Liu et al., 2017)
and ArcFace (Deng et al., 2019)."""


@dataclass(frozen=True)
class Similarity:
    """z -> turn * z + shift, from pixels of the photo to pixels of the aligned face."""

    turn: complex
    shift: complex

    @property
    def scale(self) -> float:
        """Aligned pixels per pixel of the photo; above 1 the face is enlarged."""
        return abs(self.turn)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Map points (N, 2) of the photo to the aligned face."""
        z = self.turn * (points[:, 0] + 1j * points[:, 1]) + self.shift
        return np.stack([z.real, z.imag], 1)

    def back(self, points: np.ndarray) -> np.ndarray:
        """Map points (N, 2) of the aligned face to the photo."""
        z = (points[:, 0] + 1j * points[:, 1] - self.shift) / self.turn
        return np.stack([z.real, z.imag], 1)


def template(size: int, count: int = 5) -> np.ndarray:
    """Return the first `count` points of the template in pixels of a face of this size."""
    return TEMPLATE[:count] * size


def fit(points: np.ndarray, goal: np.ndarray) -> Similarity:
    """Return the similarity that brings `points` nearest to `goal`, in least squares.

    Exact for two points. A reflection is none of the candidates.

    Args:
        points, goal: (N, 2), N at least 2, not all in one place.
    """
    z, w = points[:, 0] + 1j * points[:, 1], goal[:, 0] + 1j * goal[:, 1]
    centred = z - z.mean()
    turn = complex(np.vdot(centred, w - w.mean()) / np.vdot(centred, centred).real)
    return Similarity(turn, complex(w.mean() - turn * z.mean()))


def cut_out(photo: np.ndarray, to_face: Similarity, size: int) -> np.ndarray:
    """Return the aligned face, uint8 (size, size, 3).

    The photo is reduced to the face's scale by an antialiased Lanczos filter, then turned and cut
    by Lanczos over 8 x 8 pixels; pixels outside the photo are filled by mirroring.

    Args:
        photo: uint8 (H, W, 3).
    """
    import cv2

    height, width = photo.shape[:2]
    if to_face.scale < 1:
        reduced = [max(1, round(side * to_face.scale)) for side in (width, height)]
        image = Image.fromarray(photo).resize(reduced, Image.Resampling.LANCZOS)
        # Width and height are rounded apart, so the two scales differ in the third digit.
        factors = np.array([reduced[0] / width, reduced[1] / height])
        photo = np.asarray(image)
    else:
        factors = np.ones(2)
    # The rows of the 2 x 3 matrix from the aligned face to the (reduced) photo.
    back = 1 / to_face.turn
    origin = -to_face.shift / to_face.turn
    linear = np.array([[back.real, -back.imag], [back.imag, back.real]])
    shift = np.array([origin.real, origin.imag])
    matrix = np.column_stack([factors[:, None] * linear, factors * (shift + 0.5) - 0.5])
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(photo, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT)


def share_outside(shape: tuple[int, ...], to_face: Similarity, size: int) -> float:
    """Return the share (0..1) of an aligned face that lies outside a photo (H, W, ...)."""
    y, x = np.mgrid[:size, :size]
    where = to_face.back(np.stack([x.ravel(), y.ravel()], 1))
    limits = np.array([shape[1], shape[0]]) - 0.5
    return float(np.mean(((where < -0.5) | (where > limits)).any(axis=1)))

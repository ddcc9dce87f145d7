"""Pictures that occur twice, of one identity or under two: copies, crops and recompressions.

Two aligned faces are compared by the correlation of 20 x 20 grey values, high-passed, so that light
and contrast count little and outlines much.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlvae.photos.photo import Photo

SIDE = 20
SIGMA = 3.0  # of the Gaussian whose low-pass is taken off, in pixels of SIDE
ROWS = 512  # correlated with all others at a time


def signatures(faces: np.ndarray) -> np.ndarray:
    """Return unit vectors float32 (N, 400) whose inner products are the correlations.

    Args:
        faces: uint8 (N, H, W, 3), aligned. A face without any outline becomes zeros, like nothing.
    """
    import cv2

    found = np.empty((len(faces), SIDE * SIDE), np.float32)
    for row, face in enumerate(faces):
        grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        small -= cv2.GaussianBlur(small, (0, 0), SIGMA)
        values = small.ravel() - small.mean()
        norm = np.linalg.norm(values)
        found[row] = values / norm if norm > SIDE else 0  # a grey level of deviation per pixel
    return found


def drop_repeats(photos: Sequence[Photo], vectors: np.ndarray, least: float) -> None:
    """Of every group of like pictures of one identity, keep that with the largest face.

    Groups are those that chains of correlations of at least `least` hold together.

    Args:
        photos: of one identity; dropped ones have no row in `vectors`.
        vectors: float32 (N, 400) of `signatures`.
    """
    from scipy.sparse.csgraph import connected_components

    alive = [photo for photo in photos if photo.open]
    if not alive:
        return
    same = vectors @ vectors.T >= least
    files = np.array([photo.sha256 for photo in alive])
    _, groups = connected_components(same | (files[:, None] == files), directed=False)
    for group in range(groups.max(initial=-1) + 1):
        alike = [photo for photo, of in zip(alive, groups, strict=True) if of == group]
        best = min(alike, key=lambda photo: (photo.scale, photo.sha256, photo.path))
        for photo in alike:
            if photo is not best:
                photo.drop("repeat", best.path)


def drop_shared(photos: Sequence[Photo], vectors: np.ndarray, least: float) -> None:
    """Drop pictures that occur under two identities, on both sides: nobody knows whose they are.

    Args:
        photos: (N,) of all identities, none of them dropped.
        vectors: float32 (N, 400), theirs.
    """
    _, who = np.unique([photo.identity for photo in photos], return_inverse=True)
    partner: dict[int, int] = {}
    for start in range(0, len(photos), ROWS):
        rows = slice(start, start + ROWS)
        like = (vectors[rows] @ vectors.T >= least) & (who[rows, None] != who)
        for row, column in np.argwhere(like).tolist():
            partner.setdefault(start + row, column)
    for row, column in partner.items():
        photos[row].drop("two_people", photos[column].path)

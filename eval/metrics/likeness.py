"""How near an image is to one or to another: as a person, in its factors, pixel by pixel."""

from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.metrics import roc_auc_score

from eval.metrics.intervals import delete_a_group, jackknife_groups
from eval.metrics.measured import Measured

NO_PAIRS = "needs two people, one of them with two images"
ENOUGH = 3  # images of a person, of whom two are then left whatever group the jackknife leaves out


def nearer(found: np.ndarray, wanted: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether each row of float (M, D) is nearer to ``wanted`` than to ``other``; bool (M,).

    Euclidean; of `unit` vectors that is the order of the cosine. A tie is not nearer.
    """
    to_wanted, to_other = (np.linalg.norm(found - target, axis=1) for target in (wanted, other))
    return to_wanted < to_other


def unit(features: np.ndarray) -> np.ndarray:
    """Return features (N, D) divided by their length, float64; a vector of zeros stays one."""
    features = features.astype(np.float64)
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length > 0, length, 1.0)


def brightness(images: np.ndarray) -> np.ndarray:
    """Return the mean over pixels and channels of uint8 (N, H, W, 3), float64 (N, 1) in [0, 1]."""
    return images.mean(axis=(1, 2, 3), dtype=np.float64)[:, None] / 255


def squared_errors(images: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Mean squared difference of each two uint8 images (N, ...), as if in [-1, 1]; float64 (N,)."""
    pairs = zip(images, found, strict=True)
    return np.array([np.mean(((x.astype(np.float64) - y) / 127.5) ** 2) for x, y in pairs])


def verification_auc(
    embedding: np.ndarray, identity: np.ndarray, groups: int, draws: np.random.Generator
) -> Measured:
    """Tell from the cosine of two embeddings whether they are of one person: area under the ROC.

    It says how far the embedding can judge identities: 0.5 is guessing, 1 never errs. All pairs of
    two different images count; memory grows with N^2.

    Args:
        embedding: float (N, D).
        identity: int (N,).
        groups: of images that the jackknife leaves out in turn, 3 or more.

    Returns:
        The area, no value without pairs of both kinds; with its interval over images if two people
        have `ENOUGH` images.
    """
    n = len(identity)
    _, counts = np.unique(identity, return_counts=True)
    if len(counts) < 2 or counts.max() < 2:
        return Measured(None, n, note=NO_PAIRS)
    vectors = unit(embedding)
    area = partial(_area, vectors @ vectors.T, identity[:, None] == identity)
    interval = None
    if np.sum(counts >= ENOUGH) >= 2:
        interval = delete_a_group(area, jackknife_groups(identity, min(groups, n), draws))
    return Measured.sure(area(np.arange(n)), n, interval)


def _area(cosine: np.ndarray, same: np.ndarray, kept: np.ndarray) -> float:
    pairs = tuple(kept[side] for side in np.triu_indices(len(kept), 1))
    return float(roc_auc_score(same[pairs], cosine[pairs]))

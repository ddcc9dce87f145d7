"""Intra-class diversity of a sample set (Eq. 12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import device
from eval.metrics.ms_ssim.all_pairs import all_pairs
from eval.metrics.ms_ssim.variant import Variant


@dataclass(frozen=True)
class Diversity:
    """Diversity of every class that occurs, larger is more diverse; a set's is their mean.

    Attributes:
        per_class: d_intra of Eq. 12, self pairs included.
        off_diagonal: the same over pairs of two different images, n / (n - 1) times it.
        clamped_share: share of pairs with a negative factor, mean over classes.
    """

    per_class: tuple[float, ...]
    off_diagonal: tuple[float, ...]
    clamped_share: float


def d_intra(images: np.ndarray, labels: np.ndarray, variant: Variant) -> Diversity:
    """Score a sample set, on CUDA where available.

    Args:
        images: uint8 (N, H, W, 3).
        labels: int (N,), the class asked for; every class that occurs counts once.

    Raises:
        UserError: a class with one image, or images of a wrong dtype or shape.
    """
    scores = []
    for label in np.unique(labels):
        chosen = images[labels == label]
        if len(chosen) < 2:
            raise UserError(f"class {label}: expected at least 2 images for a diversity, found 1")
        score = all_pairs(chosen, variant, device())
        if not np.isfinite(score.mean):
            raise UserError(
                f"class {label}: {100 * score.clamped_share:.1f} % of its pairs have a negative "
                "factor, whose power is undefined; set clamp: true in the protocol"
            )
        scores.append(score)
    return Diversity(
        tuple(1.0 - score.mean for score in scores),
        tuple(1.0 - score.off_diagonal for score in scores),
        float(np.mean([score.clamped_share for score in scores])),
    )

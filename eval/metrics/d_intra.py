"""Intra-class diversity of a sample set (Eq. 12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import device
from eval.metrics.intervals import over_classes
from eval.metrics.measured import Measured
from eval.metrics.ms_ssim.all_pairs import PairScores, all_pairs
from eval.metrics.ms_ssim.variant import Variant


@dataclass(frozen=True)
class Diversity:
    """Diversity within the classes of a sample set; larger is more diverse.

    Attributes:
        per_class: d_intra of Eq. 12, self pairs included, of every class that occurs.
        off_diagonal_per_class: the same over pairs of two different images, n / (n - 1) times it.
        clamped_share: share of pairs with a negative factor, mean over classes.
        n: images.
    """

    per_class: tuple[float, ...]
    off_diagonal_per_class: tuple[float, ...]
    clamped_share: float
    n: int

    @property
    def value(self) -> float:
        """d_intra of Eq. 12: the mean over classes, each of which counts once."""
        return float(np.mean(self.per_class))

    @property
    def off_diagonal(self) -> float:
        """The mean over classes without self pairs."""
        return float(np.mean(self.off_diagonal_per_class))

    def measured(self, draws: np.random.Generator, resamples: int) -> Measured:
        """Return the value; its interval is over classes, ``resamples`` of them."""
        return _over_classes(self.per_class, self.n, draws, resamples)

    def measured_off_diagonal(self, draws: np.random.Generator, resamples: int) -> Measured:
        """Return the value without self pairs, likewise."""
        return _over_classes(self.off_diagonal_per_class, self.n, draws, resamples)


def d_intra(
    images: np.ndarray,
    labels: np.ndarray,
    variant: Variant,
    where: torch.device | str | None = None,
) -> Diversity:
    """Score a sample set, on CUDA where available by default.

    Args:
        images: uint8 (N, H, W, 3).
        labels: int (N,), the class asked for; every class that occurs counts once.

    Raises:
        UserError: a class with one image, or images of a wrong dtype or shape.
    """
    where = device() if where is None else where
    scores = [_of_class(images[labels == c], c, variant, where) for c in np.unique(labels)]
    return Diversity(
        tuple(1.0 - score.mean for score in scores),
        tuple(1.0 - score.off_diagonal for score in scores),
        float(np.mean([score.clamped_share for score in scores])),
        len(images),
    )


def _of_class(
    images: np.ndarray, label: int, variant: Variant, where: torch.device | str
) -> PairScores:
    if len(images) < 2:
        raise UserError(f"class {label}: expected at least 2 images for a diversity, found 1")
    score = all_pairs(images, variant, where)
    if not np.isfinite(score.mean):
        raise UserError(
            f"class {label}: {100 * score.clamped_share:.1f} % of its pairs have a negative "
            "factor, whose power is undefined; set clamp: true in the protocol"
        )
    return score


def _over_classes(
    per_class: tuple[float, ...], n: int, draws: np.random.Generator, resamples: int
) -> Measured:
    interval = over_classes(np.array(per_class), draws, resamples)
    return Measured.sure(np.mean(per_class), n, interval)

"""Intra-class diversity of a sample set (Eq. 12), re-checked by independent code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from dlvae.stage.errors import UserError
from eval.metrics.intervals import Interval, over_classes, over_pairs
from eval.metrics.ms_ssim.all_pairs import all_pairs
from eval.metrics.ms_ssim.pairs import sampled_pairs
from eval.metrics.ms_ssim.reference import reference_pairs
from eval.metrics.ms_ssim.variant import Variant

NEAR_ZERO = 1e-3
"""Factors below this are left out of the comparison: x^0.07 is infinitely steep at 0."""

TOLERANCE = 1e-3
"""Far above the rounding of float32 (about 1e-5), far below any error of the method."""

BATCH = 25  # pairs; the references are slower with many more or many fewer


@dataclass(frozen=True)
class Recheck:
    """Agreement of random pairs with an independent reference in float64.

    Attributes:
        reference: the code compared with.
        pairs: how many were compared.
        near_zero: how many more were drawn but have a factor too near to 0 to compare.
        largest_difference: of a pair's MS-SSIM, absolute.
        mean_difference: signed, over the compared pairs.
    """

    reference: str
    pairs: int
    near_zero: int
    largest_difference: float
    mean_difference: float


@dataclass(frozen=True)
class Diversity:
    """Diversity within the classes of a sample set; larger is more diverse.

    Attributes:
        value: d_intra of Eq. 12, self pairs included, mean over classes.
        off_diagonal: the same over pairs of two different images; per class, ``value`` is
            (1 - 1/n) times it.
        clamped_share: share of pairs with a negative factor, mean over classes.
        per_class: ``value`` of every class.
        off_diagonal_per_class: ``off_diagonal`` of every class.
        errors: standard errors of ``per_class`` about what all pairs would give; 0 where all pairs
            were scored.
        off_diagonal_errors: those of ``off_diagonal_per_class``.
        recheck: agreement with independent code.
    """

    value: float
    off_diagonal: float
    clamped_share: float
    per_class: tuple[float, ...]
    off_diagonal_per_class: tuple[float, ...]
    errors: tuple[float, ...]
    off_diagonal_errors: tuple[float, ...]
    recheck: Recheck


def d_intra(
    images: np.ndarray,
    labels: np.ndarray,
    variant: Variant,
    recheck_pairs: int,
    draws: np.random.Generator,
    device: torch.device | str = "cpu",
    pairs: int = 0,
) -> Diversity:
    """Score a sample set.

    Args:
        images: uint8 (N, H, W, 3).
        labels: int (N,), the class asked for; every class that occurs counts once.
        recheck_pairs: random pairs to score again, spread evenly over the classes.
        draws: picks those pairs; those of a sample come from a stream of their own, so that the
            score does not depend on how many are scored again.
        pairs: random pairs to score per class; 0 for all of them.

    Raises:
        UserError: a class with one image, or images of a wrong dtype or shape.
        RuntimeError: the reference disagrees.
    """
    classes, scores, checks = np.unique(labels), [], []
    (sampling,) = draws.spawn(1)
    for index, label in enumerate(classes):
        members = images[labels == label]
        if len(members) < 2:
            raise UserError(f"class {label}: expected at least 2 images for a diversity, found 1")
        count = len(range(index, recheck_pairs, len(classes)))
        probes = random_pairs(len(members), count, draws)
        if pairs:
            score = sampled_pairs(members, variant, pairs, sampling, probes, device)
        else:
            score = all_pairs(members, variant, probes, device)
        if not np.isfinite(score.mean):
            raise UserError(
                f"class {label}: {100 * score.clamped_share:.1f} % of its pairs have a negative "
                "factor, whose power is undefined; set clamp: true in the protocol"
            )
        scores.append(score)
        checks.append((score.probed, *_reference(members, probes, variant)))
    per_class = tuple(1.0 - score.mean for score in scores)
    off_diagonal = tuple(1.0 - score.off_diagonal for score in scores)
    return Diversity(
        float(np.mean(per_class)),
        float(np.mean(off_diagonal)),
        float(np.mean([score.clamped_share for score in scores])),
        per_class,
        off_diagonal,
        tuple((1 - 1 / score.n) * score.error for score in scores),
        tuple(score.error for score in scores),
        _compared(*map(np.concatenate, zip(*checks, strict=True)), variant),
    )


def interval_of_mean(
    scores: Sequence[float], errors: Sequence[float], generator: np.random.Generator, draws: int
) -> Interval | None:
    """Interval of a mean over classes; with too few for one over classes, one over drawn pairs.

    Over classes the draws of pairs, made in every class apart, widen the spread and so count.

    Args:
        scores, errors: of every class, as in :class:`Diversity`.
        draws: resamples of classes.
    """
    found = over_classes(np.array(scores), generator, draws)
    return found or over_pairs(float(np.mean(scores)), float(np.linalg.norm(errors)) / len(errors))


def random_pairs(n: int, count: int, draws: np.random.Generator) -> np.ndarray:
    """Draw int (count, 2): pairs of two different images out of n."""
    first = draws.integers(0, n, count)
    second = (first + draws.integers(1, n, count)) % n
    return np.stack([first, second], axis=1)


def _reference(
    images: np.ndarray, pairs: np.ndarray, variant: Variant
) -> tuple[np.ndarray, np.ndarray]:
    parts = [
        reference_pairs(images[part[:, 0]], images[part[:, 1]], variant)
        for part in np.split(pairs, range(BATCH, len(pairs), BATCH))
        if len(part)
    ]
    values, smallest = zip(*parts, strict=True) if parts else ([np.empty(0)], [np.empty(0)])
    return np.concatenate(values), np.concatenate(smallest)


def _compared(
    values: np.ndarray, expected: np.ndarray, smallest: np.ndarray, variant: Variant
) -> Recheck:
    far = smallest > NEAR_ZERO
    difference = (values - expected)[far]
    largest = float(np.abs(difference).max(initial=0.0))
    if largest > TOLERANCE:
        raise RuntimeError(
            f"MS-SSIM and {variant.reference} differ by {largest:.2g} on a pair; "
            f"rounding explains up to {TOLERANCE:g}"
        )
    mean = float(difference.mean()) if len(difference) else 0.0
    return Recheck(variant.reference, int(far.sum()), int((~far).sum()), largest, mean)

"""Diversity under right and wrong pixel ranges and several scales: the scale of Table 2.

The study is small: few images per class, so that d is given over pairs of two different images;
Eq. 12 of N images, self pairs included, is (1 - 1/N) times that.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.stats import pearsonr

from eval.metrics.d_intra import Diversity, d_intra
from eval.metrics.measured import Measured
from eval.metrics.ms_ssim.grid import CLASSES, PAIRS, PER_CLASS, settings
from eval.metrics.ms_ssim.literal import ms_ssim_of_pairs
from eval.metrics.ms_ssim.squared_error import squared_error, weighted_squared_error
from eval.metrics.ms_ssim.variant import Variant
from eval.models.decoding import evenly_spaced
from eval.request import FamilyScores, ScoreRequest
from eval.scored_images import ScoredImages, evenly_per_class


def scale(request: ScoreRequest) -> FamilyScores:
    """Score images, as for diversity, under every setting of eval.metrics.ms_ssim.grid.

    Per setting: `d_intra_offdiag`, with negative factors clamped and not; `clamped_share`, of
    pairs; and of random pairs of a class, the correlation (Pearson) of 1 - MS-SSIM with the
    weighted squared error that it is a form of where the constants prevail, the ratio of their
    means, and the correlation with the mean squared error of the pixels.
    """
    scored = request.images()
    images, labels, pairs = chosen(request, scored)
    values: dict[str, Measured] = {}
    n, resamples = len(labels), request.protocol.intervals.draws
    for name, rule in settings().items():
        variant = rule.at(images.shape[1])
        found = d_intra(images, labels, variant)
        draws = request.numpy_draws("classes", name)
        measured = {
            "d_intra_offdiag": Measured.over_classes(found.off_diagonal, n, draws, resamples),
            "d_intra_offdiag_unclamped": _unclamped(images, labels, variant, found),
            "clamped_share": Measured(found.clamped_share, n),
            **_likeness(*pairs, variant),
        }
        values |= {f"{metric}:{name}": value for metric, value in measured.items()}
    extra = {"classes_scored": len(np.unique(labels))}
    files = {"images": request.path("images")}
    return FamilyScores(values, scored.sha256, scored.precision, files=files, extra=extra)


def chosen(
    request: ScoreRequest, scored: ScoredImages
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Take few images of few classes, spread evenly, and draw pairs of two of one class.

    Returns:
        images uint8 (N, H, W, 3), labels (N,), and both images of each of M pairs.
    """
    classes = np.unique(scored.labels)
    classes = classes[evenly_spaced(len(classes), CLASSES)]
    kept = np.flatnonzero(np.isin(scored.labels, classes))
    kept = kept[evenly_per_class(scored.labels[kept], min(PER_CLASS, request.per_class))]
    images, labels = scored.images[kept], scored.labels[kept]
    draws, pairs = request.numpy_draws("pairs"), []
    for index, label in enumerate(classes):
        members = np.flatnonzero(labels == label)
        count = len(range(index, PAIRS, len(classes)))
        first = draws.integers(0, len(members), count)
        second = (first + draws.integers(1, len(members), count)) % len(members)
        pairs.append(members[np.stack([first, second], axis=1)])
    first, second = np.concatenate(pairs).T
    return images, labels, (images[first], images[second])


def _unclamped(
    images: np.ndarray, labels: np.ndarray, variant: Variant, found: Diversity
) -> Measured:
    """Return the value with negative factors as they are, where their powers exist."""
    if found.clamped_share > 0:
        if any(s.weight % 1 for s in variant.scales):
            share = 100 * found.clamped_share
            return Measured(
                None, len(labels), note=f"{share:.1f} % of pairs have a negative factor"
            )
        found = d_intra(images, labels, dataclasses.replace(variant, clamp=False))
    return Measured(float(np.mean(found.off_diagonal)), len(labels))


def _likeness(first: np.ndarray, second: np.ndarray, variant: Variant) -> dict[str, Measured]:
    """Compare 1 - MS-SSIM of pairs with squared errors; MS-SSIM in float64."""
    similarity = ms_ssim_of_pairs(first, second, variant)
    weighted = weighted_squared_error(first, second, variant)
    count, dissimilarity = len(similarity), 1.0 - similarity
    ratio = float(dissimilarity.mean() / weighted.mean()) if weighted.mean() > 0 else None
    return {
        "weighted_error_correlation": _correlation(dissimilarity, weighted),
        "weighted_error_ratio": Measured(ratio, count, note="the pairs are of equal images"),
        "pixel_error_correlation": _correlation(dissimilarity, squared_error(first, second)),
    }


def _correlation(one: np.ndarray, two: np.ndarray) -> Measured:
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        return Measured(None, len(one), note="the pairs do not differ")
    return Measured(float(pearsonr(one, two).statistic), len(one))

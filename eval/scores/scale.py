"""Diversity under right and wrong pixel ranges and several scales: the scale of Table 2.

The study is small: few images per class, so that d is given over pairs of two different images;
Eq. 12 of N images, self pairs included, is (1 - 1/N) times that.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.stats import pearsonr

from dlvae.stage.runtime import device
from eval.metrics.diversity import Diversity, d_intra, random_pairs
from eval.metrics.intervals import over_classes
from eval.metrics.ms_ssim.grid import CLASSES, PAIRS, PER_CLASS, settings
from eval.metrics.ms_ssim.reference import reference_pairs
from eval.metrics.ms_ssim.squared_error import squared_error, weighted_squared_error
from eval.metrics.ms_ssim.variant import Variant
from eval.models.decoding import evenly_spaced
from eval.scored_images import evenly_per_class, labelled_images
from eval.scores.common import Measured, ScoreRequest, Scores

RECHECKED = 20  # pairs per setting that are scored again; there are two dozen settings


@dataclass(frozen=True)
class Images:
    """The images of the study, uint8 (N, H, W, 3), their labels (N,) and random pairs (M, 2)."""

    images: np.ndarray
    labels: np.ndarray
    pairs: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """First image of every pair."""
        return self.images[self.pairs[:, 0]]

    @property
    def second(self) -> np.ndarray:
        """Second image of every pair, of the same class."""
        return self.images[self.pairs[:, 1]]


def scale(request: ScoreRequest) -> Scores:
    """Score images, as for diversity, under every setting of eval.metrics.ms_ssim.grid.

    Per setting: `d_intra_offdiag`, with negative factors clamped and not; `clamped_share`, of
    pairs; and of random pairs of a class, the correlation (Pearson) of 1 - MS-SSIM with the
    weighted squared error that it is a form of where the constants prevail, the ratio of their
    means, and the correlation with the mean squared error of the pixels.
    """
    path = request.path("images")
    scored = labelled_images(path, request.card, request.data)
    study = _chosen(request, scored.images, scored.labels)
    values: dict[str, Measured] = {}
    recheck = {}
    for name, rule in settings().items():
        variant = rule.at(study.images.shape[1])
        found = _diversity(request, study, variant, name)
        recheck[name] = dataclasses.asdict(found.recheck)
        values |= {
            f"d_intra_offdiag:{name}": _over_classes(request, study, found, name),
            f"d_intra_offdiag_unclamped:{name}": _unclamped(request, study, variant, found, name),
            f"clamped_share:{name}": Measured(found.clamped_share, len(study.labels)),
        }
        values |= {f"{metric}:{name}": v for metric, v in _likeness(study, variant).items()}
    extra = {"classes_scored": len(np.unique(study.labels)), "recheck": recheck}
    return Scores(values, scored.sha256, scored.precision, files={"images": path}, extra=extra)


def _chosen(request: ScoreRequest, images: np.ndarray, labels: np.ndarray) -> Images:
    """Take few images of few classes, spread evenly, and draw pairs within the classes."""
    classes = np.unique(labels)
    kept = np.isin(labels, classes[evenly_spaced(len(classes), CLASSES)])
    images, labels = images[kept], labels[kept]
    taken = evenly_per_class(labels, min(PER_CLASS, request.per_class))
    images, labels = images[taken], labels[taken]
    draws, pairs, present = request.numpy_draws("pairs"), [], np.unique(labels)
    for index, label in enumerate(present):
        members = np.flatnonzero(labels == label)
        count = len(range(index, PAIRS, len(present)))
        pairs.append(members[random_pairs(len(members), count, draws)])
    return Images(images, labels, np.concatenate(pairs))


def _diversity(request: ScoreRequest, study: Images, variant: Variant, name: str) -> Diversity:
    count = min(RECHECKED, request.protocol.recheck_pairs)
    draws = request.numpy_draws("recheck", name)
    return d_intra(study.images, study.labels, variant, count, draws, device())


def _over_classes(request: ScoreRequest, study: Images, found: Diversity, name: str) -> Measured:
    draws = request.numpy_draws("classes", name)
    per_class = np.array(found.off_diagonal_per_class)
    interval = over_classes(per_class, draws, request.protocol.intervals.draws)
    return Measured.sure(found.off_diagonal, len(study.labels), interval)


def _unclamped(
    request: ScoreRequest, study: Images, variant: Variant, clamped: Diversity, name: str
) -> Measured:
    """Return the value with negative factors as they are, where their powers exist."""
    n = len(study.labels)
    if clamped.clamped_share == 0:
        return Measured(clamped.off_diagonal, n)
    if any(s.weight % 1 for s in variant.scales):
        share = 100 * clamped.clamped_share
        return Measured(None, n, note=f"{share:.1f} % of pairs have a negative factor")
    loose = dataclasses.replace(variant, clamp=False)
    return Measured(_diversity(request, study, loose, name).off_diagonal, n)


def _likeness(study: Images, variant: Variant) -> dict[str, Measured]:
    """Compare 1 - MS-SSIM of the random pairs with squared errors; MS-SSIM in float64."""
    similarity, _ = reference_pairs(study.first, study.second, variant)
    weighted = weighted_squared_error(study.first, study.second, variant)
    count, dissimilarity = len(similarity), 1.0 - similarity
    ratio = float(dissimilarity.mean() / weighted.mean()) if weighted.mean() > 0 else None
    return {
        "weighted_error_correlation": _correlation(dissimilarity, weighted),
        "weighted_error_ratio": Measured(ratio, count, note="the pairs are of equal images"),
        "pixel_error_correlation": _correlation(
            dissimilarity, squared_error(study.first, study.second)
        ),
    }


def _correlation(one: np.ndarray, two: np.ndarray) -> Measured:
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        return Measured(None, len(one), note="the pairs do not differ")
    return Measured(float(pearsonr(one, two).statistic), len(one))

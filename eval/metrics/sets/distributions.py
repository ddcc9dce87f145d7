"""Distances between the distributions of generated and real features: FID, KID.

The arithmetic is torch-fidelity's, of the functions that take statistics or features; nothing of
its cache is used. Its own statistics of a set copy all features three times in float64, which at
paper scale is 2.3 GB, so ours are summed in blocks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric
from torch_fidelity.metric_kid import kernel_mmd

from eval.metrics.intervals import Interval, jackknife, over_subsets
from eval.metrics.measured import Measured, check_features, check_labels
from eval.metrics.sets.distances import row_blocks

SUBSET_SIZE = 1000
SUBSETS = 100
FEWEST_DISJOINT = 10
# Bińkowski et al. 2018: (x.y / D + 1)^3; gamma None stands for 1 / D.
KERNEL = {
    "kid_kernel": "poly",
    "kid_kernel_poly_degree": 3,
    "kid_kernel_poly_gamma": None,
    "kid_kernel_poly_coef0": 1,
}
BLOCK = 1 << 23  # float64 numbers of centred features, 64 MiB


def fid(generated: np.ndarray, real: np.ndarray, groups: np.ndarray | None = None) -> Measured:
    """Fréchet distance of Gaussians fitted to the sets (Heusel et al. 2017), 0 or more.

    ||m_1 - m_2||^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)). The covariance of n images has rank n - 1
    at most, so a set with fewer than D + 1 has no FID: it would mostly tell n. Also
    above that it falls with n: compare sets of one size. Rounding may turn a 0 into a small
    negative number.

    Args:
        generated, real: features (N, D) and (M, D).
        groups: int (N,), as from :func:`eval.metrics.intervals.jackknife_groups`, for a jackknife
            interval that takes the real images as given; there is none where leaving out a group
            leaves fewer than D + 1 images.

    Raises:
        UserError: features that are empty, not finite or of different width.
    """
    check_features(generated=generated, real=real)
    n, needed = len(generated), generated.shape[1] + 1
    for name, features in (("generated", generated), ("real", real)):
        if len(features) < needed:
            return Measured.missing(n, len(features), needed, f"{name} images")
    distance = _frechet_to(real)
    if groups is None or n - np.bincount(groups).max() < needed:
        return Measured(distance(generated), n)
    value = distance(generated)
    left_out = tuple(distance(generated[groups != g]) for g in range(groups.max() + 1))
    return Measured.sure(value, n, jackknife(value, left_out), left_out)


def _frechet_to(real: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return the distance of :func:`fid` to ``real`` as a function of the generated features.

    The moments of the real set are computed once for all sets of a jackknife.
    """
    statistics = _statistics(real)

    def distance(generated: np.ndarray) -> float:
        found = fid_statistics_to_metric(_statistics(generated), statistics, verbose=False)
        return found[KEY_METRIC_FID]

    return distance


def intra_fid(
    generated: np.ndarray, labels: np.ndarray, real: np.ndarray, real_labels: np.ndarray
) -> Measured:
    """Mean over classes of :func:`fid` between the generated and the real images of the class.

    The classes are those that occur in either set; each needs D + 1 images in both.

    Raises:
        UserError: as :func:`fid`; labels that are not one integer per image.
    """
    check_features(generated=generated, real=real)
    check_labels("generated", labels, generated)
    check_labels("real", real_labels, real)
    n, needed = len(generated), generated.shape[1] + 1
    classes = np.union1d(labels, real_labels)
    for name, given in (("generated", labels), ("real", real_labels)):
        fewest = min(np.count_nonzero(given == label) for label in classes)
        if fewest < needed:
            return Measured.missing(n, fewest, needed, f"{name} images of every class")
    values = tuple(
        _frechet_to(real[real_labels == label])(generated[labels == label]) for label in classes
    )
    return Measured(float(np.mean(values)), n, parts=values)


def kid(
    generated: np.ndarray,
    real: np.ndarray,
    draws: np.random.Generator,
    subset_size: int = SUBSET_SIZE,
    subsets: int = SUBSETS,
) -> Measured:
    """Squared MMD with a cubic kernel, unbiased at any size (Bińkowski et al. 2018).

    Args:
        generated, real: features (N, D) and (M, D).
        draws: picks the subsets.
        subset_size: images of each set in a subset; at most min(N, M) are taken.
        subsets: random subsets that the value is the mean over.

    Returns:
        ``parts`` holds the values of at least ten subsets without a common image, whose spread is
        that of independent values; the interval of their mean is moved to the value, which is over
        many more subsets. None of both where such subsets would have fewer than two images.

    Raises:
        UserError: features that are empty, not finite or of different width.
    """
    check_features(generated=generated, real=real)
    sets = generated, real
    sizes = [len(features) for features in sets]
    fewest = min(sizes)
    if fewest < 2:
        return Measured.missing(len(generated), fewest, 2, "images of either set")
    size = min(subset_size, fewest)
    count = 1 if size == max(sizes) else subsets  # every subset would be both whole sets
    values = [
        _mmd(*(f[draws.choice(len(f), size, replace=False)] for f in sets)) for _ in range(count)
    ]
    value, apart = float(np.mean(values)), _disjoint(sets, fewest, subset_size, draws)
    interval = None
    if apart:
        found = over_subsets(np.array(apart))
        shift = value - float(np.mean(apart))
        interval = Interval(found.low + shift, found.high + shift, found.kind)
    return Measured.sure(value, len(generated), interval, apart)


def _disjoint(
    sets: tuple[np.ndarray, np.ndarray], fewest: int, most: int, draws: np.random.Generator
) -> tuple[float, ...] | None:
    size = min(most, fewest // FEWEST_DISJOINT)
    if size < 2:
        return None
    count = fewest // size
    orders = [draws.permutation(len(f))[: count * size].reshape(count, size) for f in sets]
    return tuple(
        _mmd(*(f[order[part]] for f, order in zip(sets, orders, strict=True)))
        for part in range(count)
    )


def _mmd(generated: np.ndarray, real: np.ndarray) -> float:
    # In float64: the value is a small difference of sums over a million kernels.
    return float(kernel_mmd(generated.astype(np.float64), real.astype(np.float64), **KERNEL))


def _statistics(features: np.ndarray) -> dict[str, np.ndarray]:
    """Mean (D,) and unbiased covariance (D, D) in float64."""
    n, width = features.shape
    mean = np.zeros(width)
    for rows in row_blocks(n, width, BLOCK):
        mean += features[rows].sum(axis=0, dtype=np.float64)
    mean /= n
    covariance = np.zeros((width, width))
    for rows in row_blocks(n, width, BLOCK):
        centred = features[rows] - mean
        covariance += centred.T @ centred
    return {"mu": mean, "sigma": covariance / (n - 1)}

"""Distances between the distributions of generated and real features: FID, KID.

The arithmetic is torch-fidelity's, of the functions that take statistics or features; nothing of
its cache is used. Its own statistics of a set copy all features three times in float64, which at
paper scale is 2.3 GB, so ours are summed in blocks.
"""

from __future__ import annotations

import numpy as np
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric
from torch_fidelity.metric_kid import kernel_mmd

from eval.metrics.intervals import T_SUBSETS, Interval, jackknife, t_interval
from eval.metrics.measured import Measured, check_features, check_labels

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
    moments = _moments(real)
    value = _frechet(generated, moments)
    if groups is None or n - np.bincount(groups).max() < needed:
        return Measured(value, n)
    left_out = tuple(_frechet(generated[groups != g], moments) for g in range(groups.max() + 1))
    return Measured.sure(value, n, jackknife(value, left_out), left_out)


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
        _frechet(generated[labels == label], _moments(real[real_labels == label]))
        for label in classes
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
    n, sets = len(generated), (generated, real)
    fewest, most = sorted(map(len, sets))
    if fewest < 2:
        return Measured.missing(n, fewest, 2, "images of either set")
    size = min(subset_size, fewest)
    count = 1 if size == most else subsets  # every subset would be both whole sets
    values = [
        _mmd(*(f[draws.choice(len(f), size, replace=False)] for f in sets)) for _ in range(count)
    ]
    value, size = float(np.mean(values)), min(subset_size, fewest // FEWEST_DISJOINT)
    if size < 2:
        return Measured(value, n)
    count = fewest // size
    orders = [draws.permutation(len(f))[: count * size].reshape(count, size) for f in sets]
    apart = tuple(_mmd(generated[one], real[other]) for one, other in zip(*orders, strict=True))
    found, shift = t_interval(apart, T_SUBSETS), value - float(np.mean(apart))
    interval = Interval(found.low + shift, found.high + shift, found.kind)
    return Measured.sure(value, n, interval, apart)


def _mmd(generated: np.ndarray, real: np.ndarray) -> float:
    # In float64: the value is a small difference of sums over a million kernels.
    return float(kernel_mmd(generated.astype(np.float64), real.astype(np.float64), **KERNEL))


def _frechet(generated: np.ndarray, real: dict[str, np.ndarray]) -> float:
    """Return the distance of features to a set whose moments are known."""
    return fid_statistics_to_metric(_moments(generated), real, verbose=False)[KEY_METRIC_FID]


def _moments(features: np.ndarray) -> dict[str, np.ndarray]:
    """Mean (D,) and unbiased covariance (D, D) in float64."""
    n, width = features.shape
    step = max(1, BLOCK // width)
    blocks = [features[start : start + step] for start in range(0, n, step)]
    mean = sum(block.sum(axis=0, dtype=np.float64) for block in blocks) / n
    covariance = sum(centred.T @ centred for centred in (block - mean for block in blocks))
    return {"mu": mean, "sigma": covariance / (n - 1)}

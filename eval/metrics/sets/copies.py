"""Copies of training images, and copies of each other: memorisation and mode collapse.

What counts as a copy is read off real held-out images: closer than all but 1 % of them come.
"""

from __future__ import annotations

import numpy as np

from eval.metrics.measured import Measured, check_features, check_labels
from eval.metrics.sets.distances import mean_distance, nearest, nearest_other
from eval.scored_images import evenly_per_class

QUANTILE = 0.01
QUANTILE_NEEDS = 100
"""Distances below which the quantile is no more than the smallest of them."""


def memorisation(
    generated: np.ndarray, train: np.ndarray, held_out: np.ndarray
) -> dict[str, Measured]:
    """How near generated images come to training images, beside real images that are not theirs.

    ``nearest_train_ratio`` is the median distance to the nearest training image, over the same of
    held-out images: near 1 for new images, 0 for copies. ``copies_share`` (0..1) is the share of
    generated images at most as far as the 1 % quantile of held-out images.

    Args:
        generated, train, held_out: features (N, D), (M, D), (K, D).

    Raises:
        UserError: features that are empty, not finite or of different width.
    """
    check_features(generated=generated, train=train, held_out=held_out)
    n = len(generated)
    ours = nearest(generated, train)
    theirs = nearest(held_out, train)
    median = float(np.median(theirs))
    if median > 0:
        ratio = Measured(float(np.median(ours)) / median, n)
    else:
        ratio = Measured(None, n, note="n/a (most held-out images are training images)")
    if len(held_out) < QUANTILE_NEEDS:
        share = Measured.missing(n, len(held_out), QUANTILE_NEEDS, "held-out images")
    else:
        share = Measured.share(np.mean(ours <= np.quantile(theirs, QUANTILE)), n)
    return {"nearest_train_ratio": ratio, "copies_share": share}


def feature_distance_intra(features: np.ndarray, labels: np.ndarray) -> Measured:
    """Mean distance of two different images of a class, mean over classes; 0 for a collapsed one.

    Args:
        features: (N, D).
        labels: int (N,); at least two images of every class that occurs.

    Raises:
        UserError: features that are empty or not finite; labels that are not one integer per image.
    """
    check_features(generated=features)
    check_labels("generated", labels, features)
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        return Measured.missing(len(features), int(counts.min()), 2, "images of every class")
    values = tuple(mean_distance(features[labels == c]) for c in classes)
    return Measured(float(np.mean(values)), len(features), parts=values)


def duplicate_share(
    generated: np.ndarray,
    labels: np.ndarray,
    held_out: np.ndarray,
    held_out_labels: np.ndarray,
) -> Measured:
    """Share (0..1) of images that have a duplicate in their class; near 1 after a mode collapse.

    A duplicate is another image of the class at most as far as the 1 % quantile of the distance
    to the nearest other image of the class, over real held-out images of all classes. The
    nearest of many is nearer than the nearest of few, so both sets of a class are compared within
    groups of one size, that of the smaller set; the larger is cut into as many as it holds.

    Args:
        generated, held_out: features (N, D) and (M, D).
        labels, held_out_labels: int (N,) and (M,).

    Returns:
        ``n`` counts the generated images in groups. Where every class has as many images the value
        is the mean of ``parts``, by class; in general large classes count for more. No interval:
        images that are judged against each other are no independent trials.

    Raises:
        UserError: as :func:`feature_distance_intra`; features of different width.
    """
    check_features(generated=generated, held_out=held_out)
    check_labels("generated", labels, generated)
    check_labels("held_out", held_out_labels, held_out)
    ours, theirs = [], []
    for label in np.unique(labels):
        sets = generated[labels == label], held_out[held_out_labels == label]
        size = min(map(len, sets))
        if size < 2:
            return Measured.missing(len(generated), size, 2, "images of every class in both sets")
        for features, distances in zip(sets, (ours, theirs), strict=True):
            distances.append(_nearest_in_groups(features, size))
    compared, real = np.concatenate(ours), np.concatenate(theirs)
    if len(real) < QUANTILE_NEEDS:
        return Measured.missing(len(compared), len(real), QUANTILE_NEEDS, "held-out images")
    limit = np.quantile(real, QUANTILE)
    per_class = tuple(float(np.mean(distances <= limit)) for distances in ours)
    return Measured(float(np.mean(compared <= limit)), len(compared), parts=per_class)


def _nearest_in_groups(features: np.ndarray, size: int) -> np.ndarray:
    """Nearest other one within disjoint groups of ``size``, each spread evenly over the file."""
    groups = len(features) // size
    chosen = evenly_per_class(np.zeros(len(features), np.int64), groups * size)
    parts = [features[chosen[start::groups]] for start in range(groups)]
    return np.concatenate([nearest_other(part) for part in parts])

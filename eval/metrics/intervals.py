"""Uncertainty of scores: 95 % intervals, and whether one model scores higher than another.

An interval answers one question only, and its kind says which: would another training give this
score (seeds), other images of the same model (images, subsets, paths), other images under other
judges (images_judges), or other classes (classes)?
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from dlvae.stage.errors import UserError

LEVEL = 0.95
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)

T_SEEDS = "t95_seeds"
T_IMAGES = "t95_images"
T_PATHS = "t95_paths"
"""Paths are drawn apart from each other; the images along one are not: the path is the unit."""
T_SUBSETS = "t95_subsets"
"""Disjoint subsets of the images. Covers the expected score of a set of the *subset's* size: for an
unbiased score (KID) that of the whole set too. The sampling error of real images that all subsets
are compared with is not in it."""
JACKKNIFE_IMAGES = "jackknife95_images"
BOOTSTRAP_CLASSES = "bootstrap95_classes"
WILSON = "wilson95"
JACKKNIFE_JUDGES = "jackknife95_images_judges"
WILSON_JUDGES = "wilson95_judges"

WITH_JUDGES = {JACKKNIFE_IMAGES: JACKKNIFE_JUDGES, WILSON: WILSON_JUDGES}
"""Kinds of images alone, and of images and judges; see :func:`over_judges`."""

MIN_VALUES = 3
"""Seeds, subsets or paths. The t interval of two reaches nearly 13 standard errors to each side."""

MIN_CLASSES = 5
"""Coverage over classes: 91 to 95 % with 5 classes; with fewer, the resamples are too few."""


@dataclass(frozen=True)
class Interval:
    """A 95 % interval.

    Attributes:
        low, high: ends, in the unit of the score; not cut off at the score's range, which pages
            do (:mod:`eval.metrics.ranges`).
        kind: one of the constants of this module, as in the column ``ci_kind`` of score rows.
    """

    low: float
    high: float
    kind: str


def t_interval(values: Sequence[float] | np.ndarray, kind: str) -> Interval | None:
    """Student t interval of the mean of values (N,) drawn apart; None below `MIN_VALUES`.

    Args:
        kind: what they are the scores of: ``T_SEEDS``, ``T_IMAGES``, ``T_PATHS`` or ``T_SUBSETS``.
    """
    values = finite(values, "scores")
    if len(values) < MIN_VALUES:
        return None
    error = values.std(ddof=1) / math.sqrt(len(values))
    return _around(float(values.mean()), float(error), len(values), kind)


def over_classes(
    per_class: Sequence[float] | np.ndarray, generator: np.random.Generator, draws: int = 2000
) -> Interval | None:
    """Interval of a mean over classes (d_intra of Eq. 12), by a smoothed bootstrap-t of classes.

    The classes count as a draw from a population of classes, so differences between them widen the
    interval. Two models scored on the same classes are better compared by the interval of their
    differences per class. None with fewer than ``MIN_CLASSES`` classes.

    Args:
        per_class: float (C,), the score of every class.
    """
    values = finite(per_class, "scores of classes")
    n = len(values)
    if n < MIN_CLASSES:
        return None
    if np.ptp(values) == 0:
        return Interval(values[0].item(), values[0].item(), BOOTSTRAP_CLASSES)
    mean, spread = values.mean(), values.std(ddof=1)
    # With 10 classes percentile and BCa intervals cover 87 to 90 %: they take the spread of few
    # values for known. Studentising mends that (93 to 96 %, skewed scores included). Without the
    # noise, resamples that miss the one outlying class have almost no spread, and send an end of
    # the interval hundreds of times beyond the scores. Noise of variance 1 / n prevents that, and
    # makes up for the 1 / n of the variance that resampling loses (Hesterberg 2015).
    z = ((values - mean) / spread)[generator.integers(0, n, (draws, n))]
    z += generator.normal(0, n**-0.5, z.shape)
    below, above = np.quantile(z.mean(axis=1) / z.std(axis=1, ddof=1), TAILS)
    # Crossed: resamples far above the mean say that the mean may lie as far above the truth.
    return Interval(float(mean - above * spread), float(mean - below * spread), BOOTSTRAP_CLASSES)


def proportion(successes: float, n: int) -> Interval:
    """Wilson score interval of a share, such as label fidelity or the accuracy of a probe.

    Trials are taken as independent. With a fixed number of images per class the true spread is
    smaller, so the interval is then rather too wide. It does not suit shares whose trials one
    random set decides together, such as the real images that a generated set covers.

    Args:
        successes: 0 to n; a mean of the counts of several judges need not be whole.
    """
    if n < 1 or not 0 <= successes <= n:
        raise UserError(f"expected 0 to n successes of n >= 1 trials, found {successes} of {n}")
    # scipy.stats has this, and takes half a second to import. The order of the operations is its.
    z, p = float(special.ndtri(TAILS[1])), successes / n
    denominator = 2 * (n + z**2)
    centre = (2 * n * p + z**2) / denominator
    half = z / denominator * math.sqrt(4 * n * p * (1 - p) + z**2)
    low = centre - half if successes > 0 else 0.0
    high = centre + half if successes < n else 1.0
    return Interval(low, high, WILSON)


def jackknife_groups(labels: np.ndarray, groups: int, generator: np.random.Generator) -> np.ndarray:
    """Split images at random into disjoint groups, evenly within every class.

    Sample sets hold a fixed number of images per class. Groups that mirror them keep differences
    between classes, which another sample set would not change, out of the interval. That is exact
    where every class divides evenly, and errs to the wide side where it does not.

    Args:
        labels: int (N,).
        groups: 2 to N; about 20.

    Returns:
        int64 (N,) in 0..groups-1; sizes differ by at most 1, within a class and overall.
    """
    if labels.ndim != 1 or not 2 <= groups <= len(labels):
        raise UserError(
            "expected one label per image and 2 to N groups, found labels of shape "
            f"{labels.shape} and {groups} groups"
        )
    by_class = np.lexsort((generator.random(len(labels)), labels))
    assignment = np.empty(len(labels), np.int64)
    # Dealt out like cards, on and on across classes: no group gets all the remainders.
    assignment[by_class] = np.arange(len(labels)) % groups
    return assignment


# Images are never bootstrapped here. A resample holds every image once, twice or not at all, and
# duplicates are no new images: a pair of them has MS-SSIM 1, which lowers d_intra, and p(y) and the
# moments of features carry their sampling error twice, which lowers IS and raises FID. The whole
# bootstrap distribution is off, possibly by more than its width. Leaving images out duplicates
# none, and the shift that all the smaller sets share cancels in the variance.
def delete_a_group(statistic: Callable[[np.ndarray], float], assignment: np.ndarray) -> Interval:
    """Delete-a-group :func:`jackknife` of any smooth statistic of a set of images.

    Args:
        statistic: maps the indices kept, int64 (K,) in ascending order, to a score.
        assignment: int (N,) in 0..g-1, as from :func:`jackknife_groups`.
    """
    present = np.unique(assignment)
    if len(present) < 2 or not np.array_equal(present, np.arange(len(present))):
        raise UserError(
            f"expected at least 2 groups numbered from 0 without a gap, found {present.tolist()}"
        )
    full = statistic(np.arange(len(assignment)))
    return jackknife(full, [statistic(np.flatnonzero(assignment != group)) for group in present])


def jackknife(full: float, left_out: Sequence[float]) -> Interval:
    """Jackknife interval of the score of a set of images, from the scores without each group.

    Variance (g - 1) / g * sum_i (theta_i - mean theta)^2 of the g scores with one group left out
    (Kott 2001), Student t with g - 1 degrees of freedom, centred on the score of all images. It
    covers the expected score of a set of as many images, whose finite-sample bias it shares.

    Args:
        full: score of all images.
        left_out: scores with one group left out, (g,), at least 2.
    """
    groups = len(finite([full, *left_out], "scores of the images kept")) - 1
    if groups < 2:
        raise UserError(f"expected at least 2 groups, found {groups}")
    variance = (groups - 1) * np.var(left_out)  # the mean over groups has the 1/g of the formula
    return _around(float(full), math.sqrt(variance), groups, JACKKNIFE_IMAGES)


def over_judges(interval: Interval, by_judge: Sequence[float]) -> Interval:
    """Widen an interval over images of a mean over judges by how far the judges differ.

    The error of the mean over M judges that were trained apart, t_{M-1} s / sqrt(M), is added to
    the distance of each end in quadrature, as of two sources that know nothing of each other. The
    interval of a single judge stays as it is.

    Args:
        interval: of kind ``JACKKNIFE_IMAGES`` or ``WILSON``.
        by_judge: the score by each, (M,), whose mean the interval belongs to.
    """
    scores = finite(by_judge, "scores of judges")
    if len(scores) < 2:
        return interval
    mean = float(scores.mean())
    half = _t_quantile(len(scores)) * float(scores.std(ddof=1)) / math.sqrt(len(scores))
    low = mean - math.hypot(mean - interval.low, half)
    high = mean + math.hypot(interval.high - mean, half)
    return Interval(low, high, WITH_JUDGES[interval.kind])


def probability_of_higher_mean(one: Sequence[float], other: Sequence[float]) -> float | None:
    """P(the mean over trainings of one is higher than that of the other), in [0, 1].

    1 minus the one-sided p value of Welch's t test (Welch 1947), whose degrees of freedom are those
    of Satterthwaite: with a flat prior the posterior probability. None with fewer than `MIN_VALUES`
    seeds on either side: errors over images or classes leave the variation between trainings out,
    however small they are. A side without spread, such as a threshold, adds no error; with none on
    both sides it is the order of the means, and 0.5 where they are equal.

    Args:
        one, other: scores by training seed, any number of each.

    Raises:
        UserError: a score that is not finite.
    """
    sides = finite(one, "scores of one"), finite(other, "scores of the other")
    if min(map(len, sides)) < MIN_VALUES:
        return None
    # The mean and the variance of equal numbers differ from theirs and from 0 by rounding.
    means = [float(x[0] if np.ptp(x) == 0 else x.mean()) for x in sides]
    gap = means[0] - means[1]
    squares = [0.0 if np.ptp(x) == 0 else float(x.var(ddof=1)) / len(x) for x in sides]
    error = sum(squares)
    if error == 0:
        return float(np.sign(gap) + 1) / 2
    parts = (square**2 / (len(x) - 1) for square, x in zip(squares, sides, strict=True))
    return float(special.stdtr(error**2 / sum(parts), gap / error**0.5))


def finite(values: Sequence[float] | np.ndarray, what: str) -> np.ndarray:
    """Return values as float64; :class:`UserError` names ``what`` is not finite."""
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).all():
        raise UserError(f"{what}: expected finite numbers, found NaN or infinity; score them again")
    return values


def _around(centre: float, error: float, units: int, kind: str) -> Interval:
    half = _t_quantile(units) * error
    return Interval(centre - half, centre + half, kind)


def _t_quantile(units: int) -> float:
    """Return the 97.5 % quantile of Student's t for the mean of so many units."""
    return float(special.stdtrit(units - 1, TAILS[1]))

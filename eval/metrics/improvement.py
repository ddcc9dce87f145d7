"""The probability that one model scores higher than another, from their training seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from eval.metrics.intervals import MIN_VALUES, finite


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

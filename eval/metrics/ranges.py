"""What a score can be at least and at most, and intervals that stay between.

The t interval is made for numbers that can be anything. Of few seeds near an end of a score's range
it reaches beyond, where no score can be, and covers too seldom: of three seeds whose precision is
0.95 on average, in 89 % of cases in the place of 95 %. On a scale that has no ends it does neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.metrics.intervals import T_SEEDS, Interval, t_interval

T_SEEDS_LOGIT, T_SEEDS_LOG = "t95_seeds_logit", "t95_seeds_log"
"""Kinds of intervals over seeds of scores with two ends, and with one; see `Range.over_seeds`."""

SHARES = (
    "label_fidelity judge_agreement precision recall coverage copies_share duplicate_share "
    "d_intra_standard_clamped_share d_intra_range_mismatched_clamped_share clamped_share "
    "d_intra_standard d_intra_standard_offdiag d_intra_range_mismatched "
    "d_intra_range_mismatched_offdiag d_intra_offdiag probe_linear probe_mlp probe_chance "
    "mixture_accuracy mahalanobis_ks active_units dci_disentanglement dci_completeness mig sap "
    "effect_disentanglement effect_completeness effect_gap bayes_accuracy swap_identity "
    "swap_factors swap_brightness verification_auc walk_top1 walk_top1_plain walk_smoothness "
    "coordinate_top1 coordinate_top1_plain inpaint_identity toy_precision toy_recall"
).split()
"""Shares of images, points or pairs, and scores that are scaled to [0, 1]. Of d_intra those whose
negative factors of MS-SSIM are clamped, as Eq. 12 asks."""
NOT_NEGATIVE = (
    "fid intra_fid imagenet_fid density nearest_train_ratio feature_distance_intra sharpness "
    "sharpness_ratio mahalanobis_ratio centre_separation prior_distance aggregate_kl posterior_kl "
    "reconstruction_mse image_variance inpaint_feature_distance toy_wasserstein "
    "toy_wasserstein_floor toy_spread_radial toy_spread_y effect walk_ratio active_count "
    "weighted_error_ratio cpu_seconds images_read updates"
).split()
"""Distances, divergences, ratios and counts. Not KID, an estimate that can be negative."""
CORRELATIONS = (
    "coordinate_spearman walk_consistency walk_consistency_features inpaint_ssim probe_excess "
    "pixel_error_correlation weighted_error_correlation"
).split()
"""Correlations and cosines, and accuracy minus that of chance."""
DETERMINED = ("factor_r2", "position_r2", "dci_informativeness")
"""Shares of variance that a regression explains: 1 at most, and without a lower end."""
INCEPTION = "inception_score"
"""exp of a mean KL of p(y|x) to p(y), each over the classes: at least 1, at most their number."""


@dataclass(frozen=True)
class Range:
    """From the lowest possible score to the highest; an end that there is not is infinite."""

    low: float = -math.inf
    high: float = math.inf

    def __contains__(self, value: float) -> bool:
        """Whether a score can be this; a rounding error beyond an end is at the end."""
        slack = 1e-9 * max(1.0, abs(value))
        return self.low - slack <= value <= self.high + slack

    def cut(self, interval: Interval) -> Interval:
        """Return an interval without what lies beyond the ends.

        No score can be there, so that it covers as often as before.
        """
        low, high = (min(max(e, self.low), self.high) for e in (interval.low, interval.high))
        return Interval(low, high, interval.kind)

    def over_seeds(self, values: Sequence[float] | np.ndarray) -> Interval | None:
        """Return the 95 % interval of the mean over trainings; None below three seeds.

        With f(x) = logit((x - low) / (high - low)), or log of the distance to the only end, it is
        f(mean) ± t s / sqrt(N) f'(mean), carried back: the t interval of f(mean), whose error is
        that of the mean by the delta method. So survey statistics make intervals of proportions
        (Korn and Graubard 1998; ``svyciprop``, method "xlogit", of R's package survey), and so does
        Newcombe (2001) with the error of a binomial. It contains the mean, stays between the ends,
        and is the t interval where that is short beside the distance to them.

        Equal values have no spread to tell an error by: their interval is of width 0, at an end
        as elsewhere. Without ends, or with values beyond them, it is the t interval.

        Args:
            values: a score by training seed, (N,).
        """
        plain = t_interval(values, T_SEEDS)
        has_end = math.isfinite(self.low) or math.isfinite(self.high)
        if plain is None or not has_end or not all(value in self for value in values):
            return plain
        kind = T_SEEDS_LOGIT if math.isfinite(self.high - self.low) else T_SEEDS_LOG
        mean, half = float(np.mean(values)), (plain.high - plain.low) / 2
        below, above = mean - self.low, self.high - mean
        if half == 0 or min(below, above) <= 0:
            return self.cut(Interval(plain.low, plain.high, kind))
        if kind == T_SEEDS_LOG:
            factor = math.exp(half / min(below, above))
            ends = [self.low + below / factor, self.low + below * factor]
            if math.isfinite(self.high):
                ends = [self.high - above * factor, self.high - above / factor]
        else:
            # logit' = 1 / x + 1 / (1 - x) with x = below / (below + above).
            factor = math.exp(half * (1 / below + 1 / above))
            odds = (below / above / factor, below / above * factor)
            ends = [self.low + (self.high - self.low) * odd / (1 + odd) for odd in odds]
        return self.cut(Interval(*ends, kind))

    def of_differences(self) -> Range:
        """Return what the difference of two such scores can be."""
        span = self.high - self.low
        return Range(-span, span)

    def changed(self, times: float, away_from: float | None, plus: float) -> Range:
        """Return what times * |score - away_from| + plus can be; without it times * score + plus.

        Args:
            times: above 0.
        """
        low, high = self.low, self.high
        if away_from is not None:
            far = [abs(end - away_from) for end in (low, high)]
            low, high = 0.0 if low <= away_from <= high else min(far), max(far)
        return Range(times * low + plus, times * high + plus)


def range_of(metric: str, classes: int) -> Range:
    """Return the range of a metric, by what stands before the first colon of its name.

    Args:
        metric: as in score rows; one that is not known here can be anything.
        classes: of the data set.
    """
    name = metric.partition(":")[0]
    if name == INCEPTION:
        return Range(1.0, float(classes))
    if name == f"imagenet_{INCEPTION}":
        return Range(low=1.0)
    if name in SHARES:
        return Range(0.0, 1.0)
    if name in NOT_NEGATIVE:
        return Range(low=0.0)
    if name in CORRELATIONS:
        return Range(-1.0, 1.0)
    return Range(high=1.0) if name in DETERMINED else Range()

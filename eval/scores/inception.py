"""Inception Score of Section 4.2, and the share of images of the class asked for."""

from __future__ import annotations

from eval.features import FeatureSet
from eval.intervals import Interval, inception_score_interval, proportion
from eval.logits import inception_of_logits, label_fidelity
from eval.scores.common import Measured, ScoreRequest, Scores


def inception(request: ScoreRequest) -> Scores:
    """Score a feature set, input ``features``."""
    scored = request.features("features").evenly(request.per_class)
    found = inception_of_logits(scored.logits, request.protocol.inception.splits)
    fidelity, n = label_fidelity(scored.logits, scored.labels), len(scored.labels)
    return Scores(
        {
            "inception_score": Measured.sure(found.score, n, _interval(request, scored)),
            "label_fidelity": Measured.sure(fidelity, n, proportion(round(fidelity * n), n)),
        },
        scored.images,
        scored.precision,
        scored.evaluator,
        {"features": request.path("features")},
        {"spread_over_splits": found.spread},
    )


def _interval(request: ScoreRequest, scored: FeatureSet) -> Interval | None:
    """Return the interval of a score of the whole set; that of a mean over splits is another."""
    if request.protocol.inception.splits != 1:
        return None
    groups, draws = request.protocol.intervals.groups, request.numpy_draws("groups")
    return inception_score_interval(scored.logits, scored.labels, groups, draws)

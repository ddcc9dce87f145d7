"""Inception Score of Section 4.2, and the share of images of the class asked for."""

from __future__ import annotations

from eval.fidelity import inception_of_logits, label_fidelity
from eval.scores.common import Measured, ScoreRequest, Scores


def inception(request: ScoreRequest) -> Scores:
    """Score a feature set, input ``features``."""
    scored = request.features("features").evenly(request.per_class)
    found = inception_of_logits(scored.logits, request.protocol.inception.splits)
    n = len(scored.labels)
    return Scores(
        {
            "inception_score": Measured(found.score, n),
            "label_fidelity": Measured(label_fidelity(scored.logits, scored.labels), n),
        },
        scored.images,
        scored.precision,
        scored.evaluator,
        {"features": request.path("features")},
        {"spread_over_splits": found.spread},
    )

"""Inception Score of Section 4.2, and the share of images of the class asked for, by two judges.

Metrics without a further name are those of the robust judge; ``:plain`` are those of the one that
saw real images alone. Both judges are ensembles: values are means over the members, each member's
own stand beside (``:judge0`` ...), and ``judge_agreement`` says on how many images two members see
one class.
"""

from __future__ import annotations

from dlvae.stage.errors import UserError
from eval.judge.features import FeatureSet
from eval.metrics.inception_score import (
    inception_of_logits,
    measured_agreement,
    measured_inception_score,
    measured_label_fidelity,
)
from eval.metrics.measured import Measured
from eval.request import FamilyScores, ScoreRequest
from eval.rows import PLAIN, hashes_text

SCORE, TOP1, AGREEMENT = "inception_score", "label_fidelity", "judge_agreement"

JUDGES = {"features": "", "features_plain": f":{PLAIN}"}
"""Inputs, and the end of the names of what is measured on them."""


def inception(request: ScoreRequest) -> FamilyScores:
    """Score a feature set, input ``features``, and that of the plain judge, ``features_plain``.

    Raises:
        UserError: the two are of other images, or of one judge.
    """
    keys = [key for key in JUDGES if key == "features" or request.has(key)]
    sets = {key: request.features(key).evenly(request.per_class) for key in keys}
    first = sets["features"]
    values: dict[str, Measured] = {}
    columns: dict[str, dict[str, str]] = {}
    for key, scored in sets.items():
        same = scored.images == first.images, scored.evaluator == first.evaluator
        if scored is not first and same != (True, False):
            raise UserError(
                f"{request.path(key)}: expected the same images under another judge, found images "
                f"{scored.images[:12]} of evaluator {scored.evaluator[:12]}, beside "
                f"{first.images[:12]} of {first.evaluator[:12]}; make both with "
                "python -m eval.judge.features"
            )
        found = by_judge(request, scored, JUDGES[key])
        values |= found
        columns |= dict.fromkeys(found, {"evaluator": hashes_text(scored.evaluator)})
    spread = inception_of_logits(first.logits, request.protocol.inception.splits).spread
    return FamilyScores(
        values,
        first.images,
        first.precision,
        first.evaluator,
        {key: request.path(key) for key in keys},
        {"spread_over_splits": spread},
        columns,
    )


def by_judge(request: ScoreRequest, scored: FeatureSet, end: str = "") -> dict[str, Measured]:
    """Return the scores of one judge and, if it has several members, of each of them.

    Args:
        end: of the names of metrics; the judge comes before its member.
    """
    rules, logits, labels = request.protocol, scored.logits, scored.labels
    groups, splits = rules.intervals.groups, rules.inception.splits
    draws = request.numpy_draws("groups")
    members = {
        SCORE: measured_inception_score(logits, labels, splits, groups, draws),
        TOP1: measured_label_fidelity(logits, labels),
    }
    if len(members[SCORE]) == 2:
        return {f"{name}{end}": values[0] for name, values in members.items()}
    found = {}
    for name, (whole, *single) in members.items():
        found[f"{name}{end}"] = whole
        found |= {f"{name}{end}:judge{i}": value for i, value in enumerate(single)}
    agreed = measured_agreement(logits, labels, groups, request.numpy_draws("groups"))
    return found | {f"{AGREEMENT}{end}": agreed}

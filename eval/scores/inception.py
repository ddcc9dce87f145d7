"""Inception Score of Section 4.2, and the share of images of the class asked for, by two judges.

Metrics without a further name are those of the robust judge; ``:plain`` are those of the one that
saw real images alone. Both judges are ensembles: values are means over the members, each member's
own stand beside (``:judge0`` ...), and ``judge_agreement`` says on how many images two members see
one class.
"""

from __future__ import annotations

from dlvae.stage.errors import UserError
from eval.judge.features import FeatureSet
from eval.metrics.intervals import (
    inception_jackknife,
    jackknife,
    jackknife_groups,
    over_judges,
    proportion,
)
from eval.metrics.logits import InceptionResult, agreement, by_member, hits, inception_of_logits
from eval.rows import PLAIN
from eval.scores.common import Basis, Measured, ScoreRequest, Scores

SCORE, TOP1, AGREEMENT = "inception_score", "label_fidelity", "judge_agreement"

JUDGES = {"features": "", "features_plain": f":{PLAIN}"}
"""Inputs, and the end of the names of what is measured on them."""


def inception(request: ScoreRequest) -> Scores:
    """Score a feature set, input ``features``, and that of the plain judge, ``features_plain``.

    Raises:
        UserError: the two are of other images, or of one judge.
    """
    keys = [key for key in JUDGES if key == "features" or request.has(key)]
    sets = {key: request.features(key).evenly(request.per_class) for key in keys}
    first = sets["features"]
    values: dict[str, Measured] = {}
    basis: dict[str, Basis] = {}
    for key, scored in sets.items():
        same = scored.images == first.images, scored.evaluator == first.evaluator
        if scored is not first and same != (True, False):
            raise UserError(
                f"{request.path(key)}: expected the same images under another judge, found images "
                f"{scored.images[:12]} of evaluator {scored.evaluator[:12]}, beside "
                f"{first.images[:12]} of {first.evaluator[:12]}; make both with "
                "python -m eval.judge.features"
            )
        found = _by_judge(request, scored, JUDGES[key])
        values |= found
        basis |= dict.fromkeys(found, Basis(evaluator=scored.evaluator))
    return Scores(
        values,
        first.images,
        first.precision,
        first.evaluator,
        {key: request.path(key) for key in keys},
        {"spread_over_splits": _inception(request, first).spread},
        basis,
    )


def ensemble_scores(request: ScoreRequest, scored: FeatureSet) -> dict[str, Measured]:
    """Return `SCORE`, `TOP1` and `AGREEMENT` of a feature set, by all members together.

    The last one is missing where there is one judge alone.
    """
    found = _by_judge(request, scored, "")
    return {name: found[name] for name in (SCORE, TOP1, AGREEMENT) if name in found}


def _by_judge(request: ScoreRequest, scored: FeatureSet, end: str) -> dict[str, Measured]:
    """Return the scores of one judge and, if it has several members, of each of them.

    Args:
        end: of the names of metrics.
    """
    values = _scores(request, scored) | _fidelities(scored)
    if by_member(scored.logits).shape[1] == 1:
        values = {name: value for name, value in values.items() if ":" not in name}
    else:
        values |= _agreement(request, scored)
    # "inception_score" or "inception_score:judge0": the judge comes before its member.
    parts = ((metric.partition(":"), value) for metric, value in values.items())
    return {f"{name}{end}{colon}{member}": value for (name, colon, member), value in parts}


def _inception(request: ScoreRequest, scored: FeatureSet) -> InceptionResult:
    return inception_of_logits(scored.logits, request.protocol.inception.splits)


def _scores(request: ScoreRequest, scored: FeatureSet) -> dict[str, Measured]:
    found, n = _inception(request, scored), len(scored.labels)
    whole, single = None, [None] * len(found.members)
    # The interval is of a score of the whole set; that of a mean over splits is another.
    if request.protocol.inception.splits == 1:
        groups, draws = request.protocol.intervals.groups, request.numpy_draws("groups")
        full, left_out = inception_jackknife(scored.logits, scored.labels, groups, draws)
        single = [jackknife(*pair) for pair in zip(full, left_out.T, strict=True)]
        whole = over_judges(jackknife(full.mean(), left_out.mean(axis=1)), full)
    return {
        SCORE: Measured.sure(found.score, n, whole),
        **{
            f"{SCORE}:judge{i}": Measured.sure(score, n, interval)
            for i, (score, interval) in enumerate(zip(found.members, single, strict=True))
        },
    }


def _fidelities(scored: FeatureSet) -> dict[str, Measured]:
    right = hits(scored.logits, scored.labels)
    n, shares = len(right), right.mean(axis=0)
    # Of a mean of shares of the same n images; the count need not be whole.
    images = proportion(right.sum() / right.shape[1], n)
    return {
        TOP1: Measured.sure(shares.mean(), n, over_judges(images, shares)),
        **{
            f"{TOP1}:judge{i}": Measured.sure(share, n, proportion(int(count), n))
            for i, (share, count) in enumerate(zip(shares, right.sum(axis=0), strict=True))
        },
    }


def _agreement(request: ScoreRequest, scored: FeatureSet) -> dict[str, Measured]:
    per_image = agreement(scored.logits)
    groups = request.protocol.intervals.groups
    group_of = jackknife_groups(scored.labels, groups, request.numpy_draws("groups"))
    left_out = [float(per_image[group_of != group].mean()) for group in range(groups)]
    interval = jackknife(float(per_image.mean()), left_out)
    return {AGREEMENT: Measured.sure(per_image.mean(), len(per_image), interval)}

"""Inception Score of Section 4.2, and the share of images of the class asked for, by two judges.

Metrics without a further name are those of the robust judge; ``:plain`` are those of the one that
saw real images alone. Both judges are ensembles: values are means over the members, each member's
own stand beside (``:judge0`` ...), and ``judge_agreement`` says on how many images two members see
one class.
"""

from __future__ import annotations

import numpy as np

from dlvae.stage.errors import UserError
from eval.judge.features import load_features
from eval.metrics.inception_score import JUDGED
from eval.metrics.measured import Measured
from eval.request import FamilyScores, ScoreRequest
from eval.rows import PLAIN, hashes_text

JUDGES = {"features": "", "features_plain": f":{PLAIN}"}
"""Inputs, and the end of the names of what is measured on them."""


def inception(request: ScoreRequest) -> FamilyScores:
    """Score a feature set, input ``features``, and that of the plain judge, ``features_plain``.

    Raises:
        UserError: the two are of other images, or of one judge.
    """
    dataset = request.card["dataset"]
    keys = [key for key in JUDGES if key == "features" or request.has(key)]
    sets = {key: load_features(request.path(key), dataset, request.per_class) for key in keys}
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
        for metric, measure in JUDGED.items():
            draws = request.numpy_draws("groups")
            found = measure(scored.logits, scored.labels, request.protocol, draws)
            members = [f":judge{i}" for i in range(len(found) - 1)]
            names = [f"{metric}{JUDGES[key]}{member}" for member in ("", *members)]
            values |= dict(zip(names, found, strict=False))  # agreement there may be none
            columns |= dict.fromkeys(names, {"evaluator": hashes_text(scored.evaluator)})
    return FamilyScores(
        values,
        first.images,
        first.precision,
        first.evaluator,
        {key: request.path(key) for key in keys},
        {"spread_over_splits": float(np.std(values["inception_score"].parts))},
        columns,
    )

"""Score rows of learning curves whose leaders are known."""

import math
from pathlib import Path

import pandas as pd

from eval.protocol import load_protocol
from eval.rows import ScoreRow
from reports.studies import curve_data

PROTOCOL = Path(__file__).parents[2] / "config" / "protocol" / "v2.yaml"
LABEL = load_protocol(PROTOCOL).label
CEILING = 10.0
MODELS = ["cvae", "cgan", "ours"]
# Inception Scores by model and number of updates, one per seed.
SCORES = {
    "cvae": {100: (2.0, 2.1, 2.2), 200: (4.0, 4.1, 4.2), 400: (4.2,), 800: (4.4,)},
    "cgan": {100: (1.0, 1.1, 1.2), 200: (1.1, 1.2, 1.3), 400: (1.3,), 800: (1.5,)},
    "ours": {100: (1.9, 2.1, 2.4), 200: (6.0, 6.1, 6.2), 400: (8.0,), 800: (8.1,)},
}
# Images and processor seconds per update: ours reads and takes more.
COSTS = {"cvae": (32, 0.01), "cgan": (32, 0.02), "ours": (128, 0.04)}
FITTED = {"cvae": 0.5, "ours": 1.0}  # what fitting its priors adds to a model's score


def row(model, metric, value, seed=0, **more):
    shared = {"preset": "quick", "dataset": "digits", "n": 5000, "classes": 10}
    shared |= {"precision": "fp32", "protocol": LABEL, "data": "d", "code": "c"}
    none = {"ci_low": math.nan, "ci_high": math.nan, "ci_kind": "none"}
    own = {"evaluator": "a" * 12, "samples": model} | none | more
    return ScoreRow(model=model, metric=metric, value=value, seed=seed, **shared | own)


def curve_of(model, scores, costs, added=0.0):
    """The rows of the family for one model, every seed and snapshot."""
    found = []
    for step, values in scores.items():
        for seed, value in enumerate(values):
            score = value + added
            ends = {"ci_low": score - 0.5, "ci_high": score + 0.5, "ci_kind": "jackknife95_images"}
            found.append(row(model, f"inception_score:{step}", score, seed, **ends))
            found.append(row(model, f"label_fidelity:{step}", score / 20, seed))
            found.append(row(model, f"judge_agreement:{step}", 0.9, seed))
            without = {"evaluator": "none"}
            found.append(row(model, f"d_intra_standard:{step}", score / 30, seed, **without))
            found.append(row(model, f"fid:{step}", 100 - score, seed))
            amounts = zip(("images_read", "cpu_seconds"), costs, strict=True)
            for metric, each in amounts:
                found.append(row(model, f"{metric}:{step}", step * each, seed, n=1, **without))
    return found


def made_up(scores=SCORES, fitted=FITTED):
    found = [row("real", "inception_score", CEILING), row("real", "label_fidelity", 0.99)]
    for model, own in scores.items():
        found += curve_of(model, own, COSTS[model])
        if model in fitted:
            found += curve_of(f"{model}_fitted", own, COSTS[model], fitted[model])
    return found


def frame(*args, **more):
    return pd.DataFrame(made_up(*args, **more))


def curves(rows, models=MODELS):
    return curve_data.curves(curve_data.curve_rows(rows), "digits", models)


def tidy(rows, models=MODELS):
    return curve_data.tidy(curve_data.curve_rows(rows), ["digits"], models)

"""How a generated set relates to the real ones on the evaluator's features; eval.metrics.sets."""

from __future__ import annotations

import numpy as np

from dlvae.data.dataset import load_split
from dlvae.stage.runtime import device
from eval.judge.features import FeatureSet
from eval.metrics.intervals import (
    Interval,
    delete_a_group,
    jackknife,
    jackknife_groups,
    over_classes,
    over_subsets,
    proportion,
)
from eval.metrics.sets.distributions import frechet_to
from eval.metrics.sets.every import set_metrics
from eval.metrics.sets.measured import SetMetric
from eval.metrics.sets.sharpness import sharpness
from eval.scored_images import evenly_per_class, labelled_images
from eval.scores.common import Measured, ScoreRequest, Scores

# Shares of the generated images, each judged against real ones alone. Those judged against each
# other, duplicate_share, are no independent trials, and fewer images have fewer duplicates: those
# have no interval.
GENERATED_SHARES = ("precision", "copies_share")
# Shares of the real images, all decided by the one generated set.
REAL_SHARES = ("recall", "coverage")
CLASS_MEANS = ("intra_fid", "feature_distance_intra")


def fidelity(request: ScoreRequest) -> Scores:
    """Score a feature set, input ``features``, and its images, input ``images``.

    Compared with the inputs ``real_train`` and ``real_test``, whole. For the real images
    themselves the scored set is the held-out split, which therefore has no sharpness ratio but 1.
    """
    scored = request.features("features").evenly(request.per_class)
    train, held_out = (request.features(name) for name in ("real_train", "real_test"))
    images = labelled_images(request.path("images"), request.card, request.data)
    chosen = images.images[evenly_per_class(images.labels, request.per_class)]
    count, groups = request.protocol.intervals.groups, None
    if len(chosen) >= count:
        groups = jackknife_groups(scored.labels, count, request.numpy_draws("groups"))
    draws = request.numpy_draws("subsets")
    found = set_metrics(chosen, scored, train, held_out, draws, device(), groups)
    values = {
        name: Measured.of(value, _interval(request, name, value, scored, train, groups))
        for name, value in found.items()
    }
    real = sharpness(load_split(request.data, "test").images).value
    ratio = found["sharpness"].value / real
    values["sharpness_ratio"] = Measured(ratio, len(chosen))
    files = {name: request.path(name) for name in ("features", "real_train", "real_test", "images")}
    return Scores(values, scored.images, scored.precision, scored.evaluator, files)


def _interval(
    request: ScoreRequest,
    name: str,
    found: SetMetric,
    scored: FeatureSet,
    train: FeatureSet,
    groups: np.ndarray | None,
) -> Interval | None:
    """Return the interval of a metric, as far as the generated images go."""
    rule = request.protocol.intervals
    if found.value is None:
        return None
    if name in GENERATED_SHARES:
        return proportion(round(found.value * found.n), found.n)
    if name in REAL_SHARES:
        return jackknife(found.value, found.left_out) if found.left_out else None
    if name in CLASS_MEANS:
        return over_classes(np.array(found.per_class), request.numpy_draws(name), rule.draws)
    if name == "kid":
        return kid_interval(found)
    if name == "fid" and groups is not None:
        return fid_interval(scored.features, train.features, groups)
    return None


def kid_interval(found: SetMetric) -> Interval | None:
    """Return the interval of KID from its disjoint subsets, None where there are none.

    Their spread is that of independent values; it is centred on the value over many more subsets.
    """
    if not found.subsets:
        return None
    apart = over_subsets(np.array(found.subsets))
    shift = found.value - float(np.mean(found.subsets))
    return Interval(apart.low + shift, apart.high + shift, apart.kind)


def fid_interval(generated: np.ndarray, real: np.ndarray, groups: np.ndarray) -> Interval | None:
    """Return the jackknife interval of FID, the real images taken as given.

    None where leaving out a group leaves fewer than the D + 1 images that FID needs.

    Args:
        generated, real: features (N, D) and (M, D), of which FID can be had.
        groups: int (N,), as from :func:`eval.metrics.intervals.jackknife_groups`.
    """
    if len(generated) - np.bincount(groups).max() < generated.shape[1] + 1:
        return None
    distance = frechet_to(real)
    return delete_a_group(lambda kept: distance(generated[kept]), groups)

"""How a generated set relates to the real ones, on features of our evaluator or of ImageNet's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dlvae.data.dataset import load_split
from dlvae.stage.artefact import sha256_file
from dlvae.stage.errors import UserError
from eval.judge.features import FeatureSet, load_features
from eval.metrics.intervals import jackknife_groups
from eval.metrics.measured import Measured
from eval.metrics.sets.copies import duplicate_share, feature_distance_intra, memorisation
from eval.metrics.sets.distributions import fid, intra_fid, kid
from eval.metrics.sets.manifolds import density_coverage, precision_recall
from eval.metrics.sets.sharpness import sharpness
from eval.protocol import IntervalsRule
from eval.request import FamilyScores, ScoreRequest
from eval.scored_images import real

CLASS_MEANS = ("intra_fid", "feature_distance_intra")


def fidelity(request: ScoreRequest) -> FamilyScores:
    """Score a feature set, input ``features``, and its images, input ``images``.

    Compared with the inputs ``real_train`` and ``real_test``, whole. For the real images
    themselves the scored set is the held-out split, which therefore has no sharpness ratio but 1.
    """
    dataset = request.card["dataset"]
    scored = load_features(request.path("features"), dataset, request.per_class)
    train = load_features(request.path("real_train"), dataset)
    held_out = load_features(request.path("real_test"), dataset)
    chosen = request.images().evenly(request.per_class).images
    rule, draws = request.protocol.intervals, request.numpy_draws
    values = measure_set(chosen, scored, train, held_out, draws, rule)
    test = sharpness(load_split(request.data, "test").images).value
    values["sharpness_ratio"] = Measured(values["sharpness"].value / test, len(chosen))
    files = {name: request.path(name) for name in ("features", "real_train", "real_test", "images")}
    return FamilyScores(values, scored.images, scored.precision, scored.evaluator, files)


def measure_set(
    images: np.ndarray,
    generated: FeatureSet,
    train: FeatureSet,
    held_out: FeatureSet,
    draws: Callable[..., np.random.Generator],
    rule: IntervalsRule,
) -> dict[str, Measured]:
    """Measure a generated set, with intervals as far as its images go.

    Distributions and regions are compared with the training images, which are what a model was
    asked to imitate; held-out images say how near new images come to those and to each other.

    Args:
        images: uint8 (N, H, W, 3), whose features are ``generated``.
        generated, train, held_out: features of one evaluator.
        draws: name of a stream -> its generator, the same at every call.

    Raises:
        UserError: as many images as features are expected; see the metrics for the rest.
    """
    ours, real_ones, labels = generated.features, train.features, generated.labels
    if len(images) != len(ours):
        raise UserError(
            f"expected features of the {len(images)} generated images, found {len(ours)} rows; "
            "take both from the same file"
        )
    groups = None
    if len(images) >= rule.groups:
        groups = jackknife_groups(labels, rule.groups, draws("groups"))
    found = {
        "fid": fid(ours, real_ones, groups),
        "kid": kid(ours, real_ones, draws("subsets")),
        **precision_recall(ours, real_ones, groups=groups),
        **density_coverage(ours, real_ones, groups=groups),
        "intra_fid": intra_fid(ours, labels, real_ones, train.labels),
        **memorisation(ours, real_ones, held_out.features),
        "feature_distance_intra": feature_distance_intra(ours, labels),
        "duplicate_share": duplicate_share(ours, labels, held_out.features, held_out.labels),
        "sharpness": sharpness(images),
    }
    for name in CLASS_MEANS:
        if (mean := found[name]).value is not None:
            found[name] = Measured.over_classes(mean.parts, mean.n, draws(name), rule.draws)
    return found


def imagenet(request: ScoreRequest) -> FamilyScores:
    """Score images, input ``images``, against the training images, with the input ``weights``.

    Raises:
        UserError: the weights are not those of the network.
    """
    # Here: torchvision, which it needs, takes longer to import than the other family to score.
    from eval.metrics.sets.imagenet import imagenet_metrics

    weights = request.path("weights")
    scored = request.images().evenly(request.per_class)
    train = real(request.data, "train", request.card).images
    splits = request.protocol.inception.splits
    values = imagenet_metrics(scored.images, train, weights, splits)
    files = {"images": request.path("images"), "weights": weights}
    return FamilyScores(values, scored.sha256, scored.precision, sha256_file(weights), files)

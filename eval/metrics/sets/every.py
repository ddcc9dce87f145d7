"""All metrics of a generated set at once, by the names that they have in score rows."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from dlvae.stage.errors import UserError
from eval.metrics.sets.copies import duplicate_share, feature_distance_intra, memorisation
from eval.metrics.sets.distances import Where
from eval.metrics.sets.distributions import fid, intra_fid, kid
from eval.metrics.sets.manifolds import density_coverage, precision_recall
from eval.metrics.sets.measured import SetMetric
from eval.metrics.sets.sharpness import sharpness

METRICS = (
    "fid",
    "kid",
    "precision",
    "recall",
    "density",
    "coverage",
    "intra_fid",
    "nearest_train_ratio",
    "copies_share",
    "feature_distance_intra",
    "duplicate_share",
    "sharpness",
)


class Labelled(Protocol):
    """Features, float (N, D), of N images with their labels, int (N,)."""

    @property
    def features(self) -> np.ndarray: ...

    @property
    def labels(self) -> np.ndarray: ...


def set_metrics(
    images: np.ndarray,
    generated: Labelled,
    train: Labelled,
    held_out: Labelled,
    draws: np.random.Generator,
    device: Where = "cpu",
    groups: np.ndarray | None = None,
) -> dict[str, SetMetric]:
    """Measure a generated set; the keys are :data:`METRICS`, in that order.

    Distributions and regions are compared with the training images, which are what a model was
    asked to imitate; held-out images say how near new images come to those and to each other.

    Args:
        images: uint8 (N, H, W, 3), whose features are ``generated``.
        generated, train, held_out: features of one evaluator.
        draws: picks the subsets of ``kid``.
        groups: int (N,) of the generated images, without each of which ``recall`` and ``coverage``
            are measured too (``left_out``).

    Raises:
        UserError: as many images as features are expected; see the metrics for the rest.
    """
    if len(images) != len(generated.features):
        raise UserError(
            f"expected features of the {len(images)} generated images, found "
            f"{len(generated.features)} rows; take both from the same file"
        )
    ours, real = generated.features, train.features
    found = {
        "fid": fid(ours, real),
        "kid": kid(ours, real, draws),
        **precision_recall(ours, real, device=device, groups=groups),
        **density_coverage(ours, real, device=device, groups=groups),
        "intra_fid": intra_fid(ours, generated.labels, real, train.labels),
        **memorisation(ours, real, held_out.features, device),
        "feature_distance_intra": feature_distance_intra(ours, generated.labels, device),
        "duplicate_share": duplicate_share(
            ours, generated.labels, held_out.features, held_out.labels, device
        ),
        "sharpness": sharpness(images),
    }
    return {name: found[name] for name in METRICS}

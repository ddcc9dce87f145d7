"""Intra-class diversity of Eq. 12 under every variant of the protocol, and that of every class.

Two models are scored on the same classes, of which some are more diverse than others. A comparison
takes the differences class by class, so class c has a row of its own: d_intra_<variant>:class:<c>.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from dlvae.stage.runtime import device
from eval.metrics.diversity import d_intra, interval_of_mean
from eval.metrics.intervals import over_pairs
from eval.scored_images import evenly_per_class, labelled_images
from eval.scores.common import Measured, ScoreRequest, Scores


def diversity(request: ScoreRequest) -> Scores:
    """Score images: input ``images``, a sample set, or a split of the real images."""
    path = request.path("images")
    scored = labelled_images(path, request.card, request.data)
    chosen = evenly_per_class(scored.labels, request.per_class)
    images, labels = scored.images[chosen], scored.labels[chosen]
    values, extra, n = {}, {}, len(images)
    classes, sizes = np.unique(labels, return_counts=True)
    for name, rule in request.protocol.ms_ssim.items():
        found = d_intra(
            images,
            labels,
            rule.at(images.shape[1]),
            request.protocol.recheck_pairs,
            request.numpy_draws("recheck", name),
            device(),
            request.protocol.pairs,
        )
        metric = f"d_intra_{name}"
        per_class = {
            "": (found.per_class, found.errors),
            "_offdiag": (found.off_diagonal_per_class, found.off_diagonal_errors),
        }
        for suffix, (scores, errors) in per_class.items():
            draws = request.numpy_draws("classes", name, suffix)
            interval = interval_of_mean(scores, errors, draws, request.protocol.intervals.draws)
            values[metric + suffix] = Measured.sure(float(np.mean(scores)), n, interval)
        values[f"{metric}_clamped_share"] = Measured(found.clamped_share, n)
        values |= {
            f"{metric}:class:{label}": Measured.sure(score, int(size), over_pairs(score, error))
            for label, size, score, error in zip(
                classes, sizes, found.per_class, found.errors, strict=True
            )
        }
        recheck = dataclasses.asdict(found.recheck)
        extra[metric] = {"per_class": found.per_class, "recheck": recheck}
    files = {"images": path}
    return Scores(values, scored.sha256, scored.precision, files=files, extra=extra)

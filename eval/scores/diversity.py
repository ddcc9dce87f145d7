"""Intra-class diversity of Eq. 12 under every variant of the protocol, and that of every class.

Two models are scored on the same classes, of which some are more diverse than others. A comparison
takes the differences class by class, so class c has a row of its own: d_intra_<variant>:class:<c>.
"""

from __future__ import annotations

import numpy as np

from eval.metrics.d_intra import d_intra
from eval.metrics.measured import Measured
from eval.request import FamilyScores, ScoreRequest


def diversity(request: ScoreRequest) -> FamilyScores:
    """Score images: input ``images``, a sample set, or a split of the real images."""
    scored = request.images().evenly(request.per_class)
    images, labels = scored.images, scored.labels
    values, extra, n = {}, {}, len(images)
    classes, sizes = np.unique(labels, return_counts=True)
    resamples = request.protocol.intervals.draws
    for name, rule in request.protocol.ms_ssim.items():
        found, metric = d_intra(images, labels, rule.at(images.shape[1])), f"d_intra_{name}"
        for end, per_class in (("", found.per_class), ("_offdiag", found.off_diagonal)):
            draws = request.numpy_draws("classes", name, end)
            values[metric + end] = Measured.over_classes(per_class, n, draws, resamples)
        values[f"{metric}_clamped_share"] = Measured(found.clamped_share, n)
        for label, size, score in zip(classes, sizes, found.per_class, strict=True):
            values[f"{metric}:class:{label}"] = Measured(score, int(size))
        extra[metric] = {"per_class": found.per_class}
    files = {"images": request.path("images")}
    return FamilyScores(values, scored.sha256, scored.precision, files=files, extra=extra)

"""Intra-class diversity of Eq. 12 under every variant of the protocol."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from dlvae.data.dataset import SPLITS
from dlvae.errors import UserError
from dlvae.runtime import device
from eval.diversity import d_intra
from eval.intervals import over_classes
from eval.scored_images import Scored, evenly_per_class, real, sampled
from eval.scores.common import Measured, ScoreRequest, Scores


def diversity(request: ScoreRequest) -> Scores:
    """Score images: input ``images``, a sample set, or a split of the real images."""
    path = request.path("images")
    scored = _load(path, request)
    chosen = evenly_per_class(scored.labels, request.per_class)
    images, labels = scored.images[chosen], scored.labels[chosen]
    values, extra, n = {}, {}, len(images)
    for name, rule in request.protocol.ms_ssim.items():
        found = d_intra(
            images,
            labels,
            rule.at(images.shape[1]),
            request.protocol.recheck_pairs,
            request.numpy_draws("recheck", name),
            device(),
        )
        metric = f"d_intra_{name}"
        per_class = {"": found.per_class, "_offdiag": found.off_diagonal_per_class}
        for suffix, scores in per_class.items():
            draws = request.numpy_draws("classes", name, suffix)
            interval = over_classes(np.array(scores), draws, request.protocol.intervals.draws)
            values[metric + suffix] = Measured.sure(float(np.mean(scores)), n, interval)
        values[f"{metric}_clamped_share"] = Measured(found.clamped_share, n)
        recheck = dataclasses.asdict(found.recheck)
        extra[metric] = {"per_class": found.per_class, "recheck": recheck}
    files = {"images": path}
    return Scores(values, scored.sha256, scored.precision, files=files, extra=extra)


def _load(path: Path, request: ScoreRequest) -> Scored:
    if request.config["model"] != "real":
        return sampled(path, request.card)
    if path.parent.resolve() != request.data.resolve() or path.stem not in SPLITS:
        raise UserError(
            f"{path}: expected a split of the real images, {' or '.join(SPLITS)}.npz in "
            f"{request.data}"
        )
    return real(request.data, path.stem, request.card)

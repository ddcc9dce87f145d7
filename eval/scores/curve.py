"""Learning curves: samples of a training at each of its snapshots, and what it had cost by then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlvae.artefact import read_json, sha256_file
from dlvae.errors import UserError
from dlvae.registry import SNAPSHOTS
from dlvae.runtime import device
from eval.decoding import training_precision
from eval.diversity import d_intra, interval_of_mean
from eval.features import FeatureSet, features_of
from eval.rows import NONE
from eval.scored_images import Scored
from eval.scores.common import Basis, Measured, ScoreRequest, Scores
from eval.scores.inception import ensemble_scores
from eval.scores.progress import MANIFEST
from eval.set_metrics.distributions import fid
from eval.snapshots import snapshot_files, snapshot_images

VARIANT = "standard"
DIVERSITY, FID = f"d_intra_{VARIANT}", "fid"
COSTS = ("images_read", "cpu_seconds")
WITHOUT_JUDGE = (DIVERSITY, *COSTS)


def curve(request: ScoreRequest) -> Scores:
    """Score every snapshot of a model, inputs ``model``, ``evaluator`` and ``real_train`` features.

    Each metric ends with the number of updates, as in ``inception_score:750``: Inception Score,
    top-1 and agreement by the robust judge, d_intra, FID to the training images, and `COSTS`,
    images read and processor seconds of the training up to there.

    Raises:
        UserError: the features of the training images are by another judge, or the manifest does
            not say what a snapshot had cost.
    """
    folder, judge = request.path("model"), request.path("evaluator")
    real, manifest = request.features("real_train"), read_json(folder / MANIFEST)
    values: dict[str, Measured] = {}
    for step, images in snapshot_images(request, folder, request.per_class):
        features = features_of(images, judge, request.card)
        if features.evaluator != real.evaluator:
            raise UserError(
                f"{request.path('real_train')}: expected features by evaluator "
                f"{features.evaluator[:12]}, found {real.evaluator[:12]}; make them with "
                "python -m eval.features"
            )
        found = ensemble_scores(request, features)
        found |= {DIVERSITY: _diversity(request, images), FID: _fid(features, real)}
        found |= _costs(folder, manifest, step)
        values |= {f"{name}:{step}": measured for name, measured in found.items()}
    files = snapshot_files(request.config["model"], folder)
    files |= {"model/manifest": folder / MANIFEST, "evaluator": judge / "card.json"}
    judged = {name: name.partition(":")[0] not in WITHOUT_JUDGE for name in values}
    return Scores(
        values,
        sha256_file(folder / SNAPSHOTS),
        training_precision(folder),
        real.evaluator,
        files=files | {"real_train": request.path("real_train")},
        basis={name: Basis(evaluator=NONE) for name, by_judge in judged.items() if not by_judge},
    )


def _diversity(request: ScoreRequest, images: Scored) -> Measured:
    protocol = request.protocol
    found = d_intra(
        images.images,
        images.labels,
        protocol.ms_ssim[VARIANT].at(images.images.shape[1]),
        protocol.recheck_pairs,
        request.numpy_draws("recheck"),
        device(),
        protocol.pairs,
    )
    draws = request.numpy_draws("classes")
    interval = interval_of_mean(found.per_class, found.errors, draws, protocol.intervals.draws)
    return Measured.sure(found.value, len(images.images), interval)


def _fid(features: FeatureSet, real: FeatureSet) -> Measured:
    return Measured.of(fid(features.features, real.features), None)


def _costs(folder: Path, manifest: Mapping[str, Any], step: int) -> dict[str, Measured]:
    seconds = manifest.get("cpu_seconds", {})
    if str(step) not in seconds:
        raise UserError(
            f"{folder / MANIFEST}: expected cpu_seconds after {step} updates, found "
            f"{', '.join(seconds) or 'none'}; train it again with this configuration"
        )
    per_update = manifest["images_seen"] // manifest["steps"]
    amounts = (step * per_update, seconds[str(step)])
    return {name: Measured(float(amount), 1) for name, amount in zip(COSTS, amounts, strict=True)}

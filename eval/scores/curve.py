"""Learning curves: samples of a training at each of its snapshots, and what it had cost by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlvae.stage.artefact import read_json, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import SNAPSHOTS, weights_hash
from dlvae.stage.runtime import device
from eval.judge.features import FeatureSet, features_of
from eval.metrics.diversity import d_intra, interval_of_mean
from eval.metrics.sets.distributions import fid
from eval.models.decoding import training_precision
from eval.models.snapshots import MANIFEST, snapshot_images, trained_files
from eval.rows import NONE
from eval.scored_images import Scored
from eval.scores.common import Basis, Measured, ScoreRequest, Scores
from eval.scores.inception import ensemble_scores

VARIANT = "standard"
DIVERSITY, FID = f"d_intra_{VARIANT}", "fid"
COSTS = ("images_read", "cpu_seconds")
WITHOUT_JUDGE = (DIVERSITY, *COSTS)


def curve(request: ScoreRequest) -> Scores:
    """Score a model at every snapshot and at the end: ``model``, ``evaluator``, ``real_train``.

    The input ``real_train`` are features; ``longer``, optional, is the same training continued, of
    which only what comes after the end of ``model`` is scored.

    Each metric ends with the number of updates, as in ``inception_score:750``: Inception Score,
    top-1 and agreement by the robust judge, d_intra, FID to the training images, and `COSTS`,
    images read and processor seconds of the training up to there.

    Raises:
        UserError: the features of the training images are by another judge, or the manifest does
            not say what a snapshot had cost.
    """
    judge, real = request.path("evaluator"), request.features("real_train")
    folders = [request.path(name) for name in ("model", "longer") if request.has(name)]
    values: dict[str, Measured] = {}
    basis: dict[str, Basis] = {}
    for folder, step, images in _points(request, folders):
        features = features_of(images, judge, request.card)
        if features.evaluator != real.evaluator:
            raise UserError(
                f"{request.path('real_train')}: expected features by evaluator "
                f"{features.evaluator[:12]}, found {real.evaluator[:12]}; make them with "
                "python -m eval.judge.features"
            )
        found = ensemble_scores(request, features)
        found |= {DIVERSITY: _diversity(request, images), FID: _fid(features, real)}
        found |= _costs(folder, step)
        for name, measured in found.items():
            values[f"{name}:{step}"] = measured
            by = NONE if name in WITHOUT_JUDGE else ""
            basis[f"{name}:{step}"] = Basis(images=_weights(folder, step), evaluator=by)
    name, files = request.config["model"], {"evaluator": judge / "card.json"}
    for label, folder in zip((name, f"{name}, longer"), folders, strict=False):
        files |= trained_files(label, folder)
    return Scores(
        values,
        weights_hash(folders[0]),
        training_precision(folders[0]),
        real.evaluator,
        files=files | {"real_train": request.path("real_train")},
        basis=basis,
    )


def _points(request: ScoreRequest, folders: Sequence[Path]) -> Iterator[tuple[Path, int, Scored]]:
    """Yield where a training stands, after how many updates, and its images there."""
    end = 0
    for folder in folders:
        seen = _manifest(folder)
        steps = [int(step) for step in seen["cpu_seconds"] if int(step) > end]
        for step, images in snapshot_images(request, folder, request.per_class, steps):
            yield folder, step, images
        end = seen["steps"]


def _weights(folder: Path, step: int) -> str:
    """Return the hash of the file that holds the weights after so many updates."""
    last = step == _manifest(folder)["steps"]
    return weights_hash(folder) if last else sha256_file(folder / SNAPSHOTS)


def _manifest(folder: Path) -> Mapping[str, Any]:
    found = read_json(folder / MANIFEST)
    if str(found["steps"]) not in found.get("cpu_seconds", {}):
        raise UserError(
            f"{folder / MANIFEST}: expected cpu_seconds after {found['steps']} updates, found "
            f"{', '.join(found.get('cpu_seconds', {})) or 'none'}; train it again with this "
            "configuration"
        )
    return found


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


def _costs(folder: Path, step: int) -> dict[str, Measured]:
    manifest = _manifest(folder)
    per_update = manifest["images_seen"] // manifest["steps"]
    amounts = (step * per_update, manifest["cpu_seconds"][str(step)])
    return {name: Measured(float(amount), 1) for name, amount in zip(COSTS, amounts, strict=True)}

"""Learning curves: samples of a training at its snapshots, and what it had cost by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlvae.stage.artefact import read_json, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import SNAPSHOTS, weights_hash
from eval.judge.features import features_of
from eval.metrics.d_intra import d_intra
from eval.metrics.measured import Measured
from eval.models.decoding import model_files
from eval.models.snapshots import MANIFEST, snapshot_images
from eval.rows import NONE
from eval.score_request import Basis, ScoreRequest, Scores
from eval.scored_images import ScoredImages
from eval.scores.inception import AGREEMENT, SCORE, TOP1, by_judge

VARIANT = "standard"
DIVERSITY, FID = f"d_intra_{VARIANT}", "fid"
COSTS = ("images_read", "cpu_seconds")
WITHOUT_JUDGE = (DIVERSITY, *COSTS)
AFTER_HALF = (SCORE, TOP1)
COSTS_OF_ALL = ("updates", "images_read")
TRAINED = (SNAPSHOTS, MANIFEST)  # files of a training that are read beside its model


def progress(request: ScoreRequest) -> Scores:
    """Score a model after half of its updates, inputs ``model`` and ``evaluator``.

    What a training read, and how good its samples were after half of it: is it still learning?
    `AFTER_HALF`, each with the ending ``:half``, by the robust judge, and `COSTS_OF_ALL`: updates
    of the decoder, and images that the training has read, stage 1 of ours included.

    Raises:
        UserError: the training left no snapshot there.
    """
    folder, judge = request.path("model"), request.path("evaluator")
    manifest = read_json(folder / MANIFEST)
    steps, half = manifest["steps"], max(1, manifest["steps"] // 2)
    found = list(snapshot_images(request, folder, request.per_class, [half]))
    if not found:
        raise UserError(
            f"{folder}: expected a snapshot after {half} of {steps} updates, found none; train it "
            "again with this configuration"
        )
    ((_, images),) = found
    features = features_of(images, judge, request.card)
    scores = by_judge(request, features)
    values = {f"{name}:half": scores[name] for name in AFTER_HALF}
    costs = zip(COSTS_OF_ALL, (steps, manifest["images_seen"]), strict=True)
    values |= {name: Measured(float(cost), 1) for name, cost in costs}
    return Scores.of_model(
        folder,
        values,
        evaluator=features.evaluator,
        files=model_files(request.config["model"], folder, *TRAINED) | request.cards("evaluator"),
        basis={name: Basis(evaluator=NONE) for name in COSTS_OF_ALL},
    )


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
    # Here: torch-fidelity takes as long to import as the other family to score.
    from eval.metrics.sets.distributions import fid

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
        scores = by_judge(request, features)
        found = {name: scores[name] for name in (SCORE, TOP1, AGREEMENT) if name in scores}
        found[DIVERSITY] = _diversity(request, images)
        found[FID] = fid(features.features, real.features)
        found |= _costs(folder, step)
        for name, measured in found.items():
            values[f"{name}:{step}"] = measured
            by = NONE if name in WITHOUT_JUDGE else ""
            basis[f"{name}:{step}"] = Basis(images=_weights(folder, step), evaluator=by)
    name, files = request.config["model"], request.cards("evaluator")
    for label, folder in zip((name, f"{name}, longer"), folders, strict=False):
        files |= model_files(label, folder, *TRAINED)
    files |= {"real_train": request.path("real_train")}
    return Scores.of_model(folders[0], values, evaluator=real.evaluator, files=files, basis=basis)


def _points(
    request: ScoreRequest, folders: Sequence[Path]
) -> Iterator[tuple[Path, int, ScoredImages]]:
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


def _diversity(request: ScoreRequest, images: ScoredImages) -> Measured:
    rules = request.protocol
    variant = rules.ms_ssim[VARIANT].at(images.images.shape[1])
    found = d_intra(images.images, images.labels, variant)
    draws, resamples = request.numpy_draws("classes"), rules.intervals.draws
    return Measured.over_classes(found.per_class, len(images.images), draws, resamples)


def _costs(folder: Path, step: int) -> dict[str, Measured]:
    manifest = _manifest(folder)
    per_update = manifest["images_seen"] // manifest["steps"]
    amounts = (step * per_update, manifest["cpu_seconds"][str(step)])
    return {name: Measured(float(amount), 1) for name, amount in zip(COSTS, amounts, strict=True)}

"""Learning curves: samples of a training at its snapshots, and what it had cost by then."""

from __future__ import annotations

import numpy as np

from dlvae.stage.artefact import read_json, sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import SNAPSHOTS, weights_hash
from dlvae.stage.weights import MANIFEST
from eval.judge.evaluator import JudgeEnsemble, load_judge
from eval.judge.features import FeatureSet, load_features
from eval.judge.predict import Features
from eval.metrics.d_intra import d_intra
from eval.metrics.inception_score import JUDGED
from eval.metrics.measured import Measured
from eval.models.snapshots import snapshot_images
from eval.request import FamilyScores, ScoreRequest, model_files
from eval.rows import NONE, hashes_text
from eval.scored_images import ScoredImages

VARIANT = "standard"
DIVERSITY = f"d_intra_{VARIANT}"
TRAINED = (SNAPSHOTS, MANIFEST)  # files of a training that are read beside its model


def progress(request: ScoreRequest) -> FamilyScores:
    """Score a model after half of its updates, inputs ``model`` and ``evaluator``.

    What a training read, and how good its samples were after half of it: is it still learning?
    Inception Score and top-1 by the robust judge, with the ending ``:half``; ``updates`` of the
    decoder; and ``images_read`` by the training, stage 1 of ours included.

    Raises:
        UserError: the training left no snapshot there.
    """
    folder, name = request.path("model"), request.config["model"]
    manifest = read_json(folder / MANIFEST)
    steps, half = manifest["steps"], max(1, manifest["steps"] // 2)
    found = dict(snapshot_images(request, folder, [half]))
    if not found:
        raise UserError(
            f"{folder}: expected a snapshot after {half} of {steps} updates, found none; train it "
            "again with this configuration"
        )
    judge = load_judge(request.path("evaluator"), request.card)
    scores = _by_judge(request, judge.predict(found[half].images), found[half].labels)
    costs = {"updates": steps, "images_read": manifest["images_seen"]}
    values = {f"{m}:half": scores[m] for m in ("inception_score", "label_fidelity")}
    values |= {metric: Measured(float(cost), 1) for metric, cost in costs.items()}
    return FamilyScores.of_model(
        request,
        values,
        evaluator=judge.sha256,
        label=name,
        files=model_files(name, folder, *TRAINED),
        columns=dict.fromkeys(costs, {"evaluator": NONE}),
    )


def curve(request: ScoreRequest) -> FamilyScores:
    """Score a model at every snapshot and at the end: ``model``, ``evaluator``, ``real_train``.

    The input ``real_train`` are features; ``longer``, optional, is the same training continued, of
    which only what comes after the end of ``model`` is scored.

    Each metric ends with the number of updates, as in ``inception_score:750``: Inception Score,
    top-1 and agreement by the robust judge, d_intra, FID to the training images, and images read
    and processor seconds of the training up to there.

    Raises:
        UserError: the features of the training images are by another judge, or the manifest does
            not say what a snapshot had cost.
    """
    name, judge = request.config["model"], load_judge(request.path("evaluator"), request.card)
    real = load_features(request.path("real_train"), request.card["dataset"])
    if judge.sha256 != real.evaluator:
        raise UserError(
            f"{request.path('real_train')}: expected features by evaluator {judge.sha256[:12]}, "
            f"found {real.evaluator[:12]}; make them with python -m eval.judge.features"
        )
    files, folders = {"real_train": request.path("real_train")}, {name: request.path("model")}
    if request.has("longer"):
        folders[f"{name}, longer"] = request.path("longer")
    values: dict[str, Measured] = {}
    columns: dict[str, dict[str, str]] = {}
    end = 0
    for label, folder in folders.items():
        files |= model_files(label, folder, *TRAINED)
        manifest = read_json(folder / MANIFEST)
        seconds = manifest.get("cpu_seconds", {})
        steps, end = [int(step) for step in seconds if int(step) > end], manifest["steps"]
        if str(end) not in seconds:
            raise UserError(
                f"{folder / MANIFEST}: expected cpu_seconds after {end} updates, found "
                f"{', '.join(seconds) or 'none'}; train it again with this configuration"
            )
        for step, images in snapshot_images(request, folder, steps):
            read = step * (manifest["images_seen"] // end)
            costs = {"images_read": read, "cpu_seconds": seconds[str(step)]}
            found = _of_images(request, judge, images, real)
            found |= {metric: Measured(float(cost), 1) for metric, cost in costs.items()}
            weights = weights_hash(folder) if step == end else sha256_file(folder / SNAPSHOTS)
            for metric, measured in found.items():
                by = NONE if metric in (DIVERSITY, *costs) else real.evaluator
                of = {"samples": hashes_text(weights), "evaluator": hashes_text(by)}
                values[f"{metric}:{step}"], columns[f"{metric}:{step}"] = measured, of
    return FamilyScores.of_model(
        request, values, real.evaluator, label=name, files=files, columns=columns
    )


def _of_images(
    request: ScoreRequest, judge: JudgeEnsemble, images: ScoredImages, real: FeatureSet
) -> dict[str, Measured]:
    # Here: torch-fidelity takes as long to import as the other family to score.
    from eval.metrics.sets.distributions import fid

    seen, rules = judge.predict(images.images), request.protocol
    found = _by_judge(request, seen, images.labels)
    variant = rules.ms_ssim[VARIANT].at(images.images.shape[1])
    diversity = d_intra(images.images, images.labels, variant).per_class
    draws, resamples = request.numpy_draws("classes"), rules.intervals.draws
    found[DIVERSITY] = Measured.over_classes(diversity, len(images.images), draws, resamples)
    return found | {"fid": fid(seen.features, real.features)}


def _by_judge(request: ScoreRequest, seen: Features, labels: np.ndarray) -> dict[str, Measured]:
    """Return the scores of the family `inception` by one judge, means over its members alone."""
    measured = {
        metric: measure(seen.logits, labels, request.protocol, request.numpy_draws("groups"))
        for metric, measure in JUDGED.items()
    }
    return {metric: found[0] for metric, found in measured.items() if found}

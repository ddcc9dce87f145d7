"""What a training read, and how good its samples were after half of it: is it still learning?"""

from __future__ import annotations

from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError
from dlvae.stage.registry import weights_hash
from eval.judge.features import features_of
from eval.models.snapshots import MANIFEST, snapshot_images, trained_files
from eval.rows import NONE
from eval.scores.common import Basis, Measured, ScoreRequest, Scores
from eval.scores.inception import SCORE, TOP1, ensemble_scores

COSTS = ("updates", "images_read")
AFTER_HALF = (SCORE, TOP1)


def progress(request: ScoreRequest) -> Scores:
    """Score a model after half of its updates, inputs ``model`` and ``evaluator``.

    `AFTER_HALF`, each with the ending ``:half``, by the robust judge, and `COSTS`: updates of the
    decoder, and images that the training has read, stage 1 of ours included.

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
    scores = ensemble_scores(request, features)
    values = {f"{name}:half": scores[name] for name in AFTER_HALF}
    costs = zip(COSTS, (steps, manifest["images_seen"]), strict=True)
    values |= {name: Measured(float(cost), 1) for name, cost in costs}
    files = trained_files(request.config["model"], folder)
    return Scores(
        values,
        weights_hash(folder),
        images.precision,
        features.evaluator,
        files=files | {"evaluator": judge / "card.json"},
        basis={name: Basis(evaluator=NONE) for name in COSTS},
    )

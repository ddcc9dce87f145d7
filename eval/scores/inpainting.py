"""Figure 7 as a measure: held-out images with a part greyed out and filled again, for each mask."""

from __future__ import annotations

import numpy as np

from dlvae.data.dataset import load_split
from dlvae.data.masks import BOXES_64, SMALLEST, face_masks
from dlvae.stage.artefact import sha256_arrays
from eval.judge.evaluator import load_judge
from eval.metrics.inception_score import top_class
from eval.metrics.masked_regions import masked_psnr, masked_ssim
from eval.metrics.measured import Measured
from eval.models.decoding import corrupt, evenly_spaced, inpaint, ready_model
from eval.request import FamilyScores, ScoreRequest
from eval.rows import data_hash, hashes_text
from eval.scored_images import labelled_split

IMAGES = 500
METRICS = ("inpaint_psnr", "inpaint_ssim", "inpaint_feature_distance", "inpaint_identity")
UNAIDED = "ours"  # any other model is told the true label
TOO_SMALL = f"the masks need images of at least {SMALLEST} pixels"


def inpainting(request: ScoreRequest) -> FamilyScores:
    """Score a model with ``reconstruct``, input ``model``, by the judgement of an ``evaluator``.

    Ours is given no label, other models the true one. Over up to `IMAGES` held-out images, spread
    evenly, for every mask: `masked_psnr`, `masked_ssim`, the Euclidean distance of the evaluator's
    features of inpainted and original image, and the share that the evaluator takes for the true
    class. ``config["landmarks"]`` moves the masks as in Figure 7, see `face_masks`.
    """
    folder, name = request.path("model"), request.config["model"]
    judge = load_judge(request.path("evaluator"), request.card)
    test = labelled_split(request.data, "test")
    test = test.take(evenly_spaced(len(test), IMAGES))
    size, values, placed = test.images.shape[1], {}, {}
    if size < SMALLEST:
        names = [f"{metric}:{mask}" for mask in BOXES_64 for metric in METRICS]
        values = dict.fromkeys(names, Measured(None, len(test), note=TOO_SMALL))
    else:
        train = load_split(request.data, "train")
        model = ready_model(request, folder, name, source=train, needs=("reconstruct",))
        given = None if name == UNAIDED else test.labels
        landmarks = request.config.get("landmarks")
        if landmarks is not None:
            points = sha256_arrays(landmarks=np.asarray(landmarks, np.float64))
            placed = {"data": hashes_text(data_hash(request.card), points)}
        known = judge.predict(test.images)[0].astype(np.float64)
        for mask, missing in face_masks(size, landmarks).items():
            filled = inpaint(model, corrupt(test.images, missing), missing, given)
            features, logits = judge.predict(filled)
            found = (
                Measured.mean_over_images(masked_psnr(test.images, filled, missing)),
                Measured.mean_over_images(masked_ssim(test.images, filled, missing)),
                Measured.mean_over_images(np.linalg.norm(features - known, axis=1)),
                Measured.share((top_class(logits) == test.labels).mean(), len(test)),
            )
            names = (f"{metric}:{mask}" for metric in METRICS)
            values |= dict(zip(names, found, strict=True))
    columns = dict.fromkeys(values, placed)
    return FamilyScores.of_model(request, values, judge.sha256, columns=columns)

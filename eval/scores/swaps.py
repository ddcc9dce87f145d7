"""Figure 6 as a measure: does a swapped image show the one person, and all else of the other?

``seen`` are held-out images of people who were trained with a label. ``unseen`` are images of the
unlabelled people, before and after the semi-supervised stage (Section 3.6), which is trained on
other images of them, never told who is in these; what is scored is held out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from dlvae.base import GenerativeModel
from dlvae.data.dataset import HELD_OUT, Split, load_card, load_split
from dlvae.stage.registry import weights_hash
from eval.judge.factor_space import in_spreads, irrelevant
from eval.judge.factors import FactorRegressor, load_factors, r2_on
from eval.judge.load import Evaluator, load_judge
from eval.metrics.closeness import brightness, nearer, squared_errors, unit, verification_auc
from eval.metrics.intervals import over_images, proportion
from eval.metrics.swaps import Cells, choose_cells, swap
from eval.models.decoding import model_files, ready_model, require, training_precision
from eval.scored_images import labelled_split
from eval.scores.common import Basis, Measured, ScoreRequest, Scores, data_hash

METRICS = ("swap_identity", "swap_factors", "swap_brightness", "reconstruction_mse")
STAGES = {"unseen_before": "model", "unseen_after": "semi"}  # the input that each stage scores
NO_REGRESSOR = "needs a factor regressor"
NO_FACTORS = "needs a label-irrelevant factor that the factor regressor reads well"
NO_UNSEEN_FACTORS = f"{NO_FACTORS} off unseen people"
NO_UNLABELLED = "needs unlabelled images"
NO_SEMI = "needs the model after the semi-supervised stage"
NO_IDENTITIES = "needs to know who is in an image, which the unlabelled set does not say"
NO_PAIRS = "needs two people, one of them with two images"
NO_CELLS = "needs images of two people"

Describe = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Judge:
    """What says which image a cell is like.

    Attributes:
        evaluator: its embedding tells people apart.
        factors: uint8 (N, H, W, 3) -> float (N, F), what should come from the z_u image; None
            where nothing can be read.
        note: which ``factors``, or why there are none.
    """

    evaluator: Evaluator
    factors: Describe | None
    note: str

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return embeddings of uint8 (N, H, W, 3), of length 1."""
        return unit(self.evaluator.predict(images)[0])


def swaps(request: ScoreRequest) -> Scores:
    """Score a model with ``encode`` and ``decode(z_s, z_u)``, input ``model``.

    Other inputs: ``evaluator``; and, where there are such, ``factors``, ``unlabelled``, ``semi``.

    ``swap_identity`` is the share of cells whose embedding is nearer, by the cosine, to that of the
    image that z_s came from. ``swap_factors`` is the share nearer to the image that z_u came from
    in the factors that the regressor reads off all three images, so that its bias cancels: the
    usable label-irrelevant ones, standardised; of unseen people those that it reads off their
    images as well as it must (R^2 of `USABLE`). ``swap_brightness`` is that share in mean
    brightness, which needs no regressor.
    """
    judge, extra = _judge(request), {}
    held_out = labelled_split(request.data, "test")
    values = _of_set(request, "seen", held_out, {"seen": "model"}, judge)
    del values["reconstruction_mse:seen"]  # the held-out error is a score of the family codes
    if request.has("unlabelled"):
        unlabelled = load_split(request.path("unlabelled"), HELD_OUT)
        other, r2 = _judge_of_unseen(request, judge, unlabelled)
        values |= _of_set(request, "unseen", unlabelled, STAGES, other)
        extra = {"swap_factors_unseen": other.note, "factor_r2_unseen": r2}
    else:
        names = [f"{metric}:{stage}" for stage in STAGES for metric in METRICS]
        names.append("verification_auc:unseen")
        values |= {name: Measured(None, len(held_out), note=NO_UNLABELLED) for name in names}
    return Scores(
        values,
        weights_hash(request.path("model")),
        training_precision(request.path("model")),
        judge.evaluator.card["weights_sha256"],
        _files(request),
        {"swap_factors": judge.note} | extra,
        {metric: _basis(request, *metric.split(":")) for metric in values},
    )


def _basis(request: ScoreRequest, metric: str, where: str) -> Basis:
    """Return what a metric depends on beside the model, the evaluator and the labelled set."""
    unseen = where != "seen" and request.has("unlabelled")
    key = STAGES.get(where, "model")
    return Basis(
        images=weights_hash(request.path(key)) if request.has(key) else "",
        judges=request.regressor if metric == "swap_factors" else (),
        data=(data_hash(load_card(request.path("unlabelled"))),) if unseen else (),
    )


def _judge(request: ScoreRequest) -> Judge:
    evaluator = load_judge(request.path("evaluator"), request.card)
    if not request.has("factors"):
        return Judge(evaluator, None, NO_REGRESSOR)
    regressor = load_factors(request.path("factors"))
    return _reading(evaluator, regressor, irrelevant(regressor), NO_FACTORS)


def _judge_of_unseen(
    request: ScoreRequest, judge: Judge, split: Split
) -> tuple[Judge, dict[str, float | None]]:
    """Return a judge of images of people whom no regressor knows, and how well it reads them."""
    if not request.has("factors"):
        return judge, {}
    regressor = load_factors(request.path("factors"))
    r2 = r2_on(regressor, split)
    return _reading(judge.evaluator, regressor, irrelevant(regressor, r2), NO_UNSEEN_FACTORS), r2


def _reading(
    evaluator: Evaluator, regressor: FactorRegressor, used: list[str], why_not: str
) -> Judge:
    """Return a judge that reads these factors; ``why_not`` says why there are none."""
    if not used:
        return Judge(evaluator, None, why_not)
    factors = partial(in_spreads, regressor, names=used)
    return Judge(evaluator, factors, f"factors {', '.join(used)}")


def _of_set(
    request: ScoreRequest, name: str, split: Split, stages: Mapping[str, str], judge: Judge
) -> dict[str, Measured]:
    """Score the images of one set, and swaps between them by the model of every stage."""
    cells = choose_cells(split, request.numpy_draws(name))
    embedding = judge.embed(cells.images)
    values = {}
    for stage, key in stages.items():
        found = _of_model(request, key, split, cells, embedding, judge)
        values |= {f"{metric}:{stage}": value for metric, value in found.items()}
    verified = _verified(request, name, embedding, cells.identity)
    return values | {f"verification_auc:{name}": verified}


def _of_model(
    request: ScoreRequest,
    key: str,
    split: Split,
    cells: Cells,
    embedding: np.ndarray,
    judge: Judge,
) -> dict[str, Measured]:
    """Score the swaps of the model that the input ``key`` holds."""
    n = len(cells.images)
    if not request.has(key) or not len(cells.rows):
        note = NO_CELLS if request.has(key) else NO_SEMI
        return {metric: Measured(None, n, note=note) for metric in METRICS}
    model = _ready(request, key, split)
    for ability in ("encode", "decode"):
        require(model, ability, request.name)
    swapped, own = swap(model, cells)
    errors = squared_errors(cells.images, own)
    of_z_s, of_z_u = embedding[cells.rows], embedding[cells.columns]
    return {
        "swap_identity": _share(nearer(judge.embed(swapped), of_z_s, of_z_u)),
        "swap_factors": _like_z_u(cells, swapped, judge.factors, judge.note),
        "swap_brightness": _like_z_u(cells, swapped, brightness),
        "reconstruction_mse": Measured.sure(errors.mean(), n, over_images(errors)),
    }


def _ready(request: ScoreRequest, key: str, split: Split) -> GenerativeModel:
    """Return a model with its batch norms ready for the people of a split.

    One rule for the model before and after the semi-supervised stage: the norms of encoders and
    decoder are estimated on the images of that stage, with the same draws.
    """
    folder, name = request.path(key), request.config["model"]
    if split.labelled:
        return ready_model(request, folder, name, source=split)
    trained_on = load_split(request.path("unlabelled"), "train")
    return ready_model(request, folder, name, source=trained_on, encoders=True)


def _like_z_u(
    cells: Cells, swapped: np.ndarray, describe: Describe | None, why_not: str = ""
) -> Measured:
    if describe is None:
        return Measured(None, len(swapped), note=why_not)
    real = describe(cells.images)
    of_z_s, of_z_u = real[cells.rows], real[cells.columns]
    return _share(nearer(describe(swapped), of_z_u, of_z_s))


def _share(found: np.ndarray) -> Measured:
    # An image is in some two cells, which the interval takes as independent.
    interval = proportion(int(found.sum()), len(found))
    return Measured.sure(found.mean(), len(found), interval)


def _verified(
    request: ScoreRequest, name: str, embedding: np.ndarray, identity: np.ndarray | None
) -> Measured:
    n = len(embedding)
    if identity is None:
        return Measured(None, n, note=NO_IDENTITIES)
    groups, draws = request.protocol.intervals.groups, request.numpy_draws(name, "groups")
    value, interval = verification_auc(embedding, identity, groups, draws)
    return Measured(None, n, note=NO_PAIRS) if value is None else Measured.sure(value, n, interval)


def _files(request: ScoreRequest) -> dict[str, Path]:
    cards = ("evaluator", "factors", "unlabelled")
    files = {key: request.path(key) / "card.json" for key in cards if request.has(key)}
    for key in ("model", "semi"):
        files |= model_files(key, request.path(key)) if request.has(key) else {}
    return files

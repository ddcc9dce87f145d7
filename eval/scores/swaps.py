"""Figure 6 as a measure: does a swapped image show the one person, and all else of the other?

A cell should show the person of its z_s image with all else (pose, light, expression) of its z_u
image; Section 4.4. ``seen`` are held-out images of people who were trained with a label. ``unseen``
are images of the unlabelled people, before and after the semi-supervised stage (Section 3.6), which
is trained on other images of them, never told who is in these; what is scored is held out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from dlvae.base import GenerativeModel
from dlvae.data.dataset import HELD_OUT, Split, load_card, load_split
from dlvae.data.people import identities
from dlvae.stage.registry import weights_hash
from eval.judge.evaluator import JudgeEnsemble, load_judge
from eval.judge.factor_regressor import FactorRegressor, load_factors, r2_on
from eval.metrics.likeness import brightness, nearer, squared_errors, unit, verification_auc
from eval.metrics.measured import Measured
from eval.models.decoding import (
    decode_grid,
    encode_images,
    evenly_spaced,
    model_files,
    ready_model,
)
from eval.score_request import Basis, ScoreRequest, Scores, data_hash
from eval.scored_images import evenly_per_class, labelled_split

CELLS = 500
IMAGES, IDENTITIES = 500, 100  # of a set; at least 5 images of each person, where there are so many

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

    evaluator: JudgeEnsemble
    factors: Describe | None
    note: str

    @classmethod
    def reading(
        cls, evaluator: JudgeEnsemble, regressor: FactorRegressor, used: list[str], why_not: str
    ) -> Judge:
        """Return a judge that reads these factors; ``why_not`` says why there are none."""
        if not used:
            return cls(evaluator, None, why_not)
        factors = partial(regressor.in_spreads, names=used)
        return cls(evaluator, factors, f"factors {', '.join(used)}")

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return embeddings of uint8 (N, H, W, 3), of length 1."""
        return unit(self.evaluator.predict(images)[0])


@dataclass(frozen=True)
class Cells:
    """Images of one set, and which of them are swapped.

    Attributes:
        images: uint8 (N, H, W, 3).
        identity: int64 (N,), equal for images of one person; None where it is not known.
        rows, columns: int64 (M,), indices of the images that give z_s and z_u of each cell.
    """

    images: np.ndarray
    identity: np.ndarray | None
    rows: np.ndarray
    columns: np.ndarray


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
    evaluator = load_judge(request.path("evaluator"), request.card)
    regressor = load_factors(request.path("factors")) if request.has("factors") else None
    judge, extra = Judge(evaluator, None, NO_REGRESSOR), {}
    if regressor is not None:
        judge = Judge.reading(evaluator, regressor, regressor.irrelevant(), NO_FACTORS)
    held_out = labelled_split(request.data, "test")
    values = _of_set(request, "seen", held_out, {"seen": "model"}, judge)
    del values["reconstruction_mse:seen"]  # the held-out error is a score of the family codes
    if request.has("unlabelled"):
        unlabelled, other, r2 = load_split(request.path("unlabelled"), HELD_OUT), judge, {}
        if regressor is not None:  # it knows none of these people: how well does it read them?
            r2 = r2_on(regressor, unlabelled)
            used = regressor.irrelevant(r2)
            other = Judge.reading(evaluator, regressor, used, NO_UNSEEN_FACTORS)
        values |= _of_set(request, "unseen", unlabelled, STAGES, other)
        extra = {"swap_factors_unseen": other.note, "factor_r2_unseen": r2}
    else:
        names = [f"{metric}:{stage}" for stage in STAGES for metric in METRICS]
        names.append("verification_auc:unseen")
        values |= {name: Measured(None, len(held_out), note=NO_UNLABELLED) for name in names}
    files = request.cards("evaluator", "factors", "unlabelled")
    for key in ("model", "semi"):
        files |= model_files(key, request.path(key)) if request.has(key) else {}
    return Scores.of_model(
        request.path("model"),
        values,
        evaluator=evaluator.sha256,
        files=files,
        extra={"swap_factors": judge.note} | extra,
        basis={metric: _basis(request, *metric.split(":")) for metric in values},
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


def choose_cells(split: Split, draws: np.random.Generator, most: int = CELLS) -> Cells:
    """Choose up to `IMAGES` images of up to `IDENTITIES` people, and ``most`` random cells of them.

    Cells are distinct pairs of different people, or of any two different images where identities
    are not known. A set of one person has none.
    """
    identity = identities(split)
    if identity is None:
        chosen = evenly_spaced(len(split), IMAGES)
        same = np.eye(len(chosen), dtype=bool)
    else:
        # Several images of one person, or there would be no pair to verify.
        people = np.unique(identity)
        people = people[evenly_spaced(len(people), IDENTITIES)]
        members = np.flatnonzero(np.isin(identity, people))
        chosen = members[evenly_per_class(identity[members], IMAGES // len(people))]
        identity = identity[chosen]
        same = identity[:, None] == identity
    pairs = np.flatnonzero(~same)
    cells = draws.choice(pairs, min(most, len(pairs)), replace=False)
    rows, columns = np.divmod(cells, len(chosen))
    return Cells(split.images[chosen], identity, rows, columns)


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
    swapped, own = swap(_ready(request, key, split), cells)
    of_z_s, of_z_u = embedding[cells.rows], embedding[cells.columns]
    return {
        "swap_identity": _share(nearer(judge.embed(swapped), of_z_s, of_z_u)),
        "swap_factors": _like_z_u(cells, swapped, judge.factors, judge.note),
        "swap_brightness": _like_z_u(cells, swapped, brightness),
        "reconstruction_mse": Measured.mean_over_images(squared_errors(cells.images, own)),
    }


def _ready(request: ScoreRequest, key: str, split: Split) -> GenerativeModel:
    """Return a model with its batch norms ready for the people of a split.

    One rule for the model before and after the semi-supervised stage: the norms of encoders and
    decoder are estimated on the images of that stage, with the same draws.
    """
    unseen = not split.labelled
    return ready_model(
        request,
        request.path(key),
        request.config["model"],
        source=load_split(request.path("unlabelled"), "train") if unseen else split,
        encoders=unseen,
        needs=("encode", "decode"),
    )


def swap(model: GenerativeModel, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Decode every cell and every image's own codes, z_u at the posterior mean.

    Returns:
        swapped uint8 (M, H, W, 3) and reconstructed uint8 (N, H, W, 3).
    """
    codes = encode_images(model, cells.images)
    z_s, z_u = codes["z_s"], codes["z_u"]
    return decode_grid(model, z_s[cells.rows], z_u[cells.columns]), decode_grid(model, z_s, z_u)


def _like_z_u(
    cells: Cells, swapped: np.ndarray, describe: Describe | None, why_not: str = ""
) -> Measured:
    if describe is None:
        return Measured(None, len(swapped), note=why_not)
    real = describe(cells.images)
    return _share(nearer(describe(swapped), real[cells.columns], real[cells.rows]))


def _share(found: np.ndarray) -> Measured:
    # An image is in some two cells, which the interval takes as independent.
    return Measured.share(found.mean(), len(found))


def _verified(
    request: ScoreRequest, name: str, embedding: np.ndarray, identity: np.ndarray | None
) -> Measured:
    n = len(embedding)
    if identity is None:
        return Measured(None, n, note=NO_IDENTITIES)
    groups, draws = request.protocol.intervals.groups, request.numpy_draws(name, "groups")
    value, interval = verification_auc(embedding, identity, groups, draws)
    return Measured(None, n, note=NO_PAIRS) if value is None else Measured.sure(value, n, interval)

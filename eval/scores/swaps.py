"""Figure 6 as a measure: does a swapped image show the one person, and all else of the other?

A cell should show the person of its z_s image with all else (pose, light, expression) of its z_u
image; Section 4.4. ``seen`` are held-out images of people who were trained with a label. ``unseen``
are images of the unlabelled people, before and after the semi-supervised stage (Section 3.6), which
is trained on other images of them, never told who is in these; what is scored is held out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from dlvae.base import GenerativeModel
from dlvae.coding import decode_grid, encode_images
from dlvae.data.dataset import HELD_OUT, Split, load_card, load_split
from dlvae.data.people import identities
from dlvae.stage.registry import weights_hash
from eval.judge.evaluator import JudgeEnsemble, load_judge
from eval.judge.factor_regressor import FactorRegressor, load_factors, r2_on
from eval.metrics.likeness import brightness, nearer, squared_errors, unit, verification_auc
from eval.metrics.measured import Measured
from eval.models.decoding import evenly_spaced, ready_model
from eval.models.paths import Read
from eval.request import FamilyScores, ScoreRequest, model_files
from eval.rows import data_hash, hashes_text
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
NO_CELLS = "needs images of two people"


class Judge(NamedTuple):
    """What says which image a cell is like."""

    evaluator: JudgeEnsemble  # its embedding tells people apart
    factors: Read | None = None  # reads what should come from the z_u image, where it can be read
    note: str = NO_REGRESSOR  # which factors, or why there are none

    def reading(self, regressor: FactorRegressor, used: Sequence[str], why_not: str) -> Judge:
        """Return the judge that reads these factors; ``why_not`` says why there are none."""
        if not used:
            return Judge(self.evaluator, note=why_not)
        factors = partial(regressor.in_spreads, names=used)
        return Judge(self.evaluator, factors, f"factors {', '.join(used)}")

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return embeddings of uint8 (N, H, W, 3), of length 1."""
        return unit(self.evaluator.predict(images)[0])


class Cells(NamedTuple):
    """Images of one set, and which of them are swapped."""

    images: np.ndarray  # uint8 (N, H, W, 3)
    identity: np.ndarray | None  # int64 (N,), equal for one person; None where it is not known
    rows: np.ndarray  # int64 (M,), indices of the images that give z_s of each cell
    columns: np.ndarray  # likewise z_u


def swaps(request: ScoreRequest) -> FamilyScores:
    """Score a model with ``encode`` and ``decode(z_s, z_u)``, input ``model``.

    Other inputs: ``evaluator``; and, where there are such, ``factors``, ``unlabelled``, ``semi``.

    ``swap_identity`` is the share of cells whose embedding is nearer, by the cosine, to that of the
    image that z_s came from. ``swap_factors`` is the share nearer to the image that z_u came from
    in the factors that the regressor reads off all three images, so that its bias cancels: the
    usable label-irrelevant ones, standardised; of unseen people those that it reads off their
    images as well as it must (R^2 of `USABLE`). ``swap_brightness`` is that share in mean
    brightness, which needs no regressor.
    """
    judge = Judge(load_judge(request.path("evaluator"), request.card))
    regressor = load_factors(request.path("factors")) if request.has("factors") else None
    if regressor is not None:
        judge = judge.reading(regressor, regressor.irrelevant(), NO_FACTORS)
    held_out = labelled_split(request.data, "test")
    values = _of_set(request, "seen", held_out, {"seen": "model"}, judge)
    del values["reconstruction_mse:seen"]  # the held-out error is a score of the family codes
    extra, files = {"swap_factors": judge.note}, {}
    if request.has("unlabelled"):
        folder, r2 = request.path("unlabelled"), {}
        unlabelled, files = load_split(folder, HELD_OUT), {"unlabelled": folder / "card.json"}
        if regressor is not None:  # it knows none of these people: how well does it read them?
            r2 = r2_on(regressor, unlabelled)
            judge = judge.reading(regressor, regressor.irrelevant(r2), NO_UNSEEN_FACTORS)
        values |= _of_set(request, "unseen", unlabelled, STAGES, judge)
        extra |= {"swap_factors_unseen": judge.note, "factor_r2_unseen": r2}
    else:
        names = [f"{metric}:{stage}" for stage in STAGES for metric in METRICS]
        none = Measured(None, len(held_out), note=NO_UNLABELLED)
        values |= dict.fromkeys([*names, "verification_auc:unseen"], none)
    if request.has("semi"):
        files |= model_files("semi", request.path("semi"))
    return FamilyScores.of_model(
        request,
        values,
        evaluator=judge.evaluator.sha256,
        files=files,
        extra=extra,
        columns={metric: _columns(request, judge, *metric.split(":")) for metric in values},
    )


def _columns(request: ScoreRequest, judge: Judge, metric: str, where: str) -> dict[str, str]:
    """Return what a metric depends on beside the model, the evaluator and the labelled set."""
    found, key = {}, STAGES.get(where, "model")
    if request.has(key):
        found["samples"] = hashes_text(weights_hash(request.path(key)))
    if metric == "swap_factors":
        found |= request.regressed(judge.evaluator.sha256)
    if where != "seen" and request.has("unlabelled"):
        cards = (request.card, load_card(request.path("unlabelled")))
        found["data"] = hashes_text(*map(data_hash, cards))
    return found


def _of_set(
    request: ScoreRequest, name: str, split: Split, stages: Mapping[str, str], judge: Judge
) -> dict[str, Measured]:
    """Score the images of one set, and swaps between them by the model of every stage."""
    cells = choose_cells(split, request.numpy_draws(name))
    embedding, n = judge.embed(cells.images), len(cells.images)
    values, source, unseen = {}, split, not split.labelled
    # One rule for the model before and after the semi-supervised stage: the norms of encoders and
    # decoder are estimated on the images of that stage, with the same draws.
    if unseen:
        source = load_split(request.path("unlabelled"), "train")
    for stage, key in stages.items():
        if request.has(key) and len(cells.rows):
            known, needs = request.config["model"], ("encode", "decode")
            model = ready_model(request, request.path(key), known, source, unseen, needs)
            found = _of_model(model, cells, embedding, judge)
        else:
            note = NO_CELLS if request.has(key) else NO_SEMI
            found = dict.fromkeys(METRICS, Measured(None, n, note=note))
        values |= {f"{metric}:{stage}": value for metric, value in found.items()}
    verified = Measured(None, n, note=NO_IDENTITIES)
    if cells.identity is not None:
        groups, draws = request.protocol.intervals.groups, request.numpy_draws(name, "groups")
        verified = verification_auc(embedding, cells.identity, groups, draws)
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
    model: GenerativeModel, cells: Cells, embedding: np.ndarray, judge: Judge
) -> dict[str, Measured]:
    """Score the swaps of a model between images with these embeddings, (N, D)."""
    swapped, own = swap(model, cells)
    of_z_s, of_z_u = embedding[cells.rows], embedding[cells.columns]
    by_factors = Measured(None, len(swapped), note=judge.note)
    if judge.factors is not None:
        by_factors = _like_z_u(cells, swapped, judge.factors)
    return {
        "swap_identity": _share(nearer(judge.embed(swapped), of_z_s, of_z_u)),
        "swap_factors": by_factors,
        "swap_brightness": _like_z_u(cells, swapped, brightness),
        "reconstruction_mse": Measured.mean_over_images(squared_errors(cells.images, own)),
    }


def swap(model: GenerativeModel, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Decode every cell and every image's own codes, z_u at the posterior mean.

    Returns:
        swapped uint8 (M, H, W, 3) and reconstructed uint8 (N, H, W, 3).
    """
    codes = encode_images(model, cells.images)
    z_s, z_u = codes["z_s"], codes["z_u"]
    return decode_grid(model, z_s[cells.rows], z_u[cells.columns]), decode_grid(model, z_s, z_u)


def _like_z_u(cells: Cells, swapped: np.ndarray, read: Read) -> Measured:
    real = read(cells.images)
    return _share(nearer(read(swapped), real[cells.columns], real[cells.rows]))


def _share(found: np.ndarray) -> Measured:
    # An image is in some two cells, which the interval takes as independent.
    return Measured.share(found.mean(), len(found))

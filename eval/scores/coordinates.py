"""Figure 5 as a measure: what single coordinates of z_u do to factors of the generated images.

Factors are read off decoded images by the factor regressor, so that this is about the decoder,
while DCI, MIG and SAP of the family `codes` are about the encoder. `coordinates` follows the best
coordinate of a factor, chosen on some codes and measured on others: among many the best one looks
better than it is on the codes it was chosen by. `effects` traverses all coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from dlvae.base import GenerativeModel
from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from eval.judge.evaluator import JudgeEnsemble, load_judge
from eval.judge.factor_regressor import USABLE, FactorRegressor, load_factors
from eval.metrics.disentanglement.factor_scores import completeness, disentanglement
from eval.metrics.measured import Measured
from eval.models.decoding import decode_grid, evenly_spaced, model_files, ready_model
from eval.models.paths import COLUMNS
from eval.models.traversals import (
    FACTORS,
    TRAVERSALS,
    VALUES,
    correlations,
    effect_gap,
    effect_matrix,
    settings,
    traversal,
    within_rows,
)
from eval.score_request import Basis, ScoreRequest, Scores
from eval.scored_images import evenly_per_class, labelled_split

METRICS = ("coordinate_spearman", "coordinate_index", "coordinate_top1")
PLAIN = "coordinate_top1_plain"
IMAGES = TRAVERSALS * COLUMNS  # of every coordinate that is measured

SUMMARIES = ("effect_disentanglement", "effect_completeness", "effect_gap")
PER_FACTOR = ("effect", "effect_coordinate")
DECODED = 10_240  # images, for the effects of all coordinates together
CODES, FEWEST_CODES = 16, 4  # that every coordinate is traversed from
HELD_OUT = 2_000  # images behind a factor's spread

WITHOUT = "needs ground-truth factors"
NO_FACTOR = f"needs a factor regressor of R2 >= {USABLE}"
ONE_FACTOR = "needs two factors that the regressor reads well"


def coordinates(request: ScoreRequest) -> Scores:
    """Score a model with ``decode``, input ``model``, by an ``evaluator`` and ``factors``.

    For every label-irrelevant factor that the regressor can read: ``coordinate_index``, the
    coordinate of the largest absolute Spearman correlation with it, over all traversals together
    (coordinates may serve several factors); ``coordinate_spearman``, the correlation within each
    traversal of as many fresh codes, its mean over them, positive where it keeps the sign;
    ``coordinate_top1``, the share of images along these that the evaluator takes for the class
    asked for, beside ``coordinate_top1_plain`` of plain samples.
    """
    folder = request.path("model")
    files = model_files("model", folder)
    if not request.has("factors"):
        values = _missing(METRICS, FACTORS, IMAGES, WITHOUT)
        values |= {PLAIN: Measured(None, IMAGES, note=WITHOUT)}
        return Scores.of_model(folder, values, files=files)
    judge = load_judge(request.path("evaluator"), request.card)
    regressor = load_factors(request.path("factors"))
    model = ready_model(request, folder, request.config["model"], needs=("decode",))
    values = _unreadable(METRICS, regressor, IMAGES)
    values |= _best_coordinates(request, model, judge, regressor)
    # The regressor chooses the coordinate, so that all of it is of its making.
    basis = dict.fromkeys(values, Basis(judges=request.regressor))
    values[PLAIN] = _plain(request, model, judge)
    files |= request.cards("evaluator", "factors")
    return Scores.of_model(folder, values, evaluator=judge.sha256, files=files, basis=basis)


def _missing(
    metrics: Iterable[str], factors: Iterable[str], n: int, note: str
) -> dict[str, Measured]:
    return {f"{m}:{name}": Measured(None, n, note=note) for name in factors for m in metrics}


def _unreadable(metrics: Sequence[str], regressor: FactorRegressor, n: int) -> dict[str, Measured]:
    """Return no values for the label-irrelevant factors that the regressor does not read well."""
    values: dict[str, Measured] = {}
    for name in (name for name in regressor.names if name in IRRELEVANT_FACTORS):
        note = f"needs a regressor of R2 >= {USABLE}, has {regressor.r2.get(name) or 0.0:.2f}"
        values |= _missing(metrics, [name], n, note)
    return values


def _best_coordinates(
    request: ScoreRequest, model: GenerativeModel, judge: JudgeEnsemble, regressor: FactorRegressor
) -> dict[str, Measured]:
    """Choose a coordinate per usable factor and measure it on other codes."""
    usable = regressor.irrelevant()
    values: dict[str, Measured] = {}
    if not usable:
        return values
    columns = [regressor.names.index(name) for name in usable]
    candidates, table = correlations(
        model, regressor.predict, columns, settings(), request.draws("choice")
    )
    best = np.abs(table).argmax(axis=0)
    labels = _labels(model.task.classes, TRAVERSALS)
    z_s, z_u = model.sample_codes(torch.from_numpy(labels), request.draws("measured"))
    for row in np.unique(best):
        coordinate = int(candidates[row])
        path = traversal(model, z_u, coordinate, settings())
        images = decode_grid(model, z_s[:, None], path)
        factors = regressor.predict(images.reshape(-1, *images.shape[2:]))
        along = within_rows(settings(), factors[:, columns])
        kept = (judge.recognise(images)[1] == labels[:, None]).mean(axis=1)
        for place in np.flatnonzero(best == row):
            sign = np.sign(table[row, place])
            found = (
                Measured.mean_of(sign * along[:, place], IMAGES),
                Measured(float(coordinate), IMAGES),
                Measured.mean_of(kept, IMAGES),
            )
            names = (f"{metric}:{usable[place]}" for metric in METRICS)
            values |= dict(zip(names, found, strict=True))
    return values


def _plain(request: ScoreRequest, model: GenerativeModel, judge: JudgeEnsemble) -> Measured:
    labels = np.repeat(_labels(model.task.classes, TRAVERSALS), COLUMNS)
    codes = model.sample_codes(torch.from_numpy(labels), request.draws("plain"))
    kept = judge.recognise(decode_grid(model, *codes))[1] == labels
    return Measured.share(kept.mean(), IMAGES)


def _labels(classes: int, count: int) -> np.ndarray:
    """Return a label per code, classes in turn, evenly spaced where there are more."""
    return np.resize(evenly_spaced(classes, count), count)


def effects(request: ScoreRequest) -> Scores:
    """Score a model with ``decode``, input ``model``, by ``factors`` where there are such.

    For every label-irrelevant factor that the regressor can read: ``effect``, the largest effect
    that a coordinate has on it, in shares of the factor's variance over held-out images, and
    ``effect_coordinate``, which one that is. Of the matrix of all effects:
    ``effect_disentanglement`` and ``effect_completeness`` by the formulas of Eastwood and Williams
    (2018), and ``effect_gap``, mean over factors of :func:`eval.models.traversals.effect_gap`. The
    matrix itself goes to the manifest.

    None has an interval: a largest value of few codes has none that could be trusted. The summaries
    say how effects are shared out and not how large they are; read them with ``effect``.
    """
    folder = request.path("model")
    files = model_files("model", folder)
    if not request.has("factors"):
        values = dict.fromkeys(SUMMARIES, Measured(None, 1, note=WITHOUT))
        return Scores.of_model(folder, values, files=files)
    regressor = load_factors(request.path("factors"))
    model = ready_model(request, folder, request.config["model"], needs=("decode",))
    values, extra = _all_effects(request, model, regressor)
    basis = dict.fromkeys(values, Basis(judges=request.regressor))
    files |= request.cards("factors") | {"data/test.npz": request.data / "test.npz"}
    return Scores.of_model(folder, values, files=files, extra=extra, basis=basis)


def _all_effects(
    request: ScoreRequest, model: GenerativeModel, regressor: FactorRegressor
) -> tuple[dict[str, Measured], Mapping[str, Any]]:
    usable, d_u = regressor.irrelevant(), model.task.d_u
    count = _codes(d_u)
    labels, n = _labels(model.task.classes, count), count * VALUES * d_u
    values = _unreadable(PER_FACTOR, regressor, n)
    values = {name: v for name, v in values.items() if name.partition(":")[2] not in usable}
    if not usable:
        return values | dict.fromkeys(SUMMARIES, Measured(None, n, note=NO_FACTOR)), {}
    columns = [regressor.names.index(name) for name in usable]
    spread = _spread(request, regressor)[columns]
    codes = model.sample_codes(torch.from_numpy(labels), request.draws("codes"))
    matrix = effect_matrix(model, regressor.predict, columns, spread, codes)
    by_factor = dict(zip(usable, matrix.T, strict=True))
    for name, column in by_factor.items():
        values[f"effect:{name}"] = Measured(float(column.max()), n)
        values[f"effect_coordinate:{name}"] = Measured(float(column.argmax()), n)
    one = Measured(None, n, note=ONE_FACTOR)
    found = (
        Measured(disentanglement(matrix), n) if len(usable) > 1 else one,
        Measured(completeness(matrix), n),
        Measured(float(effect_gap(matrix).mean()), n),
    )
    stored = {name: column.tolist() for name, column in by_factor.items()}
    extra = {"effects": stored, "codes": count, "values": VALUES}
    return values | dict(zip(SUMMARIES, found, strict=True)), extra


def _codes(d_u: int) -> int:
    """Return from how many codes every coordinate is traversed: fewer where there are many."""
    return int(np.clip(DECODED // (VALUES * d_u), FEWEST_CODES, CODES))


def _spread(request: ScoreRequest, regressor: FactorRegressor) -> np.ndarray:
    """Return the standard deviation of every predicted factor over held-out images, (F,).

    Of the prediction, as that of decoded images is: a regressor predicts less than all variance.
    """
    test = labelled_split(request.data, "test")
    test = test.take(evenly_per_class(test.labels, max(1, HELD_OUT // len(test.classes))))
    return regressor.predict(test.images).astype(np.float64).std(axis=0)

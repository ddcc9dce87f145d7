"""Figure 5 as a measure: how far one coordinate of z_u controls a factor of the generated images.

The coordinate of a factor is chosen on some codes and measured on others: among many coordinates
the best one looks better than it is on the codes it was chosen by.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from dlvae.base import GenerativeModel
from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from dlvae.stage.registry import weights_hash
from eval.judge.factor_space import irrelevant
from eval.judge.factors import USABLE, FactorRegressor, load_factors
from eval.judge.load import Evaluator, load_judge, recognise
from eval.judge.training_stage import CARD
from eval.metrics.coordinates import (
    FACTORS,
    TRAVERSALS,
    correlations,
    settings,
    traversal,
    within_rows,
)
from eval.metrics.intervals import proportion
from eval.models.decoding import (
    decode_grid,
    evenly_spaced,
    model_files,
    ready_model,
    require,
    training_precision,
)
from eval.path_sizes import COLUMNS
from eval.scores.common import Basis, Measured, ScoreRequest, Scores

METRICS = ("coordinate_spearman", "coordinate_index", "coordinate_top1")
PLAIN = "coordinate_top1_plain"
WITHOUT = "needs ground-truth factors"
IMAGES = TRAVERSALS * COLUMNS  # of every coordinate that is measured


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
        values = _missing(FACTORS, WITHOUT) | {PLAIN: Measured(None, IMAGES, note=WITHOUT)}
        return Scores(values, weights_hash(folder), training_precision(folder), files=files)
    judge = load_judge(request.path("evaluator"), request.card)
    regressor = load_factors(request.path("factors"))
    model = ready_model(request, folder, request.config["model"])
    require(model, "decode", request.name)
    files |= {name: request.path(name) / CARD for name in ("evaluator", "factors")}
    measured, values = _measure(request, model, judge, regressor), {}
    for name in (name for name in regressor.names if name in IRRELEVANT_FACTORS):
        r2 = regressor.r2.get(name) or 0.0
        note = f"needs a regressor of R2 >= {USABLE}, has {r2:.2f}"
        values |= measured.get(name) or _missing([name], note)
    # The regressor chooses the coordinate, so that all of it is of its making.
    basis = dict.fromkeys(values, Basis(judges=request.regressor))
    values[PLAIN] = _plain(request, model, judge)
    evaluator = judge.card["weights_sha256"]
    return Scores(
        values, weights_hash(folder), training_precision(folder), evaluator, files, basis=basis
    )


def _missing(names: Sequence[str], note: str) -> dict[str, Measured]:
    return {f"{m}:{name}": Measured(None, IMAGES, note=note) for name in names for m in METRICS}


def _measure(
    request: ScoreRequest, model: GenerativeModel, judge: Evaluator, regressor: FactorRegressor
) -> dict[str, dict[str, Measured]]:
    """Choose a coordinate per usable factor and measure it on other codes; metrics by factor."""
    usable, values = irrelevant(regressor), {}
    if not usable:
        return values
    columns = [regressor.names.index(name) for name in usable]
    candidates, table = correlations(
        model, regressor.predict, columns, settings(), request.draws("choice")
    )
    best = np.abs(table).argmax(axis=0)
    labels = _labels(model)
    z_s, z_u = model.sample_codes(torch.from_numpy(labels), request.draws("measured"))
    for row in np.unique(best):
        coordinate = int(candidates[row])
        path = traversal(model, z_u, coordinate, settings())
        images = decode_grid(model, z_s[:, None], path)
        factors = regressor.predict(images.reshape(-1, *images.shape[2:]))
        along = within_rows(settings(), factors[:, columns])
        kept = (recognise(judge, images)[1] == labels[:, None]).mean(axis=1)
        for place in np.flatnonzero(best == row):
            name, sign = usable[place], np.sign(table[row, place])
            found = (
                Measured.mean_of(sign * along[:, place], IMAGES),
                Measured(float(coordinate), IMAGES),
                Measured.mean_of(kept, IMAGES),
            )
            values[name] = {f"{m}:{name}": v for m, v in zip(METRICS, found, strict=True)}
    return values


def _plain(request: ScoreRequest, model: GenerativeModel, judge: Evaluator) -> Measured:
    labels = np.repeat(_labels(model), COLUMNS)
    codes = model.sample_codes(torch.from_numpy(labels), request.draws("plain"))
    kept = recognise(judge, decode_grid(model, *codes))[1] == labels
    return Measured.sure(kept.mean(), IMAGES, proportion(int(kept.sum()), IMAGES))


def _labels(model: GenerativeModel) -> np.ndarray:
    """Return a label per traversal, classes in turn, evenly spaced where there are more."""
    return np.resize(evenly_spaced(model.task.classes, TRAVERSALS), TRAVERSALS)

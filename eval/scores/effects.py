"""What every coordinate of z_u does to every label-irrelevant factor, and how well it keeps to one.

Factors are read off decoded images by the factor regressor, so that this is about the decoder,
while DCI, MIG and SAP of the family `codes` are about the encoder. Beside `coordinates`, which
follows the one best coordinate of a factor, all are traversed.
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
from eval.judge.training_stage import CARD
from eval.metrics.disentanglement.factor_scores import completeness, disentanglement
from eval.metrics.effects import VALUES, effect_gap, effect_matrix
from eval.models.decoding import (
    evenly_spaced,
    model_files,
    ready_model,
    require,
    training_precision,
)
from eval.scored_images import evenly_per_class, labelled_split
from eval.scores.common import Basis, Measured, ScoreRequest, Scores

SUMMARIES = ("effect_disentanglement", "effect_completeness", "effect_gap")
PER_FACTOR = ("effect", "effect_coordinate")
IMAGES = 10_240  # decoded for all coordinates together
CODES, FEWEST_CODES = 16, 4  # that every coordinate is traversed from
HELD_OUT = 2_000  # images behind a factor's spread

WITHOUT = "needs ground-truth factors"
NO_FACTOR = f"needs a factor regressor of R2 >= {USABLE}"
ONE_FACTOR = "needs two factors that the regressor reads well"


def effects(request: ScoreRequest) -> Scores:
    """Score a model with ``decode``, input ``model``, by ``factors`` where there are such.

    For every label-irrelevant factor that the regressor can read: ``effect``, the largest effect
    that a coordinate has on it, in shares of the factor's variance over held-out images, and
    ``effect_coordinate``, which one that is. Of the matrix of all effects:
    ``effect_disentanglement`` and ``effect_completeness`` by the formulas of Eastwood and Williams
    (2018), and ``effect_gap``, mean over factors of :func:`eval.metrics.effects.effect_gap`. The
    matrix itself goes to the manifest.

    None has an interval: a largest value of few codes has none that could be trusted. The summaries
    say how effects are shared out and not how large they are; read them with ``effect``.
    """
    folder = request.path("model")
    files = model_files("model", folder)
    if not request.has("factors"):
        values = dict.fromkeys(SUMMARIES, Measured(None, 1, note=WITHOUT))
        return Scores(values, weights_hash(folder), training_precision(folder), files=files)
    regressor = load_factors(request.path("factors"))
    model = ready_model(request, folder, request.config["model"])
    require(model, "decode", request.name)
    files |= {"factors": request.path("factors") / CARD}
    files |= {"data/test.npz": request.data / "test.npz"}
    values, extra = _measure(request, model, regressor)
    basis = dict.fromkeys(values, Basis(judges=request.regressor))
    return Scores(
        values,
        weights_hash(folder),
        training_precision(folder),
        files=files,
        extra=extra,
        basis=basis,
    )


def _measure(
    request: ScoreRequest, model: GenerativeModel, regressor: FactorRegressor
) -> tuple[dict[str, Measured], dict]:
    usable = irrelevant(regressor)
    read = [name for name in regressor.names if name in IRRELEVANT_FACTORS]
    labels = _labels(model.task.classes, model.task.d_u)
    n = len(labels) * VALUES * model.task.d_u
    values = _unusable(regressor, [name for name in read if name not in usable], n)
    if not usable:
        return values | dict.fromkeys(SUMMARIES, Measured(None, n, note=NO_FACTOR)), {}
    columns = [regressor.names.index(name) for name in usable]
    spread = _spread(request, regressor)[columns]
    codes = model.sample_codes(torch.from_numpy(labels), request.draws("codes"))
    matrix = effect_matrix(model, regressor.predict, columns, spread, codes)
    for name, column in zip(usable, matrix.T, strict=True):
        values[f"effect:{name}"] = Measured(float(column.max()), n)
        values[f"effect_coordinate:{name}"] = Measured(float(column.argmax()), n)
    stored = {name: column.tolist() for name, column in zip(usable, matrix.T, strict=True)}
    extra = {"effects": stored, "codes": len(labels), "values": VALUES}
    return values | _summaries(matrix, n), extra


def _summaries(matrix: np.ndarray, n: int) -> dict[str, Measured]:
    one = matrix.shape[1] < 2
    found = (
        Measured(None, n, note=ONE_FACTOR) if one else Measured(disentanglement(matrix), n),
        Measured(completeness(matrix), n),
        Measured(float(effect_gap(matrix).mean()), n),
    )
    return dict(zip(SUMMARIES, found, strict=True))


def _unusable(regressor: FactorRegressor, names: Sequence[str], n: int) -> dict[str, Measured]:
    values = {}
    for name in names:
        note = f"needs a regressor of R2 >= {USABLE}, has {regressor.r2.get(name) or 0.0:.2f}"
        values |= {f"{metric}:{name}": Measured(None, n, note=note) for metric in PER_FACTOR}
    return values


def _spread(request: ScoreRequest, regressor: FactorRegressor) -> np.ndarray:
    """Return the standard deviation of every predicted factor over held-out images, (F,).

    Of the prediction, as that of decoded images is: a regressor predicts less than all variance.
    """
    test = labelled_split(request.data, "test")
    test = test.take(evenly_per_class(test.labels, max(1, HELD_OUT // len(test.classes))))
    return regressor.predict(test.images).astype(np.float64).std(axis=0)


def _labels(classes: int, d_u: int) -> np.ndarray:
    """Return a label per code, classes in turn, evenly spaced where there are more.

    Fewer codes where z_u has many coordinates, for all of them are traversed.
    """
    codes = int(np.clip(IMAGES // (VALUES * d_u), FEWEST_CODES, CODES))
    return np.resize(evenly_spaced(classes, codes), codes)

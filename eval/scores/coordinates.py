"""Figure 5 as a measure: what single coordinates of z_u do to factors of the generated images.

Factors are read off decoded images by the factor regressor, so that this is about the decoder,
while DCI, MIG and SAP of the family `codes` are about the encoder. `coordinates` follows the best
coordinate of a factor, chosen on some codes and measured on others: among many the best one looks
better than it is on the codes it was chosen by. `effects` traverses all coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from dlvae.base import GenerativeModel
from dlvae.coding import decode_grid
from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from eval.judge.evaluator import JudgeEnsemble, load_judge
from eval.judge.factor_regressor import USABLE, FactorRegressor, load_factors
from eval.metrics.disentanglement.factor_scores import completeness, disentanglement
from eval.metrics.measured import Measured
from eval.models.decoding import evenly_spaced, ready_model
from eval.models.paths import (
    COLUMNS,
    FACTORS,
    TRAVERSALS,
    Read,
    correlations,
    read_along,
    reader,
    settings,
    spearman,
)
from eval.request import FamilyScores, ScoreRequest
from eval.scored_images import evenly_per_class, labelled_split

METRICS = ("coordinate_spearman", "coordinate_index", "coordinate_top1")
PLAIN = "coordinate_top1_plain"
IMAGES = TRAVERSALS * COLUMNS  # of every coordinate that is measured

SUMMARIES = ("effect_disentanglement", "effect_completeness", "effect_gap")
PER_FACTOR = ("effect", "effect_coordinate")
VALUES = 5  # of a traversal: exact for a factor that is a polynomial of degree 4 of it
DECODED = 10_240  # images, for the effects of all coordinates together
CODES, FEWEST_CODES = 16, 4  # that every coordinate is traversed from
HELD_OUT = 2_000  # images behind a factor's spread

WITHOUT = "needs ground-truth factors"
NO_FACTOR = f"needs a factor regressor of R2 >= {USABLE}"
ONE_FACTOR = "needs two factors that the regressor reads well"


def coordinates(request: ScoreRequest) -> FamilyScores:
    """Score a model with ``decode``, input ``model``, by an ``evaluator`` and ``factors``.

    For every label-irrelevant factor that the regressor can read: ``coordinate_index``, the
    coordinate of the largest absolute Spearman correlation with it, over all traversals together
    (coordinates may serve several factors); ``coordinate_spearman``, the correlation within each
    traversal of as many fresh codes, its mean over them, positive where it keeps the sign;
    ``coordinate_top1``, the share of images along these that the evaluator takes for the class
    asked for, beside ``coordinate_top1_plain`` of plain samples.
    """
    if not request.has("factors"):
        none = Measured(None, IMAGES, note=WITHOUT)
        return FamilyScores.of_model(request, dict.fromkeys([*_of(FACTORS, METRICS), PLAIN], none))
    judge = load_judge(request.path("evaluator"), request.card)
    regressor = load_factors(request.path("factors"))
    model = ready_model(request, request.path("model"), request.config["model"], needs=("decode",))
    values = _unreadable(METRICS, regressor, IMAGES)
    values |= _best_coordinates(request, model, judge, regressor)
    # The regressor chooses the coordinate, so that all of it is of its making.
    columns = dict.fromkeys(values, request.regressed(judge.sha256))
    labels = np.repeat(_labels(model.task.classes, TRAVERSALS), COLUMNS)
    codes = model.sample_codes(torch.from_numpy(labels), request.draws("plain"))
    kept = judge.recognise(decode_grid(model, *codes))[1] == labels
    values[PLAIN] = Measured.share(kept.mean(), IMAGES)
    return FamilyScores.of_model(request, values, judge.sha256, columns=columns)


def _of(factors: Iterable[str], metrics: Iterable[str]) -> list[str]:
    return [f"{metric}:{name}" for name in factors for metric in metrics]


def _unreadable(metrics: Sequence[str], regressor: FactorRegressor, n: int) -> dict[str, Measured]:
    """Return no values for label-irrelevant factors, and why the regressor does not read them."""
    values: dict[str, Measured] = {}
    for name in (name for name in regressor.names if name in IRRELEVANT_FACTORS):
        note = f"needs a regressor of R2 >= {USABLE}, has {regressor.r2.get(name) or 0.0:.2f}"
        values |= dict.fromkeys(_of([name], metrics), Measured(None, n, note=note))
    return values


def _best_coordinates(
    request: ScoreRequest, model: GenerativeModel, judge: JudgeEnsemble, regressor: FactorRegressor
) -> dict[str, Measured]:
    """Choose a coordinate per usable factor and measure it on other codes."""
    usable, values = regressor.irrelevant(), {}
    if not usable:
        return values
    read = reader(regressor, usable)
    candidates, table = correlations(model, read, request.draws("choice"))
    best, labels = np.abs(table).argmax(axis=0), _labels(model.task.classes, TRAVERSALS)
    codes = model.sample_codes(torch.from_numpy(labels), request.draws("measured"))
    setting = settings().numpy()[:, None]
    for row in np.unique(best):
        coordinate = int(candidates[row])
        images, factors = read_along(model, read, codes, coordinate, settings())
        # Within a traversal only the coordinate changes; traversals taken together, by which it is
        # chosen, mix it with what their codes differ by.
        within = np.stack([spearman(setting, along)[0] for along in factors])
        kept = (judge.recognise(images)[1] == labels[:, None]).mean(axis=1)
        for place in np.flatnonzero(best == row):
            sign = np.sign(table[row, place])
            found = (
                Measured.mean_of(sign * within[:, place], IMAGES),
                Measured(float(coordinate), IMAGES),
                Measured.mean_of(kept, IMAGES),
            )
            values |= dict(zip(_of([usable[place]], METRICS), found, strict=True))
    return values


def _labels(classes: int, count: int) -> np.ndarray:
    """Return a label per code, classes in turn, evenly spaced where there are more."""
    return np.resize(evenly_spaced(classes, count), count)


def effects(request: ScoreRequest) -> FamilyScores:
    """Score a model with ``decode``, input ``model``, by ``factors`` where there are such.

    For every label-irrelevant factor that the regressor can read: ``effect``, the largest effect
    that a coordinate has on it, in shares of the factor's variance over held-out images, and
    ``effect_coordinate``, which one that is. Of the matrix of all effects:
    ``effect_disentanglement`` and ``effect_completeness`` by the formulas of Eastwood and Williams
    (2018), and ``effect_gap``, mean over factors of :func:`effect_gap`. The matrix itself goes to
    the manifest.

    None has an interval: a largest value of few codes has none that could be trusted. The summaries
    say how effects are shared out and not how large they are; read them with ``effect``.
    """
    if not request.has("factors"):
        values = dict.fromkeys(SUMMARIES, Measured(None, 1, note=WITHOUT))
        return FamilyScores.of_model(request, values)
    regressor = load_factors(request.path("factors"))
    model = ready_model(request, request.path("model"), request.config["model"], needs=("decode",))
    usable, d_u, extra = regressor.irrelevant(), model.task.d_u, {}
    count = _codes(d_u)
    n = count * VALUES * d_u
    values, found = _unreadable(PER_FACTOR, regressor, n), [Measured(None, n, note=NO_FACTOR)] * 3
    for name in _of(usable, PER_FACTOR):
        del values[name]
    if usable:
        labels = torch.from_numpy(_labels(model.task.classes, count))
        codes = model.sample_codes(labels, request.draws("codes"))
        spread = _spread(request, regressor, usable)
        matrix = effect_matrix(model, reader(regressor, usable), spread, codes)
        for name, column in zip(usable, matrix.T, strict=True):
            values[f"effect:{name}"] = Measured(float(column.max()), n)
            values[f"effect_coordinate:{name}"] = Measured(float(column.argmax()), n)
        one = Measured(None, n, note=ONE_FACTOR)
        found = (
            Measured(disentanglement(matrix), n) if len(usable) > 1 else one,
            Measured(completeness(matrix), n),
            Measured(float(effect_gap(matrix).mean()), n),
        )
        stored = dict(zip(usable, matrix.T.tolist(), strict=True))
        extra = {"effects": stored, "codes": count, "values": VALUES}
    values |= dict(zip(SUMMARIES, found, strict=True))
    files, columns = request.splits("test"), dict.fromkeys(values, request.regressed())
    return FamilyScores.of_model(request, values, files=files, extra=extra, columns=columns)


def _codes(d_u: int) -> int:
    """Return from how many codes every coordinate is traversed: fewer where there are many."""
    return int(np.clip(DECODED // (VALUES * d_u), FEWEST_CODES, CODES))


def _spread(request: ScoreRequest, regressor: FactorRegressor, names: Sequence[str]) -> np.ndarray:
    """Return the standard deviation of predicted factors over held-out images, (F,).

    Of the prediction, as that of decoded images is: a regressor predicts less than all variance.
    """
    test = labelled_split(request.data, "test")
    test = test.take(evenly_per_class(test.labels, max(1, HELD_OUT // len(test.classes))))
    spread = regressor.predict(test.images).astype(np.float64).std(axis=0)
    return spread[[regressor.names.index(name) for name in names]]


def effect_matrix(
    model: GenerativeModel, read: Read, spread: np.ndarray, codes: tuple[Tensor, Tensor]
) -> np.ndarray:
    """Traverse every coordinate of z_u from the same codes and read factors off the images.

    Args:
        spread: standard deviation of each factor among real images, as predicted, (F,), above 0.
        codes: z_s (K, d_s) and z_u (K, d_u), random ones; K * `VALUES` images are decoded and kept
            at a time.

    Returns:
        float64 (d_u, F): mean over the codes of the variance along a coordinate, where it is
        N(0, 1), over ``spread`` squared; 0 for no effect. 1 means that this coordinate alone moves
        the factor as much as real images differ; more is possible.
    """
    values, weights = gaussian_settings()
    effects = np.empty((codes[1].shape[1], len(spread)))
    for coordinate in range(len(effects)):
        _, factors = read_along(model, read, codes, coordinate, values)
        factors = factors.astype(np.float64) / spread
        factors -= factors[:, :1]  # a factor that stands still varies by exactly 0
        mean = np.einsum("v,kvf->kf", weights, factors)
        variance = np.einsum("v,kvf->kf", weights, (factors - mean[:, None]) ** 2)
        effects[coordinate] = variance.mean(axis=0)
    return effects


def gaussian_settings() -> tuple[Tensor, np.ndarray]:
    """Return what a coordinate is set to, (VALUES,), and weights that sum to 1, (VALUES,).

    Nodes of Gauss-Hermite quadrature: weighted sums over them are expectations over N(0, 1), the
    prior of a coordinate. They reach from -2.86 to 2.86.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(VALUES)
    return torch.from_numpy(nodes), weights / weights.sum()


def effect_gap(effects: np.ndarray) -> np.ndarray:
    """Return (largest - second largest) / largest of effects (d, F), d > 1, per factor, (F,).

    Like the gap of MIG (Chen et al. 2018), with the largest effect in place of the entropy: 1 if
    one coordinate alone moves the factor, near 0 if two do alike, 0 if none does.
    """
    second, largest = np.sort(effects, axis=0)[-2:]
    return np.divide(largest - second, largest, out=np.zeros_like(largest), where=largest > 0)

"""Figure 4 as a measure: what many paths through z_s (a) and z_u (b) keep and what they change.

Every path is walked in the same classes, a row each, as in the figure. Paths are drawn apart from
each other, so that intervals over paths are of other codes for the same model and classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from sklearn.metrics.pairwise import cosine_similarity
from torch import Tensor

from dlvae.base import GenerativeModel
from dlvae.coding import decode_grid
from eval.judge.evaluator import JudgeEnsemble, load_judge
from eval.judge.factor_regressor import load_factors
from eval.metrics.measured import Measured
from eval.models.decoding import evenly_spaced, ready_model
from eval.models.paths import COLUMNS, Read, vary_z_s, vary_z_u
from eval.request import FamilyScores, ScoreRequest

PATHS = 24  # in each direction
CLASSES = 16  # rows of every path; all classes where there are no more

VARIED = {"a": vary_z_s, "b": vary_z_u}
UNRECOGNISED = "needs plain samples that the evaluator recognises"
STILL = "needs paths along which the images change"
NO_FACTORS = "needs a factor regressor"
UNUSABLE = "needs a usable label-irrelevant factor"


class Walked(NamedTuple):
    """What was found along every path of a direction, each (PATHS,)."""

    kept: np.ndarray  # share of images that the evaluator takes for their row's class
    smooth: np.ndarray  # mean `smoothness` of the rows that move, in features; NaN if none does
    consistent: np.ndarray  # `consistency` of the rows, end to end, in factors; NaN without
    consistent_features: np.ndarray  # the same in the evaluator's features


def walks(request: ScoreRequest) -> FamilyScores:
    """Score a model with ``decode``, input ``model``, by the judgement of an ``evaluator``.

    For a, z_s varied, and b, z_u varied: ``walk_top1``, the share of images of the row's class by
    the evaluator's top-1; ``walk_ratio``, that over ``walk_top1_plain``, the share among as many
    plain samples of the same classes; ``walk_smoothness``, :func:`smoothness`. For b also
    :func:`consistency`: ``walk_consistency`` in the usable label-irrelevant factors, standardised,
    that the optional input ``factors`` reads off the images, without a value where it reads none;
    ``walk_consistency_features`` in the evaluator's features.
    """
    judge = load_judge(request.path("evaluator"), request.card)
    model = ready_model(request, request.path("model"), request.config["model"], needs=("decode",))
    labels = torch.from_numpy(evenly_spaced(model.task.classes, CLASSES))
    n, used, read = PATHS * len(labels) * COLUMNS, [], None
    if request.has("factors"):
        regressor = load_factors(request.path("factors"))
        used = regressor.irrelevant()
        read = partial(regressor.in_spreads, names=used) if used else None

    def walk(name: str, codes: Callable[..., tuple[Tensor, Tensor]]) -> Walked:
        every = (codes(model, labels, request.draws(name, path)) for path in range(PATHS))
        return _walk(model, judge, labels.numpy(), every, read)

    plain = walk("plain", _unordered)
    along = {name: walk(name, codes) for name, codes in VARIED.items()}
    values = {"walk_top1_plain": Measured.share(plain.kept.mean(), n)}
    for name, found in along.items():
        values[f"walk_top1:{name}"] = Measured.mean_of(found.kept, n)
        values[f"walk_ratio:{name}"] = _ratio(found, plain, n)
        values[f"walk_smoothness:{name}"] = _smoothness(found, n)
    b, why = along["b"], UNUSABLE if request.has("factors") else NO_FACTORS
    values["walk_consistency:b"] = (
        Measured.mean_of(b.consistent, n) if read else Measured(None, n, note=why)
    )
    values["walk_consistency_features:b"] = Measured.mean_of(b.consistent_features, n)
    extra = {
        "walked_classes": labels.tolist(),
        "paths": PATHS,
        "consistency_in": used,
        # What a path would score whose images came in no order and from no shared codes.
        "plain_in_a_row": {
            "smoothness": _smoothness(plain, n).value,
            "consistency": float(plain.consistent.mean()) if read else None,
            "consistency_features": float(plain.consistent_features.mean()),
        },
    }
    columns = {"walk_consistency:b": request.regressed(judge.sha256)}
    return FamilyScores.of_model(request, values, judge.sha256, extra=extra, columns=columns)


def _walk(
    model: GenerativeModel,
    judge: JudgeEnsemble,
    labels: np.ndarray,
    every: Iterable[tuple[Tensor, Tensor]],
    read: Read | None,
) -> Walked:
    """Follow paths, given by their z_s and z_u, one at a time."""
    found = []
    for z_s, z_u in every:
        images = decode_grid(model, z_s, z_u)
        features, classes = judge.recognise(images)
        rows = smoothness(features)
        moving = rows[~np.isnan(rows)]
        smooth = moving.mean() if len(moving) else np.nan
        kept = (classes == labels[:, None]).mean()
        in_factors = consistency(read(images[:, -1]) - read(images[:, 0])) if read else np.nan
        in_features = consistency(features[:, -1] - features[:, 0])
        found.append((kept, smooth, in_factors, in_features))
    return Walked(*np.array(found, np.float64).T)


def _unordered(
    model: GenerativeModel, labels: Tensor, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw plain samples in the shape of a path: z_s (rows, COLUMNS, d_s), z_u likewise."""
    z_s, z_u = model.sample_codes(labels.repeat_interleave(COLUMNS), draws)
    return z_s.view(len(labels), COLUMNS, -1), z_u.view(len(labels), COLUMNS, -1)


def smoothness(points: np.ndarray) -> np.ndarray:
    """Tell smooth paths from those that jump: 1 - s, scaled to [0, 1].

    s is the largest step of the path in units of its diameter, the largest distance between any two
    of its points. A straight line in K - 1 even steps has s = 1 / (K - 1) and scores 1; a path that
    makes one of its steps as large as itself, a jump or points in no order, scores 0.

    Args:
        points: float (..., K, D), K > 2.

    Returns:
        float64 (...), NaN for a path that does not move.
    """
    points = points.astype(np.float64)
    gaps = np.linalg.norm(points[..., :, None, :] - points[..., None, :, :], axis=-1)
    largest = np.diagonal(gaps, 1, -2, -1).max(axis=-1)
    diameter = gaps.max(axis=(-2, -1))
    share = np.divide(largest, diameter, out=np.full_like(largest, np.nan), where=diameter > 0)
    return (1 - share) / (1 - 1 / (points.shape[-2] - 1))


def consistency(displacements: np.ndarray) -> float:
    """Mean cosine over all pairs of rows of float (rows, D), rows > 1; in [-1, 1].

    1 if all rows move in the same direction, about 0 if they move at random. A row that does not
    move has cosine 0 with every other.
    """
    return float(cosine_similarity(displacements)[np.triu_indices(len(displacements), 1)].mean())


def _ratio(found: Walked, plain: Walked, n: int) -> Measured:
    """Return the share kept along paths over that of plain samples.

    The interval is that of a ratio of means, by its linear part: the mean over paths of
    ratio + (kept - ratio * plain) / mean plain. Each path goes with plain samples of its own.
    """
    level = plain.kept.mean()
    if level == 0:
        return Measured(None, n, note=UNRECOGNISED)
    ratio = found.kept.mean() / level
    return Measured.mean_of(ratio + (found.kept - ratio * plain.kept) / level, n)


def _smoothness(found: Walked, n: int) -> Measured:
    moving = found.smooth[~np.isnan(found.smooth)]
    if len(moving) == 0:
        return Measured(None, n, note=STILL)
    return Measured.mean_of(moving, n * len(moving) // len(found.smooth))

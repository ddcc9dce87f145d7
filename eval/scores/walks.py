"""Figure 4 as a measure: what many paths through z_s (a) and z_u (b) keep and what they change.

Every path is walked in the same classes, a row each, as in the figure. Paths are drawn apart from
each other, so that intervals over paths are of other codes for the same model and classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from dlvae.base import GenerativeModel
from eval.judge.evaluator import JudgeEnsemble, load_judge
from eval.judge.factor_regressor import load_factors
from eval.metrics.measured import Measured
from eval.models.decoding import decode_grid, evenly_spaced, model_files, ready_model
from eval.models.paths import COLUMNS, consistency, smoothness, vary_z_s, vary_z_u
from eval.score_request import Basis, ScoreRequest, Scores

PATHS = 24  # in each direction
CLASSES = 16  # rows of every path; all classes where there are no more

VARIED = {"a": vary_z_s, "b": vary_z_u}
UNRECOGNISED = "needs plain samples that the evaluator recognises"
STILL = "needs paths along which the images change"
NO_FACTORS = "needs a factor regressor"
UNUSABLE = "needs a usable label-irrelevant factor"

Read = Callable[[np.ndarray], np.ndarray]
"""Images (N, H, W, 3) to their factors, standardised, (N, F)."""


@dataclass(frozen=True)
class Walked:
    """What was found along every path of a direction.

    Attributes:
        kept: share of images that the evaluator takes for their row's class, (PATHS,).
        smooth: mean :func:`eval.models.paths.smoothness` of the rows in the evaluator's features;
            NaN for a path that moves in no row, (PATHS,).
        consistent: :func:`eval.models.paths.consistency` of the rows, from one end to the other,
            in factors, (PATHS,); NaN where none can be read.
        consistent_features: the same in the evaluator's features, (PATHS,).
        n: number of images.
    """

    kept: np.ndarray
    smooth: np.ndarray
    consistent: np.ndarray
    consistent_features: np.ndarray
    n: int


def walks(request: ScoreRequest) -> Scores:
    """Score a model with ``decode``, input ``model``, by the judgement of an ``evaluator``.

    For a, z_s varied, and b, z_u varied: ``walk_top1``, the share of images of the row's class by
    the evaluator's top-1; ``walk_ratio``, that over ``walk_top1_plain``, the share among as many
    plain samples of the same classes; ``walk_smoothness``, :func:`eval.models.paths.smoothness`.
    For b also :func:`eval.models.paths.consistency`: ``walk_consistency`` in the usable
    label-irrelevant factors, standardised, that the optional input ``factors`` reads off the
    images, without a value where it reads none; ``walk_consistency_features`` in the evaluator's
    features.
    """
    folder = request.path("model")
    judge = load_judge(request.path("evaluator"), request.card)
    model = ready_model(request, folder, request.config["model"], needs=("decode",))
    labels = torch.from_numpy(evenly_spaced(model.task.classes, CLASSES))
    read, used, why = _factors(request)

    def walk(name: str, codes: Callable[..., tuple[Tensor, Tensor]]) -> Walked:
        every = (codes(model, labels, request.draws(name, path)) for path in range(PATHS))
        return _walk(model, judge, labels.numpy(), every, read)

    plain = walk("plain", _unordered)
    along = {name: walk(name, codes) for name, codes in VARIED.items()}
    values = {"walk_top1_plain": Measured.share(plain.kept.mean(), plain.n)}
    for name, found in along.items():
        values[f"walk_top1:{name}"] = Measured.mean_of(found.kept, found.n)
        values[f"walk_ratio:{name}"] = _ratio(found, plain)
        values[f"walk_smoothness:{name}"] = _smoothness(found)
    b = along["b"]
    values["walk_consistency:b"] = (
        Measured.mean_of(b.consistent, b.n) if read else Measured(None, b.n, note=why)
    )
    values["walk_consistency_features:b"] = Measured.mean_of(b.consistent_features, b.n)
    return Scores.of_model(
        folder,
        values,
        evaluator=judge.sha256,
        files=model_files("model", folder) | request.cards("evaluator", "factors"),
        extra={
            "walked_classes": labels.tolist(),
            "paths": PATHS,
            "consistency_in": used,
            # What a path would score whose images came in no order and from no shared codes.
            "plain_in_a_row": {
                "smoothness": _smoothness(plain).value,
                "consistency": float(plain.consistent.mean()) if read else None,
                "consistency_features": float(plain.consistent_features.mean()),
            },
        },
        basis={"walk_consistency:b": Basis(judges=request.regressor)},
    )


def _walk(
    model: GenerativeModel,
    judge: JudgeEnsemble,
    labels: np.ndarray,
    every: Iterable[tuple[Tensor, Tensor]],
    read: Read | None,
) -> Walked:
    """Follow paths, given by their z_s and z_u, one at a time."""
    found, n = [], 0
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
        n += classes.size
    return Walked(*np.array(found, np.float64).T, n)


def _unordered(
    model: GenerativeModel, labels: Tensor, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw plain samples in the shape of a path: z_s (rows, COLUMNS, d_s), z_u likewise."""
    z_s, z_u = model.sample_codes(labels.repeat_interleave(COLUMNS), draws)
    return z_s.view(len(labels), COLUMNS, -1), z_u.view(len(labels), COLUMNS, -1)


def _factors(request: ScoreRequest) -> tuple[Read | None, list[str], str]:
    """Return what reads the factors off images, if anything; their names; why there are none."""
    if not request.has("factors"):
        return None, [], NO_FACTORS
    regressor = load_factors(request.path("factors"))
    used = regressor.irrelevant()
    if not used:
        return None, [], UNUSABLE
    return partial(regressor.in_spreads, names=used), used, ""


def _ratio(found: Walked, plain: Walked) -> Measured:
    """Return the share kept along paths over that of plain samples.

    The interval is that of a ratio of means, by its linear part: the mean over paths of
    ratio + (kept - ratio * plain) / mean plain. Each path goes with plain samples of its own.
    """
    level = plain.kept.mean()
    if level == 0:
        return Measured(None, found.n, note=UNRECOGNISED)
    ratio = found.kept.mean() / level
    return Measured.mean_of(ratio + (found.kept - ratio * plain.kept) / level, found.n)


def _smoothness(found: Walked) -> Measured:
    moving = found.smooth[~np.isnan(found.smooth)]
    if len(moving) == 0:
        return Measured(None, found.n, note=STILL)
    return Measured.mean_of(moving, found.n * len(moving) // len(found.smooth))

"""The toy experiment of Figure 2 as numbers: how near the data each snapshot is, and how spread.

Of every class one half of the held-out points is the reference; the other half, as many points as
are generated, says what the same measure gives for the data themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from dlvae.data.dataset import load_split
from dlvae.stage.artefact import sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.registry import SNAPSHOTS
from dlvae.stage.seeds import numpy_generator
from eval.metrics.intervals import delete_a_group, jackknife, jackknife_groups
from eval.metrics.measured import Measured
from eval.metrics.sets.manifolds import PRECISION_RECALL_K, precision_recall
from eval.metrics.toy_points import arc_residual, sliced_wasserstein
from eval.models.snapshots import POINTS, snapshot_points
from eval.request import FamilyScores, ScoreRequest, model_files

MEASURES = ("precision", "recall", "wasserstein")
SPREADS = {"spread_radial": arc_residual, "spread_y": lambda points, label: points[:, 1]}
FLAT = 1e-6  # data with less spread than this, in data units, have none to divide by


@dataclass(frozen=True)
class Real:
    """Held-out points of one class, float32: all of them, and two halves (n, 2) of equal size."""

    all: np.ndarray
    reference: np.ndarray
    other: np.ndarray


def toy(request: ScoreRequest) -> FamilyScores:
    """Score the snapshots of a model, input ``model``, on three_moons.

    Per epoch, of every class and as a mean over classes: `precision` and `recall` by k = 3 nearest
    neighbours (Kynkäänniemi et al. 2019); `wasserstein`, sliced, beside its floor between two
    halves of the data; `spread_radial` and `spread_y`, the standard deviations of the distance to
    the class's arc and of y, over those of the data.

    Raises:
        UserError: another data set, too few held-out points, or points that are not finite.
    """
    model, folder = request.config["model"], request.path("model")
    real = _real(request)
    labels = np.arange(POINTS) % len(real)
    epochs, frames = snapshot_points(request, folder, model, labels)
    if not np.isfinite(frames).all():
        raise UserError(f"{folder}: expected finite points, found NaN or infinity; train it again")
    chosen = np.concatenate([np.flatnonzero(labels == c)[: len(r.other)] for c, r in real.items()])
    values: dict[str, Measured] = {}
    names = request.card["class_names"]
    for epoch, points in zip(epochs, frames[:, chosen], strict=True):
        values |= _measured(request, points, labels[chosen], real, f":{epoch}")
        for label, part in real.items():
            own, suffix = labels[chosen] == label, f":{epoch}:{names[label]}"
            values |= _measured(request, points[own], labels[chosen][own], {label: part}, suffix)
    halves = [
        {name: found.value for name, found in distances(part.other, part.reference).items()}
        for part in real.values()
    ]
    floor = float(np.mean([found["wasserstein"] for found in halves]))
    values["toy_wasserstein_floor"] = Measured(floor, len(chosen))
    return FamilyScores.of_model(
        request,
        values,
        label=model,
        files=model_files(model, folder, SNAPSHOTS) | request.splits("test"),
        images=sha256_file(folder / SNAPSHOTS),
        extra={"held_out_halves": dict(zip(names, halves, strict=True))},
    )


def distances(
    points: np.ndarray, reference: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, Measured]:
    """Return `MEASURES` of (n, 2) points against as many real ones.

    Args:
        groups: int (n,), without each of which recall is measured too.
    """
    found = precision_recall(points, reference, PRECISION_RECALL_K, groups=groups)
    distance = sliced_wasserstein(points, reference)
    return found | {"wasserstein": Measured(distance, len(points))}


def _real(request: ScoreRequest) -> dict[int, Real]:
    """Return the held-out points by label."""
    if request.card["dataset"] != "three_moons":
        raise UserError(
            f"toy: expected the data set three_moons, found '{request.card['dataset']}'; other "
            "data have no arcs to measure from"
        )
    test = load_split(request.data, "test")
    needed = max(PRECISION_RECALL_K + 1, request.protocol.intervals.groups)
    # Not request.numpy_draws: every model and seed is held against the same half.
    shared = (request.stage, request.name, request.config["preset"], request.config["dataset"])
    found = {}
    for label in range(len(test.classes)):
        points = test.points[test.labels == label]
        count = min(POINTS // len(test.classes), len(points) // 2)
        if count < needed:
            raise UserError(
                f"toy: expected at least {2 * needed} held-out points per class, found "
                f"{len(points)}; prepare more: three_moons.data.test_points"
            )
        order = numpy_generator(*shared, "halves", label).permutation(len(points))
        found[label] = Real(points, points[order[:count]], points[order[count : 2 * count]])
    return found


def _measured(
    request: ScoreRequest,
    points: np.ndarray,
    labels: np.ndarray,
    real: dict[int, Real],
    suffix: str,
) -> dict[str, Measured]:
    """Return the measures of points (N, 2), as means over the classes in ``real``."""
    draws, n = request.numpy_draws("groups" + suffix), len(points)
    groups = jackknife_groups(labels, request.protocol.intervals.groups, draws)
    own = {c: labels == c for c in real}
    found = [distances(points[own[c]], part.reference, groups[own[c]]) for c, part in real.items()]
    # Classes are of one size: the mean of their shares is the share of all.
    means = {name: float(np.mean([of[name].value for of in found])) for name in MEASURES}
    left_out = np.mean([of["recall"].parts for of in found], axis=0)
    recall, interval = means["recall"], jackknife(means["recall"], left_out)
    values = {
        f"toy_precision{suffix}": Measured.share(means["precision"], n),
        f"toy_recall{suffix}": Measured.sure(recall, n, interval),
        f"toy_wasserstein{suffix}": Measured(means["wasserstein"], n),
    }
    for name, residual in SPREADS.items():
        scale = {c: float(np.std(residual(part.all, c), ddof=1)) for c, part in real.items()}
        if min(scale.values()) < FLAT:
            values[f"toy_{name}{suffix}"] = Measured(None, n, note="the data have no such spread")
            continue
        ratios = np.empty(n)
        for c in real:
            ratios[own[c]] = residual(points[own[c]], c) / scale[c]
        spread = partial(_spread, ratios, labels)
        interval = delete_a_group(spread, groups)
        values[f"toy_{name}{suffix}"] = Measured.sure(spread(np.arange(n)), n, interval)
    return values


def _spread(ratios: np.ndarray, labels: np.ndarray, kept: np.ndarray) -> float:
    """Return the mean over classes of the standard deviation of the numbers kept."""
    parts = (ratios[kept][labels[kept] == c] for c in np.unique(labels))
    return float(np.mean([np.std(part, ddof=1) for part in parts]))

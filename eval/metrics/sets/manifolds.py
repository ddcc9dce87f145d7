"""Overlap of the regions that generated and real features fill, by k nearest neighbours.

A set's region is the union of balls around its points, each as wide as the distance to the point's
k-th nearest neighbour in the set. All values depend on the sizes of both sets: compare only
models that have the same number of images, against the same real ones.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch_fidelity.metric_prc import (
    KEY_METRIC_PRECISION,
    KEY_METRIC_RECALL,
    prc_features_to_metric,
)

from eval.metrics.intervals import jackknife
from eval.metrics.measured import Measured, check_features
from eval.metrics.sets.distances import ELEMENTS, Where, distance_blocks, without_self

PRECISION_RECALL_K = 3
DENSITY_COVERAGE_K = 5


def precision_recall(
    generated: np.ndarray,
    real: np.ndarray,
    k: int = PRECISION_RECALL_K,
    device: Where = "cpu",
    elements: int = ELEMENTS,
    groups: np.ndarray | None = None,
) -> dict[str, Measured]:
    """``precision`` and ``recall`` of Kynkäänniemi et al. 2019, by torch-fidelity, in 0..1.

    Precision is the share of generated images inside the region of the real ones, recall the
    share of real images inside the region of the generated ones.

    Args:
        generated, real: features (N, D) and (M, D), each with more than k images.
        elements: numbers of a distance matrix held at once.
        groups: int (N,) of every generated image, numbered from 0. Recall is then also had without
            each of them (``parts``), for its interval, at the price of two more passes over the
            distances; not where a group leaves no more than k images.

    Raises:
        UserError: features that are empty, not finite or of different width.
    """
    check_features(generated=generated, real=real)
    n = len(generated)
    for name, features in (("generated", generated), ("real", real)):
        if len(features) <= k:
            missing = Measured.missing(n, len(features), k + 1, f"{name} images")
            return {"precision": missing, "recall": missing}
    kind = np.float64 if np.float64 in (generated.dtype, real.dtype) else np.float32
    found = prc_features_to_metric(
        *(torch.from_numpy(np.ascontiguousarray(f, kind)).to(device) for f in (generated, real)),
        prc_neighborhood=k,
        prc_batch_size=max(1, elements // max(n, len(real), generated.shape[1])),
        save_cpu_ram=True,
        verbose=False,
    )
    left_out = _recall_left_out(generated, real, groups, k, device, elements)
    return {
        "precision": Measured.share(found[KEY_METRIC_PRECISION], n),
        "recall": _jackknifed(found[KEY_METRIC_RECALL], n, left_out),
    }


def density_coverage(
    generated: np.ndarray,
    real: np.ndarray,
    k: int = DENSITY_COVERAGE_K,
    device: Where = "cpu",
    elements: int = ELEMENTS,
    groups: np.ndarray | None = None,
) -> dict[str, Measured]:
    """``density`` (0 or more) and ``coverage`` (0..1) of Naeem et al. 2020.

    Density is the mean over generated images of the number of real balls that they lie in, over
    k; coverage is the share of real balls that hold a generated image. The balls are open, so that
    a set has density 1 and coverage 1 against itself.

    Args:
        generated, real: features (N, D) and (M, D); more than k real images.
        elements: numbers of a distance matrix held at once.
        groups: int (N,) of every generated image, numbered from 0, at least two. Coverage is then
            also had without each of them (``parts``), for its interval.

    Raises:
        UserError: features that are empty, not finite or of different width.
    """
    check_features(generated=generated, real=real)
    n = len(generated)
    if len(real) <= k:
        missing = Measured.missing(n, len(real), k + 1, "real images")
        return {"density": missing, "coverage": missing}
    radii = torch.empty(len(real), 1, dtype=torch.float64, device=device)
    for rows, block in distance_blocks(real, real, device, elements):
        others = without_self(rows, block, torch.inf)
        radii[rows] = others.topk(k, dim=1, largest=False).values[:, -1:]
    members = _members(groups, device)
    held, covered, without = 0, 0, torch.zeros(len(members), dtype=torch.int64, device=device)
    for rows, block in distance_blocks(real, generated, device, elements):
        inside = block < radii[rows]
        held += int(inside.sum())
        covered += int(inside.any(dim=1).sum())
        if members:
            by_group = torch.stack([inside[:, member].any(dim=1) for member in members])
            # Covered without a group: by another one.
            without += (by_group.sum(dim=0) > by_group.int()).sum(dim=1)
    left_out = _shares(without, len(real)) if members else None
    coverage = _jackknifed(covered / len(real), n, left_out)
    return {"density": Measured(held / (k * n), n), "coverage": coverage}


def _recall_left_out(
    generated: np.ndarray,
    real: np.ndarray,
    groups: np.ndarray | None,
    k: int,
    device: Where,
    elements: int,
) -> tuple[float, ...] | None:
    """Return recall without each group; the distances are computed once for all of them."""
    members = _members(groups, device)
    if not members or len(generated) - max(map(len, members)) <= k:
        return None
    radii = torch.empty(len(members), len(generated), dtype=torch.float64, device=device)
    for rows, block in distance_blocks(generated, generated, device, elements):
        others = without_self(rows, block, torch.inf)
        # The k nearest of any union of groups are among the k nearest of each.
        nearest = [
            others[:, member].topk(min(k, len(member)), dim=1, largest=False).values
            for member in members
        ]
        for group in range(len(members)):
            rest = torch.cat(nearest[:group] + nearest[group + 1 :], dim=1)
            radii[group, rows] = rest.topk(k, dim=1, largest=False).values[:, -1]
    for radius, member in zip(radii, members, strict=True):
        radius[member] = -1.0  # holds no image
    inside = torch.zeros(len(members), dtype=torch.int64, device=device)
    for _, block in distance_blocks(real, generated, device, elements):
        inside += torch.stack([(block <= radius).any(dim=1).sum() for radius in radii])
    return _shares(inside, len(real))


def _members(groups: np.ndarray | None, device: Where) -> list[Tensor]:
    """Return the indices of the images of every group; none without groups."""
    if groups is None:
        return []
    return [
        torch.from_numpy(np.flatnonzero(groups == group)).to(device)
        for group in range(groups.max() + 1)
    ]


def _jackknifed(share: float, n: int, left_out: tuple[float, ...] | None) -> Measured:
    """Return a share of the real images, about all of which the one generated set decides."""
    return Measured.sure(share, n, jackknife(share, left_out) if left_out else None, left_out)


def _shares(counts: Tensor, of: int) -> tuple[float, ...]:
    return tuple(count / of for count in counts.tolist())

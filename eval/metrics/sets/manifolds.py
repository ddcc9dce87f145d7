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

from dlvae.stage.runtime import device
from eval.metrics.intervals import jackknife
from eval.metrics.measured import Measured, check_features
from eval.metrics.sets.distances import distance_blocks, distances_to_others, rows_at_once

PRECISION_RECALL_K = 3
DENSITY_COVERAGE_K = 5


def precision_recall(
    generated: np.ndarray,
    real: np.ndarray,
    k: int = PRECISION_RECALL_K,
    groups: np.ndarray | None = None,
) -> dict[str, Measured]:
    """``precision`` and ``recall`` of Kynkäänniemi et al. 2019, by torch-fidelity, in 0..1.

    Precision is the share of generated images inside the region of the real ones, recall the
    share of real images inside the region of the generated ones.

    Args:
        generated, real: features (N, D) and (M, D), each with more than k images.
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
        *(torch.from_numpy(np.ascontiguousarray(f, kind)).to(device()) for f in (generated, real)),
        prc_neighborhood=k,
        prc_batch_size=rows_at_once(max(n, len(real), generated.shape[1])),
        save_cpu_ram=True,
        verbose=False,
    )
    recalled = _recalled_without(_members(groups), generated, real, k)
    return {
        "precision": Measured.share(found[KEY_METRIC_PRECISION], n),
        "recall": _of_real(found[KEY_METRIC_RECALL], n, recalled, len(real)),
    }


def density_coverage(
    generated: np.ndarray,
    real: np.ndarray,
    k: int = DENSITY_COVERAGE_K,
    groups: np.ndarray | None = None,
) -> dict[str, Measured]:
    """``density`` (0 or more) and ``coverage`` (0..1) of Naeem et al. 2020.

    Density is the mean over generated images of the number of real balls that they lie in, over
    k; coverage is the share of real balls that hold a generated image. The balls are open, so that
    a set has density 1 and coverage 1 against itself.

    Args, Raises: as :func:`precision_recall`, but that any number of images is generated, and that
    it is coverage that is had without each of the groups.
    """
    check_features(generated=generated, real=real)
    n = len(generated)
    if len(real) <= k:
        missing = Measured.missing(n, len(real), k + 1, "real images")
        return {"density": missing, "coverage": missing}
    others = distances_to_others(real, torch.inf)
    radii = torch.cat([block.topk(k, largest=False).values[:, -1:] for _, block in others])
    members = _members(groups)
    held, covered = 0, 0
    without = torch.zeros(len(members), dtype=torch.int64, device=device())
    for rows, block in distance_blocks(real, generated):
        inside = block < radii[rows]
        held += int(inside.sum())
        covered += int(inside.any(dim=1).sum())
        if members:
            by_group = torch.stack([inside[:, member].any(dim=1) for member in members])
            # Covered without a group: by another one.
            without += (by_group.sum(dim=0) > by_group.int()).sum(dim=1)
    coverage = _of_real(covered / len(real), n, without, len(real))
    return {"density": Measured(held / (k * n), n), "coverage": coverage}


def _recalled_without(
    members: list[Tensor], generated: np.ndarray, real: np.ndarray, k: int
) -> Tensor:
    """Count real images recalled without each group; distances are computed once for all."""
    if not members or len(generated) - max(map(len, members)) <= k:
        return torch.zeros(0)
    radii = torch.empty(len(members), len(generated), dtype=torch.float64, device=device())
    for rows, block in distances_to_others(generated, torch.inf):
        # The k nearest of any union of groups are among the k nearest of each.
        nearest = [block[:, m].topk(min(k, len(m)), largest=False).values for m in members]
        for group in range(len(members)):
            rest = torch.cat(nearest[:group] + nearest[group + 1 :], dim=1)
            radii[group, rows] = rest.topk(k, largest=False).values[:, -1]
    for radius, member in zip(radii, members, strict=True):
        radius[member] = -1.0  # holds no image
    inside = torch.zeros(len(members), dtype=torch.int64, device=device())
    for _, block in distance_blocks(real, generated):
        inside += torch.stack([(block <= radius).any(dim=1).sum() for radius in radii])
    return inside


def _members(groups: np.ndarray | None) -> list[Tensor]:
    """Return the indices of the images of every group; none without groups."""
    numbers = [] if groups is None else range(groups.max() + 1)
    return [torch.from_numpy(np.flatnonzero(groups == group)).to(device()) for group in numbers]


def _of_real(share: float, n: int, without: Tensor, of: int) -> Measured:
    """Return a share of ``of`` real images, and how many there are without each group.

    The one generated set decides about all of them: they are no independent trials.
    """
    parts = tuple(count / of for count in without.tolist()) or None
    return Measured.sure(share, n, jackknife(share, parts) if parts else None, parts)

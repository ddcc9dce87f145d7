"""Overlap of the regions that generated and real features fill, by k nearest neighbours.

A set's region is the union of balls around its points, each as wide as the distance to the point's
k-th nearest neighbour in the set. All values depend on the sizes of both sets: compare only
models that have the same number of images, against the same real ones.
"""

from __future__ import annotations

import numpy as np
import torch
from torch_fidelity.metric_prc import (
    KEY_METRIC_PRECISION,
    KEY_METRIC_RECALL,
    prc_features_to_metric,
)

from eval.set_metrics.distances import ELEMENTS, Where, distance_blocks, without_self
from eval.set_metrics.measured import Measured, check_features, unavailable

PRECISION_RECALL_K = 3
DENSITY_COVERAGE_K = 5


def precision_recall(
    generated: np.ndarray,
    real: np.ndarray,
    k: int = PRECISION_RECALL_K,
    device: Where = "cpu",
    elements: int = ELEMENTS,
) -> dict[str, Measured]:
    """``precision`` and ``recall`` of Kynkäänniemi et al. 2019, by torch-fidelity, in 0..1.

    Precision is the share of generated images inside the region of the real ones, recall the
    share of real images inside the region of the generated ones.

    Args:
        generated, real: features (N, D) and (M, D), each with more than k images.
        elements: numbers of a distance matrix held at once.

    Raises:
        UserError: features that are empty, not finite or of different width.
    """
    check_features(generated=generated, real=real)
    n = len(generated)
    for name, features in (("generated", generated), ("real", real)):
        if len(features) <= k:
            missing = unavailable(n, len(features), k + 1, f"{name} images")
            return {"precision": missing, "recall": missing}
    kind = np.float64 if np.float64 in (generated.dtype, real.dtype) else np.float32
    found = prc_features_to_metric(
        *(torch.from_numpy(np.ascontiguousarray(f, kind)).to(device) for f in (generated, real)),
        prc_neighborhood=k,
        prc_batch_size=max(1, elements // max(n, len(real), generated.shape[1])),
        save_cpu_ram=True,
        verbose=False,
    )
    keys = {"precision": KEY_METRIC_PRECISION, "recall": KEY_METRIC_RECALL}
    return {name: Measured(found[key], n) for name, key in keys.items()}


def density_coverage(
    generated: np.ndarray,
    real: np.ndarray,
    k: int = DENSITY_COVERAGE_K,
    device: Where = "cpu",
    elements: int = ELEMENTS,
) -> dict[str, Measured]:
    """``density`` (0 or more) and ``coverage`` (0..1) of Naeem et al. 2020.

    Density is the mean over generated images of the number of real balls that they lie in, over
    k; coverage is the share of real balls that hold a generated image. The balls are open, so that
    a set has density 1 and coverage 1 against itself.

    Args:
        generated, real: features (N, D) and (M, D); more than k real images.
        elements: numbers of a distance matrix held at once.

    Raises:
        UserError: features that are empty, not finite or of different width.
    """
    check_features(generated=generated, real=real)
    n = len(generated)
    if len(real) <= k:
        missing = unavailable(n, len(real), k + 1, "real images")
        return {"density": missing, "coverage": missing}
    radii = torch.empty(len(real), 1, dtype=torch.float64, device=device)
    for rows, block in distance_blocks(real, real, device, elements):
        others = without_self(rows, block, torch.inf)
        radii[rows] = others.topk(k, dim=1, largest=False).values[:, -1:]
    held, covered = 0, 0
    for rows, block in distance_blocks(real, generated, device, elements):
        inside = block < radii[rows]
        held += int(inside.sum())
        covered += int(inside.any(dim=1).sum())
    return {
        "density": Measured(held / (k * n), n),
        "coverage": Measured(covered / len(real), n),
    }

"""How far every coordinate of z_u moves every factor of the decoded images.

The effect of a coordinate on a factor is the share of the factor's variance that comes from this
coordinate alone, all else fixed, averaged over what all else may be: the total-effect index of
Homma and Saltelli (1996), over the factor's variance among real images. Unlike a slope or a
correlation it also sees a factor that follows the coordinate in a curve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from dlvae.base import GenerativeModel
from eval.metrics.coordinates import traversal
from eval.models.decoding import decode_grid

VALUES = 5  # of a traversal: exact for a factor that is a polynomial of degree 4 in the coordinate

Predict = Callable[[np.ndarray], np.ndarray]
"""uint8 images (N, H, W, 3) to predicted factors (N, F)."""


def settings() -> tuple[Tensor, np.ndarray]:
    """Return what a coordinate is set to, (VALUES,), and weights that sum to 1, (VALUES,).

    Nodes of Gauss-Hermite quadrature: weighted sums over them are expectations over N(0, 1), the
    prior of a coordinate. They reach from -2.86 to 2.86.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(VALUES)
    return torch.from_numpy(nodes), weights / weights.sum()


def effect_matrix(
    model: GenerativeModel,
    predict: Predict,
    columns: Sequence[int],
    spread: np.ndarray,
    codes: tuple[Tensor, Tensor],
) -> np.ndarray:
    """Traverse every coordinate of z_u from the same codes and read factors off the images.

    Args:
        columns: factors, by their columns in the prediction, F of them.
        spread: standard deviation of each among real images, as predicted, (F,), above 0.
        codes: z_s (K, d_s) and z_u (K, d_u), random ones; K * `VALUES` images are decoded and kept
            at a time.

    Returns:
        float64 (d_u, F): mean over the codes of the variance along a coordinate, where it is
        N(0, 1), over ``spread`` squared; 0 for no effect. 1 means that this coordinate alone moves
        the factor as much as real images differ; more is possible.
    """
    z_s, z_u = codes
    values, weights = settings()
    effects = np.empty((z_u.shape[1], len(columns)))
    for coordinate in range(z_u.shape[1]):
        images = decode_grid(model, z_s[:, None], traversal(model, z_u, coordinate, values))
        read = predict(images.reshape(-1, *images.shape[2:]))[:, list(columns)]
        factors = read.astype(np.float64).reshape(len(z_u), VALUES, -1) / spread
        factors -= factors[:, :1]  # a factor that stands still varies by exactly 0
        mean = np.einsum("v,kvf->kf", weights, factors)
        variance = np.einsum("v,kvf->kf", weights, (factors - mean[:, None]) ** 2)
        effects[coordinate] = variance.mean(axis=0)
    return effects


def effect_gap(effects: np.ndarray) -> np.ndarray:
    """Return (largest - second largest) / largest of effects (d, F), d > 1, per factor, (F,).

    Like the gap of MIG (Chen et al. 2018), with the largest effect in place of the entropy: 1 if
    one coordinate alone moves the factor, near 0 if two do alike, 0 if none does.
    """
    second, largest = np.sort(effects, axis=0)[-2:]
    return np.divide(largest - second, largest, out=np.zeros_like(largest), where=largest > 0)

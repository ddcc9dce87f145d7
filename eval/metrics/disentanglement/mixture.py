"""How well codes z_s follow the Gaussian mixture that the model learned for them (Section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.distance import pdist
from scipy.stats import chi2, kstest

from dlvae.method.prior import GaussianMixture
from dlvae.stage.errors import UserError
from eval.metrics.disentanglement.latents import moments
from eval.metrics.measured import ENCODE, check_classes, check_matrix, check_same_width

LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))
"""Levels of the calibration curve, 0.05 to 0.95."""

_BATCH = 4096
_TAKE = "take mu and sigma from the model's mixture"


@dataclass(frozen=True)
class MixtureFit:
    """Agreement of codes z_s with the mixture of their labels.

    D^2 is the squared Mahalanobis distance sum_d ((z_d - mu_yd) / sigma_yd)^2 of a code to its own
    class; codes drawn from the mixture have D^2 ~ chi^2 with d degrees of freedom.

    Attributes:
        accuracy: share of codes for which argmax_k log N(z_s; mu_k, Sigma_k) is the label.
        mahalanobis: mean D^2 / d; 1 if calibrated, above 1 if the codes lie too far out.
        ks: Kolmogorov-Smirnov distance of the D^2 to chi^2_d, in [0, 1]; 0 is perfect.
        calibration: share of codes whose D^2 is within the quantile of chi^2_d at each of
            `LEVELS`; equal to the level if calibrated.
        centre_separation: mean distance of two different centres mu_c over the mean within-class
            spread. The spread of a class is the root of the mean squared distance of its codes to
            mu_c, not to their own average, so that codes off their centre count as spread out;
            it is averaged over the classes that have codes. Above 1, centres are further apart
            than codes are from them.
        information: log K - L_cls in nats, K the number of classes that have codes. A lower bound
            of the mutual information of z_s and a class drawn uniformly from them, for L_cls
            (Eq. 8) is averaged within classes first; below 0 it says nothing.
        ceiling: log K, the largest value that ``information`` can have.
    """

    accuracy: float
    mahalanobis: float
    ks: float
    calibration: tuple[float, ...]
    centre_separation: float
    information: float
    ceiling: float


def mixture_fit(
    mu: np.ndarray, sigma: np.ndarray, z_s: np.ndarray, labels: np.ndarray
) -> MixtureFit:
    """Score codes against the mixture; computed in float64 and in batches.

    Args:
        mu: float (C, d), the centres.
        sigma: float (C, d), the standard deviations, above 0.
        z_s: float (N, d), codes of held-out images.
        labels: int (N,) in 0..C-1.

    Raises:
        UserError: shapes that do not match, NaN, one class only, a sigma that is not positive,
            labels beyond C, or no spread (all codes on their centres).
    """
    _check(mu, sigma, z_s, labels)
    mu, sigma = mu.astype(np.float64), sigma.astype(np.float64)
    mixture = _mixture(mu, sigma)
    parts = []
    for start in range(0, len(z_s), _BATCH):
        z, y = z_s[start : start + _BATCH].astype(np.float64), labels[start : start + _BATCH]
        logits = mixture.logits(torch.from_numpy(z)).numpy()
        loss = -torch.from_numpy(logits).log_softmax(1).numpy()[np.arange(len(y)), y]
        offset = z - mu[y]
        squared = np.square(offset).sum(1), np.square(offset / sigma[y]).sum(1)
        parts.append((logits.argmax(1) == y, loss, *squared))
    hit, loss, distance, mahalanobis = map(np.concatenate, zip(*parts, strict=True))
    spread = float(np.sqrt(_per_class(distance, labels)).mean())
    if spread == 0:
        raise UserError(f"z_s: expected codes with a spread, found all on mu_c; {ENCODE}")
    degrees = z_s.shape[1]
    ceiling = float(np.log(len(np.unique(labels))))
    return MixtureFit(
        float(hit.mean()),
        float(mahalanobis.mean() / degrees),
        float(kstest(mahalanobis, chi2(degrees).cdf).statistic),
        tuple(float(np.mean(mahalanobis <= chi2.ppf(level, degrees))) for level in LEVELS),
        float(pdist(mu).mean()) / spread,
        ceiling - float(_per_class(loss, labels).mean()),
        ceiling,
    )


def prior_distance(mu: np.ndarray, sigma: np.ndarray, z_s: np.ndarray, labels: np.ndarray) -> float:
    """How far codes are from the prior p(z_s|y) that is sampled from, in nats per dimension.

    KL to N(0, I) of the Gaussian with the moments of (z_s - mu_y) / sigma_y, all classes pooled,
    over d: what `eval.metrics.disentanglement.latents` asks of z_u. 0 at best. Beside too wide
    codes, which the Mahalanobis distance finds as well, it finds too narrow and correlated ones.
    Infinite where the codes have no spread in some direction.

    Args and errors: as for :func:`mixture_fit`.
    """
    _check(mu, sigma, z_s, labels)
    standardised = (z_s.astype(np.float64) - mu[labels]) / sigma[labels]
    return moments(standardised).kl / z_s.shape[1]


def _mixture(mu: np.ndarray, sigma: np.ndarray) -> GaussianMixture:
    with torch.random.fork_rng(devices=[]):  # its random start is overwritten and costs no draw
        mixture = GaussianMixture(*mu.shape, param="logvar").double()
    mixture.requires_grad_(False)
    mixture.mu.copy_(torch.from_numpy(mu))
    mixture.scale.copy_(torch.from_numpy(2 * np.log(sigma)))
    return mixture


def _per_class(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean of values (N,) of every class that occurs."""
    counts = np.bincount(labels)
    return np.bincount(labels, values)[counts > 0] / counts[counts > 0]


def _check(mu: np.ndarray, sigma: np.ndarray, z_s: np.ndarray, labels: np.ndarray) -> None:
    check_matrix(mu, "mu", fix=_TAKE)
    check_matrix(sigma, "sigma", len(mu), _TAKE)
    check_matrix(z_s, "z_s")
    check_same_width({"mu": mu, "sigma": sigma, "z_s": z_s})
    check_classes("labels", labels, z_s)
    if sigma.min() <= 0:
        raise UserError(f"sigma: expected standard deviations > 0, found {sigma.min()}; {_TAKE}")
    if labels.max() >= len(mu):
        raise UserError(
            f"labels: expected 0 to {len(mu) - 1} (the mixture's classes), found {labels.max()}; "
            "use the data set that the model was trained on"
        )

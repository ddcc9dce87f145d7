"""Latents in use, and how near the codes of a data set come to the priors that samples are from.

Of z_u the prior is N(0, I), of z_s the Gaussian mixture that the model learned (Section 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial.distance import pdist
from scipy.stats import chi2, kstest

from dlvae.method.losses import kl_standard_normal
from dlvae.method.prior import GaussianMixture
from dlvae.stage.errors import UserError
from eval.metrics.measured import ENCODE, check_classes, check_features, check_matrix

ACTIVE_ABOVE = 0.01
"""Variance over images above which a unit is active (Burda et al. 2016, Section 5.2)."""

LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))
"""Levels of the calibration curve, 0.05 to 0.95."""

_BATCH = 4096
_TAKE = "take mu and sigma from the model's mixture"


class Moments(NamedTuple):
    """Mean and covariance of a distribution, and the KL of their Gaussian to N(0, I)."""

    kl: float  # in nats; 0 at best, infinite where there is a direction without any spread
    covariance: str  # "full" if N > 2 d, else "diagonal": fewer codes determine no full one
    mean: np.ndarray  # float64 (d,)
    variance: np.ndarray  # float64 (d,)


@dataclass(frozen=True)
class AggregatePosterior:
    """The aggregate posterior q(z_u) = 1/N sum_i N(m_i, diag exp(logvar_i)) against N(0, I).

    Attributes:
        kl, covariance: see :class:`Moments`. With a full covariance, N codes of a perfect model
            still give about d (d + 3) / 4N if the means vary as much as the prior does.
        mean_offset: mean over dimensions of the absolute mean; 0 at best.
        variance_offset: mean over dimensions of the absolute difference of the variance from
            1; 0 at best.
        kl_per_image: KL(q(z_u|x) || N(0, I)) in nats, the L_kl of Eq. 3, mean over images.
        n: images.
    """

    kl: float
    covariance: str
    mean_offset: float
    variance_offset: float
    kl_per_image: float
    n: int


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
        distance: how far codes are from the prior p(z_s|y) that is sampled from, in nats per
            dimension: `Moments.kl` of (z_s - mu_y) / sigma_y, all classes pooled, over d. 0 at
            best. Beside too wide codes, which the Mahalanobis distance finds as well, it finds too
            narrow and correlated ones. Infinite where codes have no spread in some direction.
    """

    accuracy: float
    mahalanobis: float
    ks: float
    calibration: tuple[float, ...]
    centre_separation: float
    information: float
    ceiling: float
    distance: float


def active_units(means: np.ndarray) -> np.ndarray:
    """Which dimensions depend on the image, bool (d,): their variance is above `ACTIVE_ABOVE`.

    Args:
        means: float (N, d), N > 1: posterior means of z_u; or z_s itself, which is deterministic
            and so its own posterior mean. The scale of z_u is set by N(0, I), that of z_s by the
            learned mixture, so the two counts share a threshold but not a unit of length.

    Raises:
        UserError: NaN, or fewer than two codes.
    """
    _check_codes(means)
    return means.var(axis=0, dtype=np.float64) > ACTIVE_ABOVE


def moments(codes: np.ndarray, within: np.ndarray | float = 0.0) -> Moments:
    """Compare the moments of codes, float (N, d), with those of N(0, I).

    Args:
        within: float (d,), variance of each code about itself, mean over the codes; 0 for
            deterministic codes.

    Raises:
        UserError: NaN, or fewer than two codes.
    """
    _check_codes(codes)
    n, dim = codes.shape
    mean = codes.mean(axis=0, dtype=np.float64)
    variance = codes.var(axis=0, dtype=np.float64) + within
    full = n > 2 * dim
    if full:
        covariance = np.cov(codes, rowvar=False, bias=True, dtype=np.float64).reshape(dim, dim)
        covariance[np.diag_indices(dim)] += within
        log_determinant = np.linalg.slogdet(covariance).logabsdet
    else:
        with np.errstate(divide="ignore"):
            log_determinant = np.log(variance).sum()
    kl = float(0.5 * (variance.sum() + mean @ mean - dim - log_determinant))
    return Moments(kl, "full" if full else "diagonal", mean, variance)


def aggregate_posterior(means: np.ndarray, logvars: np.ndarray) -> AggregatePosterior:
    """Compare the aggregate posterior of z_u with N(0, I), from its exact first two moments.

    Args:
        means, logvars: float (N, d), N > 1, of the posteriors q(z_u|x).

    Raises:
        UserError: shapes that do not match, NaN, or fewer than two codes.
    """
    _check_codes(means)
    check_matrix(logvars, "log-variances of z_u", len(means))
    check_features(ENCODE, **{"means": means, "log-variances of z_u": logvars})
    n, dim = means.shape
    within, kl_per_image = np.zeros(dim), 0.0
    for start in range(0, n, _BATCH):
        m, logvar = (array[start : start + _BATCH].astype(np.float64) for array in (means, logvars))
        within += np.exp(logvar).sum(axis=0) / n
        kl = kl_standard_normal(torch.from_numpy(m), torch.from_numpy(logvar)).item()
        kl_per_image += kl * len(m) / n
    found = moments(means, within)
    return AggregatePosterior(
        found.kl,
        found.covariance,
        float(np.abs(found.mean).mean()),
        float(np.abs(found.variance - 1).mean()),
        kl_per_image,
        n,
    )


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
    _check_mixture(mu, sigma, z_s, labels)
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
        moments((z_s.astype(np.float64) - mu[labels]) / sigma[labels]).kl / degrees,
    )


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


def _check_mixture(mu: np.ndarray, sigma: np.ndarray, z_s: np.ndarray, labels: np.ndarray) -> None:
    check_matrix(mu, "mu", fix=_TAKE)
    check_matrix(sigma, "sigma", len(mu), _TAKE)
    check_features(ENCODE, z_s=z_s, mu=mu, sigma=sigma)
    check_classes("labels", labels, z_s)
    if sigma.min() <= 0:
        raise UserError(f"sigma: expected standard deviations > 0, found {sigma.min()}; {_TAKE}")
    if labels.max() >= len(mu):
        raise UserError(
            f"labels: expected 0 to {len(mu) - 1} (the mixture's classes), found {labels.max()}; "
            "use the data set that the model was trained on"
        )


def _check_codes(codes: np.ndarray) -> None:
    check_matrix(codes, "codes")
    if len(codes) < 2:
        raise UserError("codes: expected at least 2, found 1; use more images")

"""Latents in use, and how near the codes of a data set come to a prior N(0, I)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dlvae.method.losses import kl_standard_normal
from dlvae.stage.errors import UserError
from eval.metrics.measured import check_matrix, check_same_width

ACTIVE_ABOVE = 0.01
"""Variance over images above which a unit is active (Burda et al. 2016, Section 5.2)."""

_BATCH = 4096


@dataclass(frozen=True)
class AggregatePosterior:
    """The aggregate posterior q(z_u) = 1/N sum_i N(m_i, diag exp(logvar_i)) against N(0, I).

    Attributes:
        kl: KL of the Gaussian with the mean and the covariance of q(z_u) to N(0, I), in nats; 0
            at best. With a full covariance, N codes of a perfect model still give about
            d (d + 3) / 4N if the means vary as much as the prior does.
        covariance: "full" if N > 2 d, else "diagonal", for fewer codes do not determine a full one.
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
class Moments:
    """Mean and covariance of a distribution, against N(0, I).

    Attributes:
        kl: KL of the Gaussian with this mean and covariance to N(0, I), in nats; 0 at best,
            infinite where there is a direction without any spread.
        covariance: "full" if N > 2 d, else "diagonal".
        mean, variance: float64 (d,).
    """

    kl: float
    covariance: str
    mean: np.ndarray
    variance: np.ndarray


def moments(codes: np.ndarray, within: np.ndarray | float = 0.0) -> Moments:
    """Compare the moments of codes, float (N, d), with those of N(0, I).

    Args:
        within: float (d,), variance of each code about itself, mean over the codes; 0 for
            deterministic codes.

    Raises:
        UserError: NaN, or fewer than two codes.
    """
    _check(codes)
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


def active_units(means: np.ndarray) -> np.ndarray:
    """Which dimensions depend on the image, bool (d,): their variance is above `ACTIVE_ABOVE`.

    Args:
        means: float (N, d), N > 1: posterior means of z_u; or z_s itself, which is deterministic
            and so its own posterior mean. The scale of z_u is set by N(0, I), that of z_s by the
            learned mixture, so the two counts share a threshold but not a unit of length.

    Raises:
        UserError: NaN, or fewer than two codes.
    """
    _check(means)
    return means.var(axis=0, dtype=np.float64) > ACTIVE_ABOVE


def aggregate_posterior(means: np.ndarray, logvars: np.ndarray) -> AggregatePosterior:
    """Compare the aggregate posterior of z_u with N(0, I), from its exact first two moments.

    Args:
        means, logvars: float (N, d), N > 1, of the posteriors q(z_u|x).

    Raises:
        UserError: shapes that do not match, NaN, or fewer than two codes.
    """
    _check(means)
    check_matrix(logvars, "log-variances of z_u", len(means))
    check_same_width({"means": means, "log-variances of z_u": logvars})
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


def _check(means: np.ndarray) -> None:
    check_matrix(means, "codes")
    if len(means) < 2:
        raise UserError("codes: expected at least 2, found 1; use more images")

"""The learned Gaussian mixture over z_s: p(z_s) = 1/C sum_c N(z_s; mu_c, Sigma_c), Eq. 6.

Everything is computed in the log domain and in full precision, under autocast too. The published
code multiplies densities in linear space, which overflows or loses its gradient at 512 dimensions.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlvae.method.losses import cross_entropy, full_precision

PRECISION_BOUNDS = (0.01, 100.0)
MOMENTUM = 0.01  # of the running moments, per code of a class
_INITIAL_V = 0.54  # softplus(0.54) = 0.9992: Sigma_c starts near the identity, as published
_IDENTITY_V = math.log(math.expm1(1.0))  # softplus of it is 1
TINY_VARIANCE = 1e-12  # of a dimension in which all codes agree
_LOG_2PI = math.log(2 * math.pi)


class GaussianMixture(nn.Module):
    """One Gaussian with a diagonal covariance per class, of equal weights 1/C.

    `param` says what is learned for Sigma_c: "precision" (tau = softplus(v), as published) or
    "logvar" (tau = exp(-logvar)). L_lkd is unbounded below where sigma_c -> 0 on a constant code,
    so :meth:`clamp_` keeps tau within `PRECISION_BOUNDS` and counts how often that binds. With
    `fixed` Sigma_c is the identity and asks for no gradient. With `running` samples are drawn from
    running moments of each class's codes (:meth:`track`) in the place of mu_c and Sigma_c, which
    L_GM goes on to train.

    Parameters are `mu` (C, d), Xavier uniform, and `scale` (C, d), holding v or logvar.
    """

    def __init__(
        self,
        classes: int,
        dim: int,
        param: str = "precision",
        fixed: bool = False,
        running: bool = False,
    ) -> None:
        super().__init__()
        self.param = param
        self.mu = nn.Parameter(nn.init.xavier_uniform_(torch.empty(classes, dim)))
        initial = 0.0 if param == "logvar" else _IDENTITY_V if fixed else _INITIAL_V
        scale = torch.full((classes, dim), initial)
        self.scale = nn.Parameter(scale, requires_grad=not fixed)
        self.register_buffer("clamped", torch.zeros((), dtype=torch.int64))
        self.register_buffer("clamp_checked", torch.zeros((), dtype=torch.int64))
        self.running = running
        if running:
            self.register_buffer("running_mean", self.mu.detach().clone())
            self.register_buffer("running_var", torch.ones(classes, dim))

    def precision(self) -> Tensor:
        """Return tau (C, d), the inverse variances."""
        return self._tau(self.scale)

    def _precision_of(self, labels: Tensor) -> Tensor:
        """Return tau of `labels` (B,) as (B, d), made for all classes only where they are fewer."""
        if len(labels) < len(self.scale):
            return self._tau(self.scale[labels])
        return self.precision()[labels]

    def _tau(self, scale: Tensor) -> Tensor:
        return F.softplus(scale) if self.param == "precision" else scale.neg().exp()

    @torch.no_grad()
    def clamp_(self) -> None:
        """Project tau onto `PRECISION_BOUNDS` and count the entries moved; call after each update.

        The parameter is projected, rather than tau clamped at use, so that the gradient of a
        bound entry stays alive and can lead it back inside.
        """
        low, high = PRECISION_BOUNDS
        if self.param == "precision":  # inverse of softplus
            bounds = math.log(math.expm1(low)), math.log(math.expm1(high))
        else:
            bounds = -math.log(high), -math.log(low)
        projected = self.scale.clamp(*bounds)
        self.clamped += projected.ne(self.scale).sum()
        self.clamp_checked += projected.numel()
        self.scale.copy_(projected)

    @property
    def clamp_share(self) -> Tensor:
        """Share of all precisions ever checked at which the clamp bound, 0-dim in [0, 1]."""
        return self.clamped / self.clamp_checked.clamp(min=1)

    def logits(self, z: Tensor) -> Tensor:
        """Return ell_k = -1/2 sum_d tau_kd (z_d - mu_kd)^2 + 1/2 sum_d log tau_kd as (B, C).

        The logits of q(c|z_s), Eq. 8: log N(z; mu_k, Sigma_k) without its constant. The square is
        expanded into two matrix products, never in less than float32, about the mean of all mu_k:
        an offset that they share would cost the difference its digits.
        """
        z, centre = full_precision(z), self.mu.detach().mean(0)
        with torch.autocast(z.device.type, enabled=False):
            z, mu, tau = z - centre, self.mu - centre, self.precision()
            tau_mu = tau * mu
            bias = 0.5 * (tau.log() - tau_mu * mu).sum(1)
            return torch.addmm(torch.addmm(bias, z, tau_mu.t()), z.square(), tau.t(), alpha=-0.5)

    def likelihood_constant(self) -> float:
        """Return d/2 log(2 pi), what `logits` leaves out of every log-density."""
        return 0.5 * self.mu.shape[1] * _LOG_2PI

    def log_likelihood(self, z: Tensor, labels: Tensor) -> Tensor:
        """Return log N(z; mu_y, Sigma_y) as (B,); -L_lkd of Eq. 7 is its mean over the batch."""
        return _log_normal(full_precision(z), self.mu[labels], self._precision_of(labels))

    def classification_losses(self, z: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return (L_cls of Eq. 8, L_lkd of Eq. 7), batch means, from one set of logits."""
        logits = self.logits(z)
        l_lkd = F.nll_loss(logits, labels) + self.likelihood_constant()
        return cross_entropy(logits, labels), l_lkd

    def log_mixture(self, z: Tensor) -> Tensor:
        """Return log p(z_s) of the whole mixture as (B,), Eq. 6."""
        constant = math.log(self.mu.shape[0]) + self.likelihood_constant()
        return self.logits(z).logsumexp(1) - constant

    def total_moments(self) -> tuple[Tensor, Tensor]:
        """Return the mean mu_t and the variance sigma_t^2 of the whole mixture, (d,) each, Eq. 11.

        The variance of the means is written as a mean of squared deviations: the same number as
        the equation's difference of squares, without its cancellation.
        """
        mean = self.mu.mean(0)
        variance = self.precision().reciprocal().mean(0) + (self.mu - mean).square().mean(0)
        return mean, variance

    def log_total(self, z: Tensor) -> Tensor:
        """Return log N(z; mu_t, diag sigma_t^2) as (B,): -L_lkd of a code of unknown class."""
        mean, variance = self.total_moments()
        return _log_normal(full_precision(z), mean, variance.reciprocal())

    @torch.no_grad()
    def track(self, z: Tensor, labels: Tensor) -> None:
        """Move the running moments towards those of codes z (B, d) of `labels` (B,), if kept.

        A class moves by 1 - (1 - `MOMENTUM`)^n for n codes in the batch. Moments are joined as
        those of a mixture of what was and what is new, without a difference of squares.
        """
        if not self.running:
            return
        z, shape = full_precision(z), self.running_mean.shape
        count = torch.bincount(labels, minlength=shape[0]).to(z.dtype)[:, None]
        index = labels[:, None].expand_as(z)
        mean = z.new_zeros(shape).scatter_add_(0, index, z) / count.clamp(min=1)
        squares = z.new_zeros(shape).scatter_add_(0, index, (z - mean[labels]).square())
        variance, rate = squares / count.clamp(min=1), 1 - (1 - MOMENTUM) ** count
        moved = mean - self.running_mean
        self.running_var.add_(rate * moved.square()).mul_(1 - rate).add_(rate * variance)
        self.running_mean.add_(rate * moved)

    @torch.no_grad()
    def fit(self, z: Tensor, labels: Tensor) -> None:
        """Set mu_c and Sigma_c to mean and variance of each class's codes z (N, d).

        The minimiser of L_lkd (Eq. 7) for these codes, in float64 and without the bounds of
        :meth:`clamp_`. A class without codes keeps its Gaussian.
        """
        for label in labels.unique().tolist():
            codes = z[labels == label].double()
            mean, variance = codes.mean(0), codes.var(0, unbiased=False).clamp(min=TINY_VARIANCE)
            self.mu[label] = mean.to(self.mu.dtype)
            if self.param == "logvar":
                self.scale[label] = variance.log().to(self.scale.dtype)
            else:  # inverse of softplus
                tau = variance.reciprocal()
                self.scale[label] = (tau + (-torch.expm1(-tau)).log()).to(self.scale.dtype)
            if self.running:
                self.running_mean[label], self.running_var[label] = mean, variance

    def sample(self, labels: Tensor, noise: Tensor) -> Tensor:
        """Return mu_y + sigma_y * noise for labels (B,) and N(0, 1) noise (B, d).

        Under `running`, the running mean and standard deviation stand in for mu_y and sigma_y.
        """
        if self.running:
            return self.running_mean[labels] + self.running_var[labels].sqrt() * noise
        return self.mu[labels] + self._precision_of(labels).rsqrt() * noise

    def sampled_moments(self) -> tuple[Tensor, Tensor]:
        """Return the means and standard deviations (C, d) that :meth:`sample` draws with."""
        if self.running:
            return self.running_mean, self.running_var.sqrt()
        return self.mu, self.precision().rsqrt()


class CodePrior(nn.Module):
    """The prior of z_u, or of a baseline's z: N(0, I) as published, a diagonal Gaussian if fitted.

    Buffers `mean` and `std` (d,) are 0 and 1 in every training.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))

    @torch.no_grad()
    def fit(self, means: Tensor, logvars: Tensor) -> None:
        """Set it to the moments of the aggregate posterior 1/N sum_i N(m_i, diag exp(logvar_i)).

        Of all diagonal Gaussians the one nearest to it in KL(aggregate || Gaussian).

        Args:
            means, logvars: (N, d).
        """
        m, within = means.double(), logvars.double().exp().mean(0)
        self.mean.copy_(m.mean(0))
        self.std.copy_((m.var(0, unbiased=False) + within).sqrt())

    def sample(self, noise: Tensor) -> Tensor:
        """Return mean + std * noise for N(0, 1) noise (B, d)."""
        return self.mean + self.std * noise


def _log_normal(z: Tensor, mean: Tensor, precision: Tensor) -> Tensor:
    """Return the log-density (B,) of diagonal Gaussians at z (B, d)."""
    per_dimension = precision.log() - precision * (z - mean).square() - _LOG_2PI
    return 0.5 * per_dimension.sum(1)

"""The paper's equations as they are printed, in float64 NumPy.

Nothing here is fast or guarded against overflow beyond what float64 gives, and nothing is shared
with the project. Notation: codes z (B, d), labels y (B,), means mu (C, d), `variance` (C, d) the
diagonals of Sigma_c, discriminator logits (B,) with D = sigmoid(logit).
"""

import numpy as np
from scipy.special import logsumexp


def float64(tensor):
    """A tensor as a float64 array."""
    return tensor.detach().double().numpy()


def variances(raw, param):
    """Diagonals of Sigma_c from the learned parameter: 1 / log(1 + e^v), or e^logvar."""
    return 1 / np.log1p(np.exp(raw)) if param == "precision" else np.exp(raw)


def parameters(prior):
    """mu and the variances of a mixture, from its raw parameters alone."""
    return float64(prior.mu), variances(float64(prior.scale), prior.param)


def log_normal(z, mean, variance):
    """log N(z; mean, diag variance), the last axis being the dimensions."""
    return -0.5 * (np.log(2 * np.pi * variance) + (z - mean) ** 2 / variance).sum(-1)


def log_densities(z, mu, variance):
    """log N(z_i; mu_k, Sigma_k) as (B, C)."""
    return np.stack([log_normal(z, m, v) for m, v in zip(mu, variance, strict=True)], axis=1)


def log_mixture(z, mu, variance):
    """log of Eq. 6, p(c) = 1/C."""
    return logsumexp(log_densities(z, mu, variance), axis=1) - np.log(len(mu))


def log_posterior(z, mu, variance):
    """log q(c|z_s) of Eq. 8 as (B, C); p(c) = 1/C cancels."""
    log_density = log_densities(z, mu, variance)
    return log_density - logsumexp(log_density, axis=1, keepdims=True)


def l_lkd(z, y, mu, variance):
    """Eq. 7, mean over the batch."""
    return -np.mean([log_normal(z[i], mu[k], variance[k]) for i, k in enumerate(y)])


def l_cls(z, y, mu, variance):
    """Eq. 8, mean over the batch."""
    return -log_posterior(z, mu, variance)[np.arange(len(y)), y].mean()


def l_gm(z, y, mu, variance, lambda_lkd):
    """Eq. 9."""
    return l_cls(z, y, mu, variance) + lambda_lkd * l_lkd(z, y, mu, variance)


def total_moments(mu, variance):
    """Eq. 11 with p(c) = 1/C: mean mu_t and variance sigma_t^2 of the mixture, (d,) each."""
    p = 1 / len(mu)
    mean = (p * mu).sum(0)
    return mean, (p * variance).sum(0) + (p * mu**2).sum(0) - mean**2


def l_kl(mean, logvar):
    """Eq. 3 in closed form, mean over the batch: (trace + square - d - log det) / 2."""
    variance = np.exp(logvar)
    trace, square, log_det = variance.sum(1), (mean**2).sum(1), np.log(variance).sum(1)
    return np.mean(0.5 * (trace + square - mean.shape[1] - log_det))


def cross_entropy(logits, target):
    """Eq. 4 and 5: -sum_c target_c log q(c), mean over the batch; target is (B, C) or (C,)."""
    log_q = logits - logsumexp(logits, axis=1, keepdims=True)
    return -(target * log_q).sum(1).mean()


def l_rec(x, x_f, variant):
    """Algorithm 1's 1/2 ||x - x_f||^2 (`paper`), or the mean over all values (`code`)."""
    squared = np.square(x - x_f).reshape(len(x), -1)
    return squared.mean() if variant == "code" else np.mean([0.5 * row.sum() for row in squared])


def l_d(real, fakes, kind):
    """L_D^adv of Eq. 10 and Algorithm 1, for `log`; each term max(0, 1 -+ logit) for `hinge`."""
    if kind == "hinge":
        return np.maximum(0, 1 - real).mean() + sum(np.maximum(0, 1 + f).mean() for f in fakes)
    # 1 / (1 + e^-t) is D and 1 / (1 + e^t) is 1 - D.
    on_real = -np.log(1 / (1 + np.exp(-real))).mean()
    return on_real + sum(-np.log(1 / (1 + np.exp(f))).mean() for f in fakes)


def l_gd(fakes, kind):
    """L_GD^adv of Eq. 10 and Algorithm 1, for `log`; minus the logit for `hinge`."""
    if kind == "hinge":
        return sum(-f.mean() for f in fakes)
    return sum(-np.log(1 / (1 + np.exp(-f))).mean() for f in fakes)


def gm_gradients(z, y, mu, variance, lambda_lkd):
    """Gradients of Eq. 9 with respect to z (B, d), mu (C, d) and the precisions (C, d).

    With ell_ik = log N(z_i; mu_k, Sigma_k), the derivative of L_GM by ell_ik is
    (q(k|z_i) - (1 + lambda_lkd) I(k = y_i)) / B.
    """
    share = np.exp(log_posterior(z, mu, variance)) - (1 + lambda_lkd) * np.eye(len(mu))[y]
    share /= len(z)
    by_z, by_mu, by_precision = np.zeros_like(z), np.zeros_like(mu), np.zeros_like(mu)
    for k in range(len(mu)):
        offset, weight = z - mu[k], share[:, k, None]
        by_z -= weight * offset / variance[k]
        by_mu[k] = (weight * offset / variance[k]).sum(0)
        by_precision[k] = (weight * 0.5 * (variance[k] - offset**2)).sum(0)
    return by_z, by_mu, by_precision


def checkerboard_ms_ssim(first, second, variant):
    """MS-SSIM of two checkerboards of one colour, worked out by hand, without clamping.

    A checkerboard of level m and amplitude a has pixels m + a (-1)^(row + column). Under a window w
    its local mean is m -+ a e^2 with e = sum_i w_i (-1)^i, so that all local (co)variances of two
    boards are a_1 a_2 (1 - e^4). The 2 x 2 means are flat: every coarser scale has
    contrast-structure 1, and the last has the luminance of m_1 and m_2.

    Args:
        first, second: (m, a) in grey levels 0 to 255.

    Returns:
        The factor at the finest scale, which may be negative, and the luminance at the last.
    """
    low, high = variant.pixel_range
    (m1, a1), (m2, a2) = (
        (m / 255 * (high - low) + low, a / 255 * (high - low)) for m, a in (first, second)
    )
    at, sigma = np.arange(variant.scales[0].window), variant.scales[0].sigma
    line = np.exp(-((at - at.mean()) ** 2) / (2 * sigma**2))
    e = (line / line.sum() * (-1.0) ** at).sum()
    c1, c2 = ((k * variant.data_range) ** 2 for k in (variant.k1, variant.k2))
    share = 1 - e**4
    structure = (2 * a1 * a2 * share + c2) / ((a1**2 + a2**2) * share + c2)
    return structure, (2 * m1 * m2 + c1) / (m1**2 + m2**2 + c1)

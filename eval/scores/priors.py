"""How near the codes of held-out images are to the priors that samples are drawn from.

Of z_s the learned mixture (Section 3.3), of z_u N(0, I), or what either was set to if the priors
were fitted to the codes. A baseline's z is scored as z_u; it has no z_s.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from dlvae.base import GenerativeModel
from dlvae.method.prior import GaussianMixture
from dlvae.stage.registry import load_model
from eval.families import FAMILIES
from eval.metrics.disentanglement.prior_fit import aggregate_posterior, mixture_fit
from eval.metrics.measured import Measured
from eval.models.encoding import (
    NO_CODES,
    NO_Z_S,
    SplitCodes,
    encode_split,
    has_codes,
    split_to_encode,
)
from eval.request import FamilyScores, ScoreRequest

METRICS = FAMILIES["priors"].metrics
OF_Z_S, OF_Z_U = METRICS[:-2], METRICS[-2:]

NO_MIXTURE = "the model has no mixture over z_s"
NO_SPREAD = "needs codes that spread in every direction"


def priors(request: ScoreRequest) -> FamilyScores:
    """Score a model that encodes, input ``model``: `METRICS`.

    The mixture: accuracy of the class that Eq. 8 finds most likely, mean squared Mahalanobis
    distance of z_s to its own class over d_s (1 for codes that follow the mixture) and the
    Kolmogorov-Smirnov distance of it, distance of the centres, information on the class, and the
    KL of codes to prior. z_u: KL of the aggregate posterior to its prior in nats per dimension, and
    of the posterior of an image in nats. A metric that the model has not is there without a value.
    """
    model, test = load_model(request.path("model")), split_to_encode(request.data, "test")
    values = dict.fromkeys(METRICS, Measured(None, len(test), note=NO_CODES))
    extra: dict[str, Any] = {}
    if has_codes(model):
        codes = encode_split(model, test)
        found, extra = _of_z_s(model, codes)
        aggregate = aggregate_posterior(*_in_units_of_the_prior(model, codes))
        of_z_u = (aggregate.kl / codes.z_u.shape[1], aggregate.kl_per_image)
        values |= found | {m: Measured(v, len(test)) for m, v in zip(OF_Z_U, of_z_u, strict=True)}
        extra["aggregate_posterior"] = dataclasses.asdict(aggregate)
    label, files = request.config["model"], request.splits("test")
    return FamilyScores.of_model(request, values, label=label, files=files, extra=extra)


def _of_z_s(
    model: GenerativeModel, codes: SplitCodes
) -> tuple[dict[str, Measured], dict[str, Any]]:
    """Hold z_s against the mixture that it is sampled from, if there are both."""
    prior, labels, n = getattr(model, "prior", None), codes.split.labels, len(codes.split)
    if codes.z_s is None or not isinstance(prior, GaussianMixture):
        note = NO_Z_S if codes.z_s is None else NO_MIXTURE
        return dict.fromkeys(OF_Z_S, Measured(None, n, note=note)), {}
    mu, sigma = (part.detach().cpu().numpy() for part in prior.sampled_moments())
    fit = mixture_fit(mu, sigma, codes.z_s, labels)
    near = fit.distance if np.isfinite(fit.distance) else None
    values = {
        "mixture_accuracy": Measured.share(fit.accuracy, n),
        "mahalanobis_ratio": Measured(fit.mahalanobis, n),
        "mahalanobis_ks": Measured(fit.ks, n),
        "centre_separation": Measured(fit.centre_separation, n),
        "information_bound": Measured(fit.information, n),
        "information_ceiling": Measured(fit.ceiling, n),
        "prior_distance": Measured(near, n, note=NO_SPREAD),
    }
    return values, {"calibration": fit.calibration}


def _in_units_of_the_prior(
    model: GenerativeModel, codes: SplitCodes
) -> tuple[np.ndarray, np.ndarray]:
    """Return posterior means and log-variances as if the prior of z_u, or of z, were N(0, I)."""
    prior = getattr(model, "prior_u", getattr(model, "prior_z", None))
    if prior is None:
        return codes.z_u, codes.z_u_logvar
    mean, std = (part.cpu().numpy() for part in (prior.mean, prior.std))
    return (codes.z_u - mean) / std, codes.z_u_logvar - 2 * np.log(std)

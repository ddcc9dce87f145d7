"""How near the codes of held-out images are to the priors that samples are drawn from.

Of z_s the learned mixture (Section 3.3), of z_u N(0, I), or what either was set to if the priors
were fitted to the codes. A baseline's z is scored as z_u; it has no z_s.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from dlvae.base import GenerativeModel
from dlvae.method.prior import GaussianMixture
from dlvae.stage.registry import load_model
from eval.metrics.disentanglement.latents import AggregatePosterior, aggregate_posterior
from eval.metrics.disentanglement.mixture import MixtureFit, mixture_fit, prior_distance
from eval.metrics.measured import Measured
from eval.models.decoding import model_files
from eval.models.encoding import SplitCodes, encode_split, has_codes, split_to_encode
from eval.score_request import ScoreRequest, Scores

OF_Z_S = (
    "mixture_accuracy",
    "mahalanobis_ratio",
    "mahalanobis_ks",
    "centre_separation",
    "information_bound",
    "information_ceiling",
    "prior_distance",
)
OF_Z_U = ("aggregate_kl", "posterior_kl")
METRICS = (*OF_Z_S, *OF_Z_U)

NO_CODES = "needs a model that encodes images"
NO_Z_S = "the model has no z_s"
NO_MIXTURE = "the model has no mixture over z_s"
NO_SPREAD = "needs codes that spread in every direction"


def priors(request: ScoreRequest) -> Scores:
    """Score a model that encodes, input ``model``: `METRICS`.

    The mixture: accuracy of the class that Eq. 8 finds most likely, mean squared Mahalanobis
    distance of z_s to its own class over d_s (1 for codes that follow the mixture) and the
    Kolmogorov-Smirnov distance of it, distance of the centres, information on the class, and the
    KL of codes to prior. z_u: KL of the aggregate posterior to its prior in nats per dimension, and
    of the posterior of an image in nats. A metric that the model has not is there without a value.
    """
    folder, test = request.path("model"), split_to_encode(request.data, "test")
    n = len(test)
    values = {name: Measured(None, n, note=NO_CODES) for name in METRICS}
    extra = {}
    model = load_model(folder)
    if has_codes(model):
        codes = encode_split(model, test)
        fit, near = _mixture(model, codes)
        aggregate = aggregate_posterior(*_in_units_of_the_prior(model, codes))
        values |= _of_z_s(codes, fit, near, n) | _of_z_u(aggregate, codes.z_u.shape[1], n)
        extra["aggregate_posterior"] = dataclasses.asdict(aggregate)
        if fit is not None:
            extra["calibration"] = fit.calibration
    files = model_files(request.config["model"], folder)
    files |= {"data/test.npz": request.data / "test.npz"}
    return Scores.of_model(folder, values, files=files, extra=extra)


def _mixture(model: GenerativeModel, codes: SplitCodes) -> tuple[MixtureFit | None, float]:
    """Hold z_s against the mixture that it is sampled from, if there are both."""
    prior = getattr(model, "prior", None)
    if codes.z_s is None or not isinstance(prior, GaussianMixture):
        return None, np.inf
    mu, sigma = (part.detach().cpu().numpy() for part in prior.sampled_moments())
    labels = codes.split.labels
    return mixture_fit(mu, sigma, codes.z_s, labels), prior_distance(mu, sigma, codes.z_s, labels)


def _of_z_s(codes: SplitCodes, fit: MixtureFit | None, near: float, n: int) -> dict[str, Measured]:
    if fit is None:
        note = NO_Z_S if codes.z_s is None else NO_MIXTURE
        return {name: Measured(None, n, note=note) for name in OF_Z_S}
    distance = Measured(near, n) if np.isfinite(near) else Measured(None, n, note=NO_SPREAD)
    return {
        "mixture_accuracy": Measured.share(fit.accuracy, n),
        "mahalanobis_ratio": Measured(fit.mahalanobis, n),
        "mahalanobis_ks": Measured(fit.ks, n),
        "centre_separation": Measured(fit.centre_separation, n),
        "information_bound": Measured(fit.information, n),
        "information_ceiling": Measured(fit.ceiling, n),
        "prior_distance": distance,
    }


def _of_z_u(aggregate: AggregatePosterior, dimensions: int, n: int) -> dict[str, Measured]:
    return {
        "aggregate_kl": Measured(aggregate.kl / dimensions, n),
        "posterior_kl": Measured(aggregate.kl_per_image, n),
    }


def _in_units_of_the_prior(
    model: GenerativeModel, codes: SplitCodes
) -> tuple[np.ndarray, np.ndarray]:
    """Return posterior means and log-variances as if the prior of z_u, or of z, were N(0, I)."""
    prior = getattr(model, "prior_u", getattr(model, "prior_z", None))
    if prior is None:
        return codes.z_u, codes.z_u_logvar
    mean, std = (part.cpu().numpy() for part in (prior.mean, prior.std))
    return (codes.z_u - mean) / std, codes.z_u_logvar - 2 * np.log(std)

"""The family `priors` on images whose pixels are their codes, and on untrained models."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from coded_pixels import CARD, CENTRES, CLASSES, D_S, D_U, LOGVAR, SIGMA, Pixels, drawn
from dlvae.base import Method, Task
from dlvae.data.dataset import save_dataset
from dlvae.method.prior import CodePrior
from dlvae.stage.registry import build_seeded, load_model, save_model
from eval.models import encoding
from eval.request import ScoreRequest
from eval.scores import priors as family
from eval.scores.priors import METRICS, OF_Z_S, OF_Z_U, priors

PROTOCOL = Path(__file__).resolve().parents[3] / "config" / "protocol" / "smoke.yaml"


def asked(folder, model="ours"):
    config = {"preset": "smoke", "dataset": "pixels", "model": model, "seed": 4}
    return ScoreRequest(
        "priors", config, {"model": str(folder / model)}, folder / "pixels", PROTOCOL
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Prepared data, and untrained models of it."""
    folder = tmp_path_factory.mktemp("priors")
    splits = {"train": drawn(60, 1)[0], "test": drawn(40, 2)[0]}
    save_dataset(folder / "pixels", splits, CARD | {"dataset": "pixels"})
    task = Task("image", "net32", 32, len(CLASSES), 0.05, D_S, D_U, 8, 240)
    for name in ("ours", "cvae", "cgan"):
        save_model(folder / name, name, build_seeded(name, task, Method(), {}, 0), {})
    return folder


def measured(folder, model):
    """Scores with ``model`` in place of the saved one."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(family, "load_model", lambda _: model)
        return priors(asked(folder))


@pytest.fixture(scope="module")
def found(folder):
    return measured(folder, Pixels())


def value(found, name):
    return found.values[name].value


def test_every_metric_is_of_held_out_images(found):
    assert list(found.values) == list(METRICS)
    assert {(one.value is None, one.n) for one in found.values.values()} == {(False, 160)}
    assert len(found.extra["calibration"]) == 19


def test_codes_drawn_from_the_mixture_fit_it(found):
    labels = np.repeat(np.arange(4), 40)
    offset = drawn(40, 2)[1] - CENTRES[labels]
    expected = np.mean((offset / SIGMA) ** 2)
    assert value(found, "mahalanobis_ratio") == pytest.approx(expected, rel=0.02)
    assert value(found, "mahalanobis_ks") < 0.12
    assert value(found, "mixture_accuracy") > 0.99
    assert found.values["mixture_accuracy"].kind == "wilson95"
    assert value(found, "information_ceiling") == pytest.approx(math.log(4))
    assert 0.95 < value(found, "information_bound") / math.log(4) <= 1
    assert 0 <= value(found, "prior_distance") < 0.05
    distances = [np.linalg.norm(a - b) for i, a in enumerate(CENTRES) for b in CENTRES[:i]]
    spread = SIGMA * math.sqrt(D_S)
    assert value(found, "centre_separation") == pytest.approx(np.mean(distances) / spread, rel=0.1)


def test_codes_without_spread_in_a_direction_have_no_distance_to_the_prior(folder):
    found = measured(folder, Pixels(flat=True))
    assert found.values["prior_distance"].note == "needs codes that spread in every direction"
    assert value(found, "mahalanobis_ratio") < 1


def divergences(mean, logvar):
    """Of posteriors N(mean, exp(logvar)) from N(0, I): per image, and of all together."""
    kl = 0.5 * (np.exp(logvar) + mean**2 - 1 - logvar).sum(axis=1)
    covariance = np.cov(mean, rowvar=False, bias=True) + np.diag(np.exp(logvar))
    centre, d = mean.mean(0), mean.shape[1]
    matched = np.trace(covariance) + centre @ centre - d - np.linalg.slogdet(covariance).logabsdet
    return kl.mean(), matched / 2 / d


def test_the_divergences_of_z_u(found):
    posterior, aggregate = divergences(drawn(40, 2)[2], np.full(D_U, LOGVAR))
    assert value(found, "posterior_kl") == pytest.approx(posterior, rel=0.02)
    assert value(found, "aggregate_kl") == pytest.approx(aggregate, rel=0.03)


@pytest.mark.parametrize("name", ["prior_u", "prior_z"])
def test_divergences_are_from_the_prior_that_was_fitted(folder, name):
    mean, std = np.array([0.5, -0.25, 0.0, 1.0]), np.array([1.0, 0.5, 2.0, 0.75])
    model, prior = Pixels(), CodePrior(D_U)
    prior.mean.copy_(torch.from_numpy(mean))
    prior.std.copy_(torch.from_numpy(std))
    setattr(model, name, prior)
    found = measured(folder, model)
    # A change of scale changes no divergence.
    z_u = (drawn(40, 2)[2] - mean) / std
    posterior, aggregate = divergences(z_u, LOGVAR - 2 * np.log(std))
    assert value(found, "posterior_kl") == pytest.approx(posterior, rel=0.02)
    assert value(found, "aggregate_kl") == pytest.approx(aggregate, rel=0.03)


def test_priors_fitted_to_the_codes_that_are_scored_are_nearest_to_them(folder):
    split = encoding.split_to_encode(folder / "pixels", "test")
    model = load_model(folder / "ours")
    before = measured(folder, model)
    model.fit_priors(encoding.model_values(split), torch.from_numpy(split.labels))
    fitted = measured(folder, model)
    assert value(fitted, "mahalanobis_ratio") == pytest.approx(1, abs=0.01)
    assert value(fitted, "prior_distance") < value(before, "prior_distance")
    assert value(fitted, "mixture_accuracy") > value(before, "mixture_accuracy")
    nearest = value(fitted, "aggregate_kl")
    assert nearest < value(before, "aggregate_kl")
    for change in (lambda: model.prior_u.mean.add_(0.1), lambda: model.prior_u.std.mul_(0.8)):
        change()
        assert value(measured(folder, model), "aggregate_kl") > nearest
        model.fit_priors(encoding.model_values(split), torch.from_numpy(split.labels))


def test_held_out_images_are_thinned_out_evenly_per_class(folder, monkeypatch):
    monkeypatch.setattr(encoding, "AT_MOST", {"test": 40})
    assert {one.n for one in measured(folder, Pixels()).values.values()} == {40}


def test_a_label_fed_encoder_has_no_z_s(folder):
    found = priors(asked(folder, "cvae"))
    assert {found.values[name].note for name in OF_Z_S} == {"the model has no z_s"}
    assert all(value(found, name) > 0 for name in OF_Z_U)


def test_codes_without_a_mixture_have_nothing_to_follow(folder):
    model = Pixels()
    del model.prior
    found = measured(folder, model)
    assert {found.values[name].note for name in OF_Z_S} == {"the model has no mixture over z_s"}
    assert all(value(found, name) > 0 for name in OF_Z_U)

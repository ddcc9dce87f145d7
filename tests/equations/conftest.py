"""What the tests of the equations share: the literal definitions, and mixtures to try them on."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch

from dlvae.method.prior import GaussianMixture
from tests.reference import equations


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The equations as they are printed."""
    return equations


@pytest.fixture(params=["precision", "logvar"])
def param(request) -> str:
    """What is learned for Sigma_c."""
    return request.param


@pytest.fixture
def make_prior() -> Callable[..., GaussianMixture]:
    """Mixture from means and standard deviations (C, d), in float64 unless told otherwise."""

    def make(mu, sigma, param="precision", dtype=torch.float64) -> GaussianMixture:
        mu, variance = np.asarray(mu, float), np.square(np.asarray(sigma, float))
        raw = np.log(np.expm1(1 / variance)) if param == "precision" else np.log(variance)
        mixture = GaussianMixture(*mu.shape, param).to(dtype)
        with torch.no_grad():
            mixture.mu.copy_(torch.from_numpy(mu))
            mixture.scale.copy_(torch.from_numpy(raw))
        return mixture

    return make

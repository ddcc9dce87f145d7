"""Codes along the paths of Figure 4 against the equations, and along single coordinates."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from dlvae.base import Method, Task
from dlvae.method.prior import CodePrior
from dlvae.stage.registry import build_seeded
from eval.models import paths

LABELS = torch.tensor([2, 0])
ALPHAS = np.linspace(0, 1, 8)[:, None]


@pytest.fixture(scope="module")
def model():
    """An untrained model whose sigma_c differ from 1."""
    built = build_seeded("ours", Task("image", "net32", 32, 3, 0.05, 4, 6, 8, 32), Method(), {}, 0)
    with torch.no_grad():
        built.prior.scale.copy_(torch.linspace(-2, 2, 12).view(3, 4))
    return built


def drawn(*shapes):
    """The same draws again, in order."""
    draws = torch.Generator().manual_seed(5)
    return [torch.randn(*shape, generator=draws).double().numpy() for shape in shapes]


def of_class(model):
    mu, v = (p.detach().double().numpy() for p in (model.prior.mu, model.prior.scale))
    return mu[LABELS.numpy()], (1 / np.sqrt(np.log1p(np.exp(v))))[LABELS.numpy()]


def test_a_path_of_z_s_follows_the_equation_in_every_class(model):
    z_s, z_u = paths.vary_z_s(model, LABELS, torch.Generator().manual_seed(5))
    (z1, z2), fixed = drawn((2, 4), (1, 6))
    mu, sigma = of_class(model)
    expected = mu[:, None] + sigma[:, None] * (ALPHAS * z1 + (1 - ALPHAS) * z2)
    np.testing.assert_allclose(z_s, expected, atol=1e-5)
    np.testing.assert_allclose(z_u, fixed, atol=1e-6)


def test_a_path_of_z_u_is_shared_by_rows_with_a_z_s_of_their_own(model):
    z_s, z_u = paths.vary_z_u(model, LABELS, torch.Generator().manual_seed(5))
    noise, (first, second) = drawn((2, 4), (2, 6))
    mu, sigma = of_class(model)
    np.testing.assert_allclose(z_s, (mu + sigma * noise)[:, None], atol=1e-5)
    np.testing.assert_allclose(z_u, ALPHAS * first + (1 - ALPHAS) * second, atol=1e-5)


def test_paths_follow_a_prior_of_z_u_that_was_fitted(model, monkeypatch):
    mean, std = np.arange(6.0), np.linspace(0.1, 3, 6)
    monkeypatch.setattr(model.prior_u, "mean", torch.from_numpy(mean))
    monkeypatch.setattr(model.prior_u, "std", torch.from_numpy(std))
    _, z_u = paths.vary_z_s(model, LABELS, torch.Generator().manual_seed(5))
    _, fixed = drawn((2, 4), (1, 6))
    np.testing.assert_allclose(z_u, mean + std * fixed, atol=1e-5)
    _, z_u = paths.vary_z_u(model, LABELS, torch.Generator().manual_seed(5))
    _, (first, second) = drawn((2, 4), (2, 6))
    np.testing.assert_allclose(
        z_u, mean + std * (ALPHAS * first + (1 - ALPHAS) * second), atol=1e-5
    )


def test_a_traversal_changes_one_coordinate():
    codes = torch.zeros(2, 1, 5)
    path = paths.traverse(codes, 3, torch.tensor([-1.0, 1.0]))
    assert path.shape == (2, 2, 5) and codes.abs().sum() == 0
    assert path[..., 3].tolist() == [[-1.0, 1.0]] * 2 and path.abs().sum() == 4


def test_values_are_in_units_of_the_prior():
    """The colours of a pixel are the coordinates, a tenth of each."""

    class Shown:
        device, prior_u = torch.device("cpu"), CodePrior(3)

        def decode(self, z_s, z_u):
            return z_u[:, :, None, None] / 10

    model, values = Shown(), torch.tensor([-3.0, 0.0, 3.0])
    model.prior_u.mean[1], model.prior_u.std[1] = 0.5, 2.0
    codes = torch.zeros(2, 1), torch.zeros(2, 3)

    def read(images):
        return 10 * (images[:, 0, 0] / 127.5 - 1)

    for coordinate, expected in ((1, [-5.5, 0.5, 6.5]), (0, [-3.0, 0.0, 3.0])):
        images, factors = paths.read_along(model, read, codes, coordinate, values)
        assert images.shape == (2, 3, 1, 1, 3)
        others = np.delete(factors, coordinate, axis=2)
        np.testing.assert_allclose(factors[..., coordinate], [expected] * 2, atol=0.05)
        np.testing.assert_allclose(others, np.zeros((2, 3, 2)), atol=0.05)


def test_spearman_agrees_with_scipy_and_survives_a_constant():
    random = np.random.default_rng(0)
    left, right = random.integers(0, 5, (40, 1)), random.normal(size=(40, 1))
    expected = spearmanr(left[:, 0], right[:, 0]).statistic
    assert paths.spearman(left, right)[0, 0] == pytest.approx(expected)
    assert paths.spearman(np.ones((40, 1)), right)[0, 0] == 0

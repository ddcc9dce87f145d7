"""Codes along the paths of Figure 4 against the equations, and what is said of a path."""

import numpy as np
import pytest
import torch

from dlvae.base import Method, Task
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


def test_smoothness_of_known_paths():
    start, direction = np.random.default_rng(0).normal(size=(2, 5))
    even = start + np.linspace(0, 1, 8)[:, None] * direction
    jump = start + np.repeat([0.0, 1.0], 4)[:, None] * direction
    still = np.tile(start, (8, 1))
    found = paths.smoothness(np.stack([[even, jump], [still, 100 * even]]))
    np.testing.assert_allclose(found, [[1, 0], [np.nan, 1]], atol=1e-9)
    # Steps of 1 and 2 on a line of length 3: s = 2/3, and at least 1/2.
    assert paths.smoothness(np.array([[0.0], [1.0], [3.0]])) == pytest.approx((1 - 2 / 3) / 0.5)
    # Half a circle in even steps: the diameter is 2, a step the chord of pi/7.
    angles = np.linspace(0, np.pi, 8)
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert paths.smoothness(arc) == pytest.approx((1 - np.sin(np.pi / 14)) / (6 / 7))


def test_points_in_no_order_are_not_smooth():
    found = paths.smoothness(np.random.default_rng(1).normal(size=(200, 8, 64)))
    assert (found >= -1e-12).all() and found.mean() < 0.1


def test_consistency_is_the_mean_cosine_over_pairs():
    rows = np.random.default_rng(2).normal(size=(5, 3))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [unit[i] @ unit[j] for i in range(5) for j in range(i)]
    assert paths.consistency(rows) == pytest.approx(np.mean(pairs))
    assert paths.consistency(np.array([[1.0, 1], [5, 5], [0.1, 0.1]])) == pytest.approx(1)
    assert paths.consistency(np.array([[1.0, 0], [-2, 0]])) == pytest.approx(-1)


def test_a_row_that_does_not_move_agrees_with_none():
    assert paths.consistency(np.array([[1.0, 0], [1, 0], [0, 0]])) == pytest.approx(1 / 3)

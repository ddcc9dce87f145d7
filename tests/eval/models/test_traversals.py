"""Coordinates of z_u: traversals, Spearman correlations and which coordinate is chosen."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dlvae.base import Task
from dlvae.method.prior import CodePrior
from eval.models import traversals


def test_a_traversal_changes_one_coordinate():
    codes = torch.zeros(2, 1, 5)
    path = traversals.traverse(codes, 3, torch.tensor([-1.0, 1.0]))
    assert path.shape == (2, 2, 5) and codes.abs().sum() == 0
    assert path[..., 3].tolist() == [[-1.0, 1.0]] * 2 and path.abs().sum() == 4


def test_values_are_in_units_of_the_prior():
    prior = CodePrior(3)
    prior.mean[1], prior.std[1] = 0.5, 2.0
    codes, values = torch.zeros(2, 3), torch.tensor([-3.0, 0.0, 3.0])
    path = traversals.traversal(SimpleNamespace(prior_u=prior), codes, 1, values)
    assert path.shape == (2, 3, 3) and path[..., 1].tolist() == [[-5.5, 0.5, 6.5]] * 2
    path = traversals.traversal(SimpleNamespace(prior_u=prior), codes, 0, values)
    assert path[..., 0].tolist() == [[-3.0, 0.0, 3.0]] * 2 and path[..., 1:].abs().sum() == 0


def test_the_coordinate_of_a_planted_factor_is_found(monkeypatch):
    class Planted:
        task = Task("image", "net32", 1, 2, 1.0, 2, 6, 8, 8)
        device, prior_u = torch.device("cpu"), CodePrior(6)

        def sample_codes(self, labels, draws):
            return torch.zeros(len(labels), 2), torch.randn(len(labels), 6, generator=draws)

        def decode(self, z_s, z_u):  # two pixels' colours are coordinates 4 and, faintly, 1
            shown = torch.stack([z_u[:, 4], 0.5 * z_u[:, 1] + 0.2 * z_u[:, 4]], 1) / 4
            return shown[:, None, None, :].expand(-1, 3, 1, 2)

    monkeypatch.setattr(traversals, "SCREENED", 256)
    found = traversals.by_factors(
        Planted(),
        lambda images: images[:, 0, :, 0].astype(float),
        {"azimuth": 0, "elevation": 1},
        torch.linspace(-3, 3, 8),
        torch.Generator().manual_seed(0),
    )
    assert {name: coordinate for name, (coordinate, _) in found.items()} == {
        "azimuth": 4,
        "elevation": 1,
    }
    assert found["azimuth"][1] > 0.99 and 0.8 < found["elevation"][1] < 1


def test_spearman_agrees_with_scipy_and_survives_a_constant():
    from scipy.stats import spearmanr

    random = np.random.default_rng(0)
    left, right = random.integers(0, 5, (40, 1)), random.normal(size=(40, 1))
    expected = spearmanr(left[:, 0], right[:, 0]).statistic
    assert traversals.spearman(left, right)[0, 0] == pytest.approx(expected)
    assert traversals.spearman(np.ones((40, 1)), right)[0, 0] == 0


def test_correlations_are_taken_within_each_row():
    """Rows on different levels hide a perfect order from a correlation over all of them."""
    from scipy.stats import spearmanr

    random = np.random.default_rng(0)
    values = torch.linspace(-3, 3, 8)
    levels = 100.0 * random.permutation(20)
    factors = np.stack([levels[:, None] + values.numpy(), random.normal(size=(20, 8))], 2)
    found = traversals.within_rows(values, factors.reshape(160, 2))
    assert found.shape == (20, 2) and found[:, 0] == pytest.approx(1)
    assert traversals.along(values, factors.reshape(160, 2))[0] < 0.2
    expected = [spearmanr(values.numpy(), row).statistic for row in factors[..., 1]]
    assert found[:, 1] == pytest.approx(expected)


def test_coordinates_are_assigned_once_each():
    table = np.array([[0.9, 0.8], [0.1, -0.7], [0.0, 0.2]])
    assert traversals.assign(table) == [0, 1]

"""Effects of coordinates on factors: variances that are known, and the gap between the largest."""

import numpy as np
import pytest
import torch

from dlvae.method.prior import CodePrior
from eval.models import traversals


class Linear:
    """Decodes z_u to one pixel whose three colours are ``mixing`` @ z_u, within [-1, 1]."""

    device = torch.device("cpu")

    def __init__(self, shown, d_u):
        self.shown, self.prior_u = shown, CodePrior(d_u)

    def decode(self, z_s, z_u):
        return self.shown(z_s, z_u).clamp(-1, 1)[:, :, None, None]


def predict(images):
    return images[:, 0, 0].astype(np.float64) / 127.5 - 1


def matrix(shown, codes=16, d_u=4, columns=(0, 1, 2), spread=(1.0, 1.0, 1.0)):
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(codes, 2, generator=draws), torch.randn(codes, d_u, generator=draws)
    return traversals.effect_matrix(Linear(shown, d_u), predict, columns, np.array(spread), z)


def test_settings_are_exact_for_moments_of_a_normal():
    values, weights = traversals.gaussian_settings()
    moments = [float(weights @ values.numpy() ** k) for k in range(9)]
    assert moments == pytest.approx([1, 0, 1, 0, 3, 0, 15, 0, 105], abs=1e-9)
    assert len(values) == traversals.VALUES and values.abs().max() < 3


def test_a_linear_effect_is_its_squared_slope_over_the_spread_of_real_images():
    mixing = torch.tensor([[0.2, 0.0, 0.05, 0.0], [0.0, -0.1, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    found = matrix(lambda z_s, z_u: z_u @ mixing.T, columns=(1, 0), spread=(0.2, 0.4))
    expected = (mixing.double().numpy() ** 2)[[1, 0]].T / np.array([0.2, 0.4]) ** 2
    assert found.shape == (4, 2)
    np.testing.assert_allclose(found, expected, rtol=0.05)  # pixels are whole numbers


def test_an_effect_in_a_curve_counts_and_one_of_z_s_does_not():
    def shown(z_s, z_u):
        square = 0.1 * (z_u[:, 0] ** 2 - 1)
        return torch.stack([square, 0.2 * z_s[:, 0], 0 * square], 1)

    found = matrix(shown)
    assert found[0, 0] == pytest.approx(2 * 0.1**2, rel=0.03)  # the variance of chi squared
    assert np.count_nonzero(found) == 1


def test_an_interaction_is_averaged_over_the_other_codes():
    def shown(z_s, z_u):
        return (0.1 * z_u[:, 0] * z_u[:, 1])[:, None].expand(-1, 3)

    draws = torch.Generator().manual_seed(0)
    torch.randn(64, 2, generator=draws)
    z_u = torch.randn(64, 4, generator=draws)
    found = matrix(shown, codes=64)
    expected = 0.1**2 * (z_u[:, [1, 0]] ** 2).mean(0)
    np.testing.assert_allclose(found[:2, 0], expected, rtol=0.03)


def test_the_gap_is_the_lead_of_the_largest_effect():
    table = np.array([[0.8, 0.3, 0.0], [0.2, 0.3, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0]])
    np.testing.assert_allclose(traversals.effect_gap(table), [0.75, 0.0, 0.0])
    assert traversals.effect_gap(np.array([[0.0], [0.5]])).tolist() == [1.0]

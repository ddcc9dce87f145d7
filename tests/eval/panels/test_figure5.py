"""Which coordinates of z_u Figure 5 shows."""

import numpy as np
import torch

from dlvae.base import Task
from dlvae.method.prior import CodePrior
from eval.models import paths
from eval.panels import figure5


def test_the_coordinate_of_a_planted_factor_is_found(monkeypatch):
    class Planted:
        task = Task("image", "net32", 1, 2, 1.0, 2, 6, 8, 8)
        device, prior_u = torch.device("cpu"), CodePrior(6)

        def sample_codes(self, labels, draws):
            return torch.zeros(len(labels), 2), torch.randn(len(labels), 6, generator=draws)

        def decode(self, z_s, z_u):  # two pixels' colours are coordinates 4 and, faintly, 1
            shown = torch.stack([z_u[:, 4], 0.5 * z_u[:, 1] + 0.2 * z_u[:, 4]], 1) / 4
            return shown[:, None, None, :].expand(-1, 3, 1, 2)

    monkeypatch.setattr(paths, "SCREENED", 256)
    found = figure5.by_factors(
        Planted(),
        lambda images: images[:, 0, :, 0].astype(float),
        ["azimuth", "elevation"],
        torch.Generator().manual_seed(0),
    )
    assert {name: coordinate for name, (coordinate, _) in found.items()} == {
        "azimuth": 4,
        "elevation": 1,
    }
    assert found["azimuth"][1] > 0.99 and 0.8 < found["elevation"][1] < 1


def test_coordinates_are_assigned_once_each():
    table = np.array([[0.9, 0.8], [0.1, -0.7], [0.0, 0.2]])
    assert figure5.assign(table) == [0, 1]

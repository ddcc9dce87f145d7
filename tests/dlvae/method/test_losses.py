"""What the losses are beyond their values, which tests/equations compares with the equations."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from dlvae.method import losses

RNG = np.random.default_rng(0)


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(array))


def test_kl_is_the_integral_of_eq_3() -> None:
    mean, logvar = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
    grid = np.linspace(-30, 30, 60001)
    expected = 0.0
    for m, v in zip(mean.ravel(), logvar.ravel(), strict=True):
        q = stats.norm(m, np.exp(v / 2))
        log_ratio = q.logpdf(grid) - stats.norm.logpdf(grid)
        expected += integrate.trapezoid(q.pdf(grid) * log_ratio, grid) / len(mean)
    found = losses.kl_standard_normal(tensor(mean), tensor(logvar)).item()
    assert found == pytest.approx(expected, abs=1e-8)
    assert losses.kl_standard_normal(torch.zeros(2, 3), torch.zeros(2, 3)) == 0


def test_log_gan_losses_stay_finite_for_large_logits() -> None:
    large = torch.tensor([1e4, -1e4], requires_grad=True)
    total = losses.discriminator_loss(large, [large], "log") + losses.generator_loss([large], "log")
    total.backward()
    assert torch.isfinite(total) and torch.isfinite(large.grad).all()


def test_low_precision_inputs_are_reduced_in_float32() -> None:
    x, y = torch.rand(8, 3, 16, 16).bfloat16(), torch.rand(8, 3, 16, 16).bfloat16()
    found = losses.mse(x, y)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(((x.double() - y.double()) ** 2).mean().item(), rel=1e-5)
    assert losses.kl_standard_normal(x[:, 0, 0], y[:, 0, 0]).dtype == torch.float32
    assert losses.discriminator_loss(x[:, 0, 0, 0], [y[:, 0, 0, 0]], "hinge").dtype == torch.float32

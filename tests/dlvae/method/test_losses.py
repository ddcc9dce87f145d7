"""Every loss against a float64 NumPy reference written from its equation."""

import numpy as np
import pytest
import torch
from scipy import special, stats

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
        expected += np.trapezoid(q.pdf(grid) * log_ratio, grid) / len(mean)
    found = losses.kl_standard_normal(tensor(mean), tensor(logvar)).item()
    assert found == pytest.approx(expected, abs=1e-8)
    assert losses.kl_standard_normal(torch.zeros(2, 3), torch.zeros(2, 3)) == 0


def test_cross_entropies_eq_4_and_5() -> None:
    logits, labels = RNG.normal(size=(5, 3)) * 4, np.array([0, 2, 1, 1, 0])
    log_q = np.log(special.softmax(logits, axis=1))
    found = losses.cross_entropy(tensor(logits), tensor(labels)).item()
    assert found == pytest.approx(-log_q[np.arange(5), labels].mean(), rel=1e-12)
    found = losses.uniform_cross_entropy(tensor(logits)).item()
    assert found == pytest.approx(-(log_q / 3).sum(1).mean(), rel=1e-12)
    even = losses.uniform_cross_entropy(torch.full((2, 7), 3.0))
    assert even.item() == pytest.approx(np.log(7), rel=1e-6)


@pytest.mark.parametrize("shape", [(6, 2), (4, 3, 5, 5)])
def test_reconstruction_losses(shape: tuple[int, ...]) -> None:
    x, y = RNG.normal(size=shape), RNG.normal(size=shape)
    error = (x - y) ** 2
    assert losses.mse(tensor(x), tensor(y)).item() == pytest.approx(error.mean(), rel=1e-12)
    expected = 0.5 * error.reshape(shape[0], -1).sum(1).mean()
    assert losses.half_squared_error(tensor(x), tensor(y)).item() == pytest.approx(expected)
    # The code's 10 mse = (20 / D) 1/2 ||.||^2.
    values = np.prod(shape[1:])
    assert 10 * error.mean() == pytest.approx(20 / values * expected)


def test_adversarial_losses_of_algorithm_1() -> None:
    real, x_f, x_p = RNG.normal(size=(3, 6)) * 2
    args = tensor(real), [tensor(x_f), tensor(x_p)]
    hinge = sum(np.maximum(0, t).mean() for t in (1 - real, 1 + x_f, 1 + x_p))
    assert losses.discriminator_loss(*args, "hinge").item() == pytest.approx(hinge)
    d_real, d_f, d_p = (special.expit(t) for t in (real, x_f, x_p))
    log = -np.log(d_real).mean() - np.log(1 - d_f).mean() - np.log(1 - d_p).mean()
    assert losses.discriminator_loss(*args, "log").item() == pytest.approx(log)
    assert losses.generator_loss(args[1], "hinge").item() == pytest.approx(-(x_f + x_p).mean())
    log = -np.log(d_f).mean() - np.log(d_p).mean()
    assert losses.generator_loss(args[1], "log").item() == pytest.approx(log)


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

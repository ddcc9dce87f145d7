"""The critic of the WGAN-GP, its penalty and the points that it is taken at."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from baselines.wgan_gp.model import between, build_critic, gradient_penalty
from dlvae.base import Task
from dlvae.nn.backbones import build_discriminator

TOY = Task("point", "toy", 2, 3, 0.5, 2, 2, 8, 100)
NET32 = Task("image", "net32", 32, 4, 0.125, 4, 6, 4, 100)
NET64 = Task("image", "net64", 64, 4, 0.0625, 4, 6, 2, 100)
every_backbone = pytest.mark.parametrize("task", [TOY, NET32, NET64], ids=lambda t: t.backbone)


def critic_and_batch(task):
    """Return a critic, x (B, ...) and labels (B,), always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        shape = (3, task.size, task.size) if task.kind == "image" else (2,)
        x = torch.rand(task.batch_size, *shape) * 2 - 1
        return build_critic(task), x, torch.randint(task.classes, (task.batch_size,))


class Linear(nn.Module):
    """D(x, y) = <w_y, x>, whose slope is w_y everywhere."""

    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights))

    def forward(self, x, labels):
        return (x.flatten(1) * self.weights[labels]).sum(1)


@pytest.mark.parametrize(
    ("weights", "labels", "expected"),
    [
        ([[3.0, 4.0]], [0, 0], 16.0),
        ([[0.6, 0.8], [0.0, -1.0]], [0, 1, 1], 0.0),
        ([[0.3, 0.4]], [0], 0.25),  # two-sided: a flat critic pays as well
        ([[3.0, 4.0], [0.6, 0.8]], [0, 1, 1, 1], 4.0),
    ],
)
def test_penalty_of_a_linear_critic(weights, labels, expected):
    x = torch.randn(len(labels), 2, generator=torch.Generator().manual_seed(0))
    found = gradient_penalty(Linear(weights), x, torch.tensor(labels))
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_the_norm_runs_over_all_values_of_an_image():
    critic = Linear([[1.0] * 3 * 4 * 4])
    found = gradient_penalty(critic, torch.zeros(2, 3, 4, 4), torch.tensor([0, 0]))
    assert found.item() == pytest.approx((48**0.5 - 1) ** 2)


def test_a_critic_of_slope_zero_has_finite_gradients():
    critic = Linear([[0.0, 0.0]])
    penalty = gradient_penalty(critic, torch.ones(1, 2), torch.tensor([0]))
    (gradient,) = torch.autograd.grad(penalty, critic.parameters())
    assert penalty.item() == 1 and torch.isfinite(gradient).all()


def test_penalty_of_an_image_against_finite_differences():
    critic, x, y = critic_and_batch(NET32)
    critic, x, y, width, squares = critic.double(), x[:1].double(), y[:1], 1e-5, 0.0
    with torch.no_grad():
        for steps in (width * torch.eye(x.numel(), dtype=torch.float64)).view(-1, 512, 3, 32, 32):
            up, down = (critic(x + sign * steps, y.expand(512)) for sign in (1, -1))
            squares += ((up - down) / (2 * width)).square().sum().item()
    norm = squares**0.5
    assert gradient_penalty(critic, x, y).item() == pytest.approx((norm - 1) ** 2, rel=1e-5)


@every_backbone
def test_penalty_of_a_batch_is_the_mean_over_its_samples(task):
    critic, x, y = critic_and_batch(task)
    alone = [gradient_penalty(critic, x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    together = gradient_penalty(critic, x, y)
    torch.testing.assert_close(together, torch.stack(alone).mean(), rtol=1e-4, atol=1e-6)


def test_points_between_lie_uniformly_on_the_lines():
    draws = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 4000, 3, 2, 2, generator=draws).unbind()
    share = ((between(real, fake, draws) - fake) / (real - fake)).flatten(1).median(1).values
    torch.testing.assert_close(
        between(real, fake, torch.Generator().manual_seed(1)),
        between(fake, real, torch.Generator().manual_seed(1)).neg() + real + fake,
    )
    assert 0 <= share.min() and share.max() <= 1
    quantiles = torch.quantile(share, torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9]))
    assert quantiles.tolist() == pytest.approx([0.1, 0.25, 0.5, 0.75, 0.9], abs=0.03)


@every_backbone
def test_the_critic_has_the_layers_of_the_discriminator_and_no_norm(task):
    critic, shared = build_critic(task), build_discriminator(task)
    for module in critic.modules():
        assert not parametrize.is_parametrized(module)
        assert not isinstance(module, nn.modules.batchnorm._BatchNorm)
    assert not list(critic.buffers())
    layers = nn.Conv2d, nn.Linear, nn.Embedding, nn.LeakyReLU, nn.AdaptiveAvgPool2d
    kinds = [[t for m in c.modules() for t in layers if isinstance(m, t)] for c in (critic, shared)]
    assert kinds[0] == kinds[1]

    def sizes(network):
        return sorted(tuple(p.shape) for p in network.parameters())

    assert sizes(critic) == sizes(shared)


@every_backbone
def test_weights_are_not_those_of_a_normalised_network(task):
    for name, parameter in build_critic(task).named_parameters():
        if name.endswith("bias"):
            assert not parameter.any()
        else:
            fans = torch.nn.init._calculate_fan_in_and_fan_out(parameter)
            bound = (6 / sum(fans)) ** 0.5
            assert 0.6 * bound < parameter.abs().max() <= bound


@every_backbone
def test_the_label_enters_by_projection(task):
    critic, x, y = critic_and_batch(task)
    h, values = critic.features_and_logits(x, y)
    other = critic(x, (y + 1) % task.classes)
    assert (values != other).all()
    rows = critic.embedding.weight
    expected = ((rows[(y + 1) % task.classes] - rows[y]) * h).sum(1)
    torch.testing.assert_close(other - values, expected, rtol=1e-3, atol=1e-5)


def test_the_penalty_and_its_gradient_are_of_full_precision_under_autocast():
    critic, x, y = critic_and_batch(NET32)
    parameters = list(critic.parameters())
    expected, values = gradient_penalty(critic, x, y), critic(x, y)
    with torch.autocast("cpu", torch.bfloat16):
        found, coarse = gradient_penalty(critic, x, y), critic(x, y)
    assert torch.equal(found, expected) and not torch.equal(coarse.float(), values)
    found, expected = (
        torch.autograd.grad(penalty, parameters, allow_unused=True) for penalty in (found, expected)
    )
    for a, b in zip(found, expected, strict=True):
        assert (a is None and b is None) or torch.equal(a, b)  # no slope depends on the last bias

"""Losses, gradients and schedule of the WGAN-GP; its critic is tested in test_wgan_gp_critic.py."""

import numpy as np
import pytest
import torch
from torch import nn

from dlvae.base import Batch, Method, Task
from dlvae.stage.errors import UserError
from dlvae.stage.registry import build_seeded, read_options
from recorded import recorded

TOY = Task("point", "toy", 2, 3, 0.5, 2, 2, 8, 100)
NET32 = Task("image", "net32", 32, 4, 0.125, 4, 6, 4, 100)
NET64 = Task("image", "net64", 64, 4, 0.0625, 4, 6, 2, 100)
every_backbone = pytest.mark.parametrize("task", [TOY, NET32, NET64], ids=lambda t: t.backbone)


def make(task=TOY, method=None, **options):
    return build_seeded("wgan_gp", task, method or Method(), options, "test").train()


def batch_for(model, seed=0):
    task, k = model.task, model.batches_per_step
    draws = torch.Generator().manual_seed(seed)
    shape = (3, task.size, task.size) if task.kind == "image" else (2,)
    images = torch.rand(k, task.batch_size, *shape, generator=draws) * 2 - 1
    labels = torch.randint(task.classes, (k, task.batch_size), generator=draws)
    return Batch(images, labels, draws)


def updates_of(model, batch=None):
    """Run a step; return the (name, gradients) of its updates in their order, applied as ever."""
    with recorded(model) as updates:
        losses = model.training_step(batch or batch_for(model), 0)
    return [(group, gradients) for _, group, gradients in updates], losses


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


class NumpyCritic:
    """The critic of points and its slope in float64, from the chain rule by hand."""

    def __init__(self, critic):
        values = {n: p.detach().numpy().astype(np.float64) for n, p in critic.named_parameters()}
        self.layers = [
            (values[f"trunk.{i}.weight"], values[f"trunk.{i}.bias"])
            for i, layer in enumerate(critic.trunk)
            if isinstance(layer, nn.Linear)
        ]
        self.last, self.bias = values["output.weight"][0], values["output.bias"][0]
        self.embedding = values["embedding.weight"]

    def __call__(self, x, y):
        """Return D (B,) and its gradient with respect to x (B, 2)."""
        h, slopes = np.asarray(x, np.float64), []
        for weight, bias in self.layers:
            h = h @ weight.T + bias
            slopes.append(np.where(h > 0, 1.0, 0.1))
            h = h * slopes[-1]
        direction = self.last + self.embedding[y]
        values = (h * direction).sum(1) + self.bias
        for (weight, _), slope in zip(self.layers[::-1], slopes[::-1], strict=True):
            direction = (direction * slope) @ weight
        return values, direction

    def penalty(self, x, y):
        return ((np.linalg.norm(self(x, y)[1], axis=1) - 1) ** 2).mean()

    def objective(self, real, fake, x, y):
        """Return what the critic minimises, lambda_gp = 10."""
        return self(fake, y)[0].mean() - self(real, y)[0].mean() + 10 * self.penalty(x, y)


def replayed(model, draws, labels):
    """Return the generated images and the points on the lines' shares of one critic update."""
    z = torch.randn(len(labels), model.d_z, generator=draws)
    with torch.no_grad():
        fake = model.generate(labels, z)
    return fake, torch.rand(len(labels), generator=draws)


def replayed_critic_update(model, seed=0):
    """Return x, x_p, x_hat (float64) and y of the first critic update of a step."""
    batch = batch_for(model, seed)
    x, y = batch.images[0], batch.labels[0]
    fake, share = replayed(model, batch.generator, y)
    real, fake, share = (value.numpy().astype(np.float64) for value in (x, fake, share[:, None]))
    return real, fake, share * real + (1 - share) * fake, y.numpy()


def test_both_ends_of_a_line_have_the_label_of_the_real_image():
    model = make(method=Method(prior_label="uniform"))
    batch, seen = batch_for(model), []
    model.critic.register_forward_hook(lambda module, args, out: seen.append(args))
    model.critic_losses(batch.images[0], batch.labels[0], batch.generator)
    real, fake, x, y = replayed_critic_update(model)
    (ends, end_labels), (points, labels) = seen
    np.testing.assert_allclose(ends.detach(), np.concatenate([real, fake]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(points.detach(), x, rtol=1e-5, atol=1e-6)
    assert end_labels.tolist() == [*y, *y]
    assert labels.tolist() == y.tolist()


@pytest.mark.parametrize("seed", [0, 1])
def test_losses_against_numpy(seed):
    model, batch = make(n_critic=1), batch_for(make(n_critic=1), seed)
    found = model.critic_losses(batch.images[0], batch.labels[0], batch.generator)
    critic = NumpyCritic(model.critic)
    real, fake, x, y = replayed_critic_update(model, seed)
    expected = critic(fake, y)[0].mean() - critic(real, y)[0].mean()
    assert found["adv_critic"].item() == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert found["gradient_penalty"].item() == pytest.approx(critic.penalty(x, y), rel=1e-5)

    found = model.decoder_loss(batch.labels[0], torch.Generator().manual_seed(seed)).item()
    draws = torch.Generator().manual_seed(seed)
    y = torch.randint(TOY.classes, (len(y),), generator=draws)
    fake, _ = replayed(model, draws, y)
    assert found == pytest.approx(-critic(fake.numpy(), y.numpy())[0].mean(), rel=1e-5)


def test_the_critic_descends_its_objective():
    """Its gradient, double backward included, against differences of the NumPy objective."""
    model = make()
    real, fake, x, y = replayed_critic_update(model)
    (name, gradient), *_ = updates_of(model)[0]
    assert name == "critic"
    critic, draws, width = make().critic.double(), np.random.default_rng(0), 1e-6
    for parameter, found in zip(critic.parameters(), gradient, strict=True):
        start = parameter.detach().clone()
        direction = torch.from_numpy(draws.normal(size=tuple(start.shape)))
        ends = []
        for sign in (1, -1):
            parameter.data = start + sign * width * direction
            ends.append(NumpyCritic(critic).objective(real, fake, x, y))
        parameter.data = start
        expected = (ends[0] - ends[1]) / (2 * width)
        assert (found * direction).sum().item() == pytest.approx(expected, rel=1e-3, abs=1e-4)


@every_backbone
def test_the_decoder_ascends_the_updated_critic(task):
    model, reference = make(task, n_critic=2), make(task, n_critic=2)
    batch = batch_for(model)
    taken, losses = updates_of(model, batch)
    _, gradient = taken[-1]

    draws = batch_for(reference).generator
    for labels in batch.labels:
        replayed(reference, draws, labels)
    reference.critic.load_state_dict(model.critic.state_dict())
    y = torch.randint(task.classes, (task.batch_size,), generator=draws)
    z = torch.randn(len(y), model.d_z, generator=draws)
    loss = -reference.critic(reference.generate(y, z), y).mean()
    expected = torch.autograd.grad(loss, list(reference.decoder.parameters()))
    torch.testing.assert_close(losses["adv_decoder"], loss.detach(), rtol=1e-4, atol=1e-5)
    for a, b in zip(gradient, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


def test_every_loss_is_returned():
    losses = updates_of(make())[1]
    assert list(losses) == ["adv_critic", "gradient_penalty", "adv_decoder"]


def test_the_penalty_weighs_lambda_gp():
    first, second, none = (updates_of(make(lambda_gp=value))[0][0][1] for value in (10.0, 5.0, 0.0))
    for a, b, c in zip(first, second, none, strict=True):
        torch.testing.assert_close(a - b, b - c, rtol=1e-3, atol=1e-5)
    assert not equal(first, none)


def test_the_prior_label_is_of_the_decoder_alone():
    uniform, batch = (
        updates_of(make(method=Method(prior_label=kind)))[0] for kind in ("uniform", "batch")
    )
    same = [equal(a, b) for (_, a), (_, b) in zip(uniform, batch, strict=True)]
    assert same == [True] * (len(same) - 1) + [False]


def test_in_bf16_the_values_are_of_bf16_and_the_penalty_is_not():
    model, kinds = make(NET32), []
    model.precision = "bf16"
    model.critic.trunk.register_forward_hook(lambda module, args, out: kinds.append(out.dtype))
    batch = batch_for(model)
    model.critic_losses(batch.images[0], batch.labels[0], batch.generator)
    assert kinds == [torch.bfloat16, torch.float32]


@pytest.mark.parametrize("n_critic", [1, 3])
def test_number_of_updates_of_a_step(n_critic):
    model = make(n_critic=n_critic)
    assert model.batches_per_step == n_critic
    assert [name for name, _ in updates_of(model)[0]] == ["critic"] * n_critic + ["decoder"]


def test_each_update_of_the_critic_has_a_batch_of_its_own():
    first = updates_of(make(n_critic=3))[0]
    for index in range(3):
        batch = batch_for(make(n_critic=3))
        batch.images[index] *= 0.5
        second = updates_of(make(n_critic=3), batch)[0]
        same = [equal(a, b) for (_, a), (_, b) in zip(first, second, strict=True)]
        assert same == [True] * index + [False] * (4 - index)


def test_adam_takes_rate_and_betas_from_the_method():
    model = make(method=Method(lr=0.01, beta1=0.5, beta2=0.99))
    assert model.optimisers.keys() == {"critic", "decoder"}
    for optimiser in model.optimisers.values():
        (group,) = optimiser.param_groups
        assert (group["lr"], group["betas"]) == (0.01, (0.5, 0.99))


def test_latent_size_is_that_of_z_u_unless_given():
    assert (make().d_z, make(d_z=5).d_z) == (TOY.d_u, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_critic": 0}, "n_critic: expected an integer of at least 1, found 0"),
        ({"lambda_gp": -1.0}, "lambda_gp: expected a number of at least 0, found -1.0"),
        ({"n_critic": 2.5}, "n_critic: expected an integer of at least 1, found 2.5"),
    ],
)
def test_options_out_of_range_are_named_before_any_job(options, message):
    with pytest.raises(UserError, match=f"options.wgan_gp.{message}"):
        read_options("wgan_gp", options)


def test_samples_follow_the_label_after_a_short_training():
    model = make(method=Method(lr=0.005))
    centres = torch.tensor([[-2.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    draws, k = torch.Generator().manual_seed(0), model.batches_per_step
    for step in range(150):
        labels = torch.randint(3, (k, 64), generator=draws)
        points = centres[labels] + 0.2 * torch.randn(k, 64, 2, generator=draws)
        losses = model.training_step(Batch(points, labels, draws), step)
    assert all(torch.isfinite(value) for value in losses.values())
    sampled = model.sample(torch.arange(3).repeat_interleave(200), draws).view(3, 200, 2)
    nearest = torch.cdist(sampled, centres).argmin(2)
    assert (nearest == torch.arange(3)[:, None]).float().mean() > 0.9

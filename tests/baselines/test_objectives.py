"""Which losses reach which networks, and what each method key changes."""

import pytest
import torch

from dlvae.base import Batch, Method, Task
from dlvae.method.losses import half_squared_error, kl_standard_normal, mse
from dlvae.stage.registry import build_seeded
from recorded import recorded

TOY = Task("point", "toy", 2, 3, 0.5, 2, 2, 8, 100)
IMAGE = Task("image", "net32", 32, 4, 0.125, 4, 6, 4, 100)
CODE = Method()
PAPER = Method(variant="paper")

# loss function -> networks whose gradient it must be part of; no other network may change
REACH = {
    "cvae": {"rec": {"encoder", "decoder"}, "kl": {"encoder"}},
    "cgan": {"adv_discriminator": {"discriminator"}, "adv_decoder": {"decoder"}},
    "cvae_gan": {
        "rec": {"encoder", "decoder"},
        "kl": {"encoder"},
        "adv_discriminator": {"discriminator"},
        "adv_decoder": {"decoder"},
    },
}
FUNCTIONS = {
    "rec": "dlvae.method.losses.mse",
    "kl": "baselines.conditional.kl_standard_normal",
    "adv_discriminator": "dlvae.method.losses.discriminator_loss",
    "adv_decoder": "dlvae.method.losses.generator_loss",
}
GAN = {"decoder", "discriminator"}
VAE = {"encoder", "decoder"}
# method key -> networks whose gradient it changes
KEYS = {
    "cvae": {"variant": VAE, "lambda_rec": VAE, "lambda_kl": {"encoder"}},
    "cgan": {"gan_loss": GAN, "prior_label": GAN},
    "cvae_gan": {
        "variant": VAE,
        "lambda_rec": VAE,
        "lambda_kl": {"encoder"},
        "gan_loss": GAN,
        "prior_label": GAN,
    },
    # x_p counts in the unit in which features of x and x_f are compared.
    "cvae_gan_bao": {"prior_label": GAN | VAE},
}
CHANGES = {
    "variant": "paper",
    "gan_loss": "log",
    "prior_label": "batch",
    "lambda_rec": 7.0,
    "lambda_kl": 2.0,
    "lambda_lkd": 0.7,
    "n_gm": 5,
    "param": "logvar",
    "reuse_batch": True,
    "unlabelled_prior": "mixture",
    "tau_decay_epochs": 3,
}


def batch_of(task):
    draws = torch.Generator().manual_seed(3)
    shape = (3, task.size, task.size) if task.kind == "image" else (2,)
    images = torch.rand(1, task.batch_size, *shape, generator=draws) * 2 - 1
    labels = torch.arange(task.batch_size)[None] % task.classes
    return Batch(images, labels, torch.Generator().manual_seed(4))


def make(name, task=TOY, method=CODE, **options):
    return build_seeded(name, task, method, options, "test").train()


def gradients_of(model, batch=None):
    """Run a step that moves nothing; return its gradients by network, and its losses."""
    losses, batch = {}, batch or batch_of(model.task)
    with recorded(model, moves=False) as updates:
        losses.update(model.training_step(batch, 0))
    found = {group: gradients for _, group, gradients in updates}
    if "generator" in found:  # one group of two networks
        both, split = found.pop("generator"), len(list(model.encoder.parameters()))
        found |= {"encoder": both[:split], "decoder": both[split:]}
    return found, losses


def changed(first, second):
    assert first.keys() == second.keys()
    return {
        name
        for name in first
        if not all(torch.equal(a, b) for a, b in zip(first[name], second[name], strict=True))
    }


@pytest.mark.parametrize(
    ("name", "loss"), [(name, loss) for name, losses in REACH.items() for loss in losses]
)
def test_each_loss_reaches_its_networks_and_no_other(name, loss, monkeypatch):
    before, losses = gradients_of(make(name))
    assert losses.keys() == REACH[name].keys()
    target = FUNCTIONS[loss]
    module_name, _, attribute = target.rpartition(".")
    original = getattr(__import__(module_name, fromlist=["_"]), attribute)
    monkeypatch.setattr(target, lambda *args: 4 * original(*args))  # exact
    after, _ = gradients_of(make(name))
    assert changed(before, after) == REACH[name][loss]


@pytest.mark.parametrize("key", CHANGES)
@pytest.mark.parametrize("name", KEYS)
def test_each_method_key_changes_its_networks_and_no_other(name, key):
    before, _ = gradients_of(make(name))
    after, _ = gradients_of(make(name, method=Method(**{key: CHANGES[key]})))
    assert changed(before, after) == KEYS[name].get(key, set())


@pytest.mark.parametrize("method", [CODE, PAPER], ids=["code", "paper"])
def test_objectives_of_the_cvae_gan(method):
    """Gradients equal those of three separate graphs with explicit stop-gradients."""
    found, losses = gradients_of(make("cvae_gan", IMAGE, method))
    model, batch = make("cvae_gan", IMAGE, method), batch_of(IMAGE)
    x, y, draws = batch.images[0], batch.labels[0], batch.generator
    d_z, values = IMAGE.d_u, 3 * 32 * 32
    epsilon = torch.randn(len(x), d_z, generator=draws)
    y_prior = torch.randint(IMAGE.classes, (len(x),), generator=draws)
    z_prior = torch.randn(len(x), d_z, generator=draws)

    mean, logvar = model.encoder(x, y)
    z = mean + torch.exp(logvar / 2) * epsilon
    model.decoder.requires_grad_(False)
    x_f, kl = model.generate(y, z), kl_standard_normal(mean, logvar)
    if method.variant == "code":
        encoder_loss = 10 * mse(x_f, x) + kl / d_z
    else:
        encoder_loss = 10 / values * half_squared_error(x_f, x) + kl / d_z
    encoder = torch.autograd.grad(encoder_loss, list(model.encoder.parameters()))

    model.decoder.requires_grad_(True)
    x_f, x_p = model.generate(y, z.detach()), model.generate(y_prior, z_prior)
    images = torch.cat([x, x_f, x_p])
    labels = torch.cat([y, y, y_prior])
    real, fake_f, fake_p = model.discriminator(images, labels).chunk(3)
    rec = 10 * mse(x_f, x) if method.variant == "code" else half_squared_error(x_f, x)
    decoder_loss = rec - fake_f.mean() - fake_p.mean()
    decoder = torch.autograd.grad(decoder_loss, list(model.decoder.parameters()))

    model.discriminator.eval()  # the same power vectors, not one iteration further
    real, fake_f, fake_p = model.discriminator(images.detach(), labels).chunk(3)
    hinges = (1 - real).relu().mean() + (1 + fake_f).relu().mean() + (1 + fake_p).relu().mean()
    discriminator = torch.autograd.grad(hinges, list(model.discriminator.parameters()))

    expected = {"encoder": encoder, "decoder": decoder, "discriminator": discriminator}
    for name, grads in expected.items():
        for a, b in zip(found[name], grads, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(losses["adv_discriminator"], hinges.detach())


@pytest.mark.parametrize("name", KEYS)
def test_every_network_steps_once(name):
    model, fresh = make(name), dict(make(name).named_parameters())
    with recorded(model) as updates:
        model.training_step(batch_of(TOY), 0)
    groups = [group for _, group, _ in updates]
    assert len(groups) == len(set(groups)) and {stage for stage, _, _ in updates} == {"step"}
    assert not any(torch.equal(fresh[n], p) for n, p in model.named_parameters() if p.any())


def test_adam_takes_rate_and_betas_from_the_method():
    model = make("cvae_gan", method=Method(lr=0.01, beta1=0.5, beta2=0.99))
    (optimiser,) = model.optimisers.values()
    for group in optimiser.param_groups:
        assert (group["lr"], group["betas"], group["eps"]) == (0.01, (0.5, 0.99), 1e-8)


@pytest.mark.parametrize("name", KEYS)
def test_latent_size_is_that_of_z_u_unless_given(name):
    assert make(name).d_z == TOY.d_u
    assert make(name, d_z=5).d_z == 5
    assert make(name, d_z=5).sample(torch.tensor([0, 1]), torch.Generator()).shape == (2, 2)


@pytest.mark.parametrize("prior_label", ["uniform", "batch"])
def test_label_of_the_prior_sample(prior_label):
    model = make("cgan", method=Method(prior_label=prior_label))
    labels = torch.zeros(3000, dtype=torch.int64)
    drawn = model.prior_labels(3000, torch.Generator().manual_seed(0), labels)
    share = torch.bincount(drawn, minlength=3) / len(drawn)
    expected = [1 / 3] * 3 if prior_label == "uniform" else [1.0, 0.0, 0.0]
    assert share.tolist() == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("name", ["cvae", "cvae_gan", "cvae_gan_bao"])
def test_reconstruction_uses_the_label_and_the_posterior_mean(name):
    model, batch = make(name, IMAGE), batch_of(IMAGE)
    x, y = batch.images[0], batch.labels[0]
    first = model.reconstruct(x, y)
    assert torch.equal(first, model.reconstruct(x, y))  # no noise
    assert not torch.equal(first, model.reconstruct(x, (y + 1) % IMAGE.classes))
    model.eval()
    with torch.no_grad():
        mean, _ = model.posterior(x, y)
        torch.testing.assert_close(first, model.generate(y, mean))

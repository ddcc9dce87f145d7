"""The mixture over z_s beyond its densities, which tests/equations compares with the equations.

And priors fitted to codes, and running moments: against NumPy, and what they leave alone.
"""

import numpy as np
import pytest
import torch

from dlvae.base import Method, Task
from dlvae.method.prior import MOMENTUM, PRECISION_BOUNDS, CodePrior, GaussianMixture
from dlvae.stage.registry import build_seeded

CLASSES, DIM, BATCH = 4, 3, 6
IMAGE = Task("image", "net32", 32, 4, 0.1, 5, 6, 6, 120)


@pytest.fixture(params=["precision", "logvar"])
def prior(request) -> GaussianMixture:
    """Mixture in float64 with spread means and unequal variances."""
    torch.manual_seed(0)
    mixture = GaussianMixture(CLASSES, DIM, request.param).double()
    with torch.no_grad():
        mixture.mu.normal_()
        mixture.scale.normal_()
    return mixture


@pytest.fixture
def codes() -> tuple[torch.Tensor, torch.Tensor]:
    """Codes (B, d) and labels (B,)."""
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(BATCH, DIM, generator=generator, dtype=torch.float64) * 2
    return z, torch.randint(CLASSES, (BATCH,), generator=generator)


def reference_parameters(prior: GaussianMixture) -> tuple[np.ndarray, np.ndarray]:
    """mu and the variances, from the raw parameters alone."""
    mu, raw = prior.mu.detach().numpy(), prior.scale.detach().numpy()
    return mu, 1 / np.log1p(np.exp(raw)) if prior.param == "precision" else np.exp(raw)


def test_parametrisations(prior) -> None:
    variance = reference_parameters(prior)[1]
    np.testing.assert_allclose(prior.precision().detach(), 1 / variance, rtol=1e-12)


def test_initial_state() -> None:
    mixture = GaussianMixture(30, 70)
    limit = np.sqrt(6 / 100)  # Xavier uniform of [C, d]
    assert mixture.mu.abs().max() <= limit
    assert mixture.mu.std().item() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    assert mixture.precision().mean().item() == pytest.approx(0.9992, abs=1e-4)
    assert torch.equal(GaussianMixture(3, 2, "logvar").precision(), torch.ones(3, 2))
    assert mixture.clamp_share == 0


@pytest.mark.parametrize("term", ["cls", "lkd", "likelihood", "mixture", "total"])
def test_gradients_by_finite_differences(prior, codes, term) -> None:
    z, labels = codes
    terms = {
        "cls": lambda z: prior.classification_losses(z, labels)[0],
        "lkd": lambda z: prior.classification_losses(z, labels)[1],
        "likelihood": lambda z: prior.log_likelihood(z, labels),
        "mixture": prior.log_mixture,
        "total": prior.log_total,
    }
    z.requires_grad_()
    inputs = (z, prior.mu, prior.scale)  # perturbed in place, hence seen through `prior`
    assert torch.autograd.gradcheck(lambda z, *_: terms[term](z), inputs)


def test_clamp_projects_and_counts(prior) -> None:
    low, high = PRECISION_BOUNDS
    beyond, within = (-30.0, 0.3) if prior.param == "precision" else (30.0, 0.3)
    with torch.no_grad():
        prior.scale.fill_(within)
        prior.scale[0, 0] = beyond  # tau far below its lower bound
        prior.scale[1, :2] = 1000.0 if prior.param == "precision" else -1000.0
    inside = prior.scale[2:].clone()
    prior.clamp_()
    assert prior.clamped == 3 and prior.clamp_checked == CLASSES * DIM
    assert torch.equal(prior.scale[2:], inside)
    tau = prior.precision().detach()
    assert tau[0, 0].item() == pytest.approx(low) and tau[1, 0].item() == pytest.approx(high)
    prior.clamp_()  # nothing left to move
    assert prior.clamp_share.item() == pytest.approx(3 / (2 * CLASSES * DIM))
    assert {"clamped", "clamp_checked"} <= set(prior.state_dict())


def test_a_bound_precision_can_come_back(prior) -> None:
    with torch.no_grad():
        prior.scale.fill_(-30.0 if prior.param == "precision" else 30.0)
    prior.clamp_()
    z, labels = torch.zeros(CLASSES, DIM, dtype=torch.float64), torch.arange(CLASSES)
    with torch.no_grad():
        prior.mu.zero_()
    prior.log_likelihood(z, labels).mean().backward()
    assert (prior.scale.grad != 0).all()


def test_full_precision_under_autocast() -> None:
    torch.manual_seed(0)
    mixture, z = GaussianMixture(5, 64), torch.randn(8, 64)
    expected = mixture.logits(z)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(mixture.logits(z), expected)
        low = z.bfloat16()
        assert mixture.logits(low).dtype == torch.float32
        assert mixture.log_likelihood(low, torch.zeros(8, dtype=torch.int64)).dtype == torch.float32
        assert mixture.log_total(low).dtype == mixture.log_mixture(low).dtype == torch.float32


def test_far_codes_of_512_dimensions_keep_their_gradient() -> None:
    """Where densities in linear space overflow or underflow, L_cls still has a gradient."""
    torch.manual_seed(0)
    mixture, z = GaussianMixture(530, 512), (10 * torch.randn(4, 512)).requires_grad_()
    with torch.no_grad():
        mixture.scale.fill_(3.0)
    cls, lkd = mixture.classification_losses(z, mixture.logits(z).argmin(1))
    (gradient,) = torch.autograd.grad(cls, z)
    assert torch.isfinite(cls) and torch.isfinite(lkd)
    assert (gradient.abs().amax(1) > 1e-3).all()


@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_an_offset_that_all_means_share_costs_the_logits_no_digits(offset) -> None:
    torch.manual_seed(0)
    mixture = GaussianMixture(10, 100)
    with torch.no_grad():
        mixture.mu.add_(offset)
    z = offset + torch.randn(16, 100)
    found = mixture.logits(z).double()
    assert (found - mixture.double().logits(z.double())).abs().max() < 5e-5


def test_precisions_of_few_labels_among_many_classes_are_those_of_all() -> None:
    mixture, noise = GaussianMixture(50, 4, "logvar"), torch.ones(3, 4)
    with torch.no_grad():
        mixture.scale.normal_(generator=torch.Generator().manual_seed(0))
    labels, many = torch.tensor([7, 49, 7]), torch.arange(50)
    every = mixture.sample(many, torch.ones(50, 4))
    torch.testing.assert_close(mixture.sample(labels, noise), every[labels], rtol=0, atol=0)


@pytest.fixture
def coded():
    """Codes (300, 4) of three classes of unlike spread, and labels, in NumPy."""
    draws = np.random.default_rng(0)
    labels = draws.permutation(np.arange(300) % 3)
    centres, spreads = draws.normal(size=(3, 4)), draws.uniform(0.002, 2, size=(3, 4))
    return centres[labels] + spreads[labels] * draws.normal(size=(300, 4)), labels


@pytest.mark.parametrize("param", ("precision", "logvar"))
def test_a_fitted_mixture_has_the_moments_of_each_class(coded, param):
    z, labels = coded
    mixture = GaussianMixture(3, 4, param)
    mixture.fit(torch.from_numpy(z).float(), torch.from_numpy(labels))
    for label in range(3):
        own = z[labels == label]
        np.testing.assert_allclose(mixture.mu[label].detach(), own.mean(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            mixture.sampled_moments()[1][label].detach(), own.std(0), rtol=1e-5
        )


def test_the_fit_is_the_minimum_of_l_lkd(coded):
    z, labels = (torch.from_numpy(part) for part in coded)
    mixture = GaussianMixture(3, 4).double()
    mixture.fit(z, labels)
    loss = -mixture.log_likelihood(z, labels).mean()
    for parameter, gradient in zip(
        (mixture.mu, mixture.scale),
        torch.autograd.grad(loss, (mixture.mu, mixture.scale)),
        strict=True,
    ):
        # Relative to the size of a term of the sum behind it.
        assert (gradient.abs() * parameter.detach().abs()).max() < 1e-6


def test_a_class_without_codes_keeps_its_gaussian(coded):
    z, labels = (torch.from_numpy(part) for part in coded)
    mixture = GaussianMixture(4, 4).double()
    before = mixture.mu[3].clone(), mixture.scale[3].clone()
    mixture.fit(z, labels)
    assert torch.equal(mixture.mu[3], before[0]) and torch.equal(mixture.scale[3], before[1])


def test_codes_that_agree_give_a_finite_gaussian():
    mixture = GaussianMixture(1, 2)
    mixture.fit(torch.ones(5, 2), torch.zeros(5, dtype=torch.int64))
    drawn = mixture.sample(torch.zeros(1000, dtype=torch.int64), torch.randn(1000, 2))
    assert torch.isfinite(drawn).all() and (drawn - 1).abs().max() < 1e-4


def test_the_prior_of_z_u_becomes_the_aggregate_posterior():
    draws = np.random.default_rng(1)
    means, logvars = draws.normal(0.5, 0.3, size=(500, 3)), draws.normal(-2, 0.5, size=(500, 3))
    prior = CodePrior(3)
    noise = torch.randn(7, 3)
    assert torch.equal(prior.sample(noise), noise)  # N(0, I) until it is fitted, to the bit
    prior.fit(torch.from_numpy(means), torch.from_numpy(logvars))
    samples = (means + np.exp(logvars / 2) * draws.normal(size=(400, 500, 3))).reshape(-1, 3)
    np.testing.assert_allclose(prior.mean, means.mean(0), rtol=1e-5)
    np.testing.assert_allclose(prior.mean, samples.mean(0), atol=5e-3)
    np.testing.assert_allclose(prior.std, samples.std(0), rtol=5e-3)


def test_running_moments_are_those_of_weighted_codes():
    """Every code counts 1 - MOMENTUM times as much as the next one of its class."""
    draws = np.random.default_rng(2)
    mixture = GaussianMixture(2, 3, running=True).double()
    start = mixture.running_mean.clone().numpy()
    batches = [(draws.normal(3, 0.01, size=(8, 3)), draws.integers(0, 2, 8)) for _ in range(200)]
    for z, labels in batches:
        mixture.track(torch.from_numpy(z), torch.from_numpy(labels))
    for label in range(2):
        mean, variance = start[label], np.ones(3)
        for z, labels in batches:
            own = z[labels == label]
            if len(own) == 0:
                continue
            rate = 1 - (1 - MOMENTUM) ** len(own)
            second = (1 - rate) * (variance + mean**2) + rate * (own**2).mean(0)
            mean = (1 - rate) * mean + rate * own.mean(0)
            variance = second - mean**2
        np.testing.assert_allclose(mixture.running_mean[label], mean, rtol=1e-10)
        np.testing.assert_allclose(mixture.running_var[label], variance, rtol=1e-6)
    assert (mixture.running_mean - 3).abs().max() < 0.01


def test_samples_are_drawn_from_running_moments():
    mixture = GaussianMixture(2, 3, running=True)
    mixture.running_mean.fill_(5.0)
    mixture.running_var.fill_(4.0)
    noise = torch.randn(4, 3)
    assert torch.equal(mixture.sample(torch.tensor([0, 1, 0, 1]), noise), 5 + 2 * noise)


@pytest.mark.parametrize("name", ("ours", "cvae", "cvae_gan"))
def test_fitting_changes_the_priors_of_a_model_alone(name):
    model = build_seeded(name, IMAGE, Method(), {}, "test")
    draws = torch.Generator().manual_seed(0)
    images = torch.rand(300, 3, 32, 32, generator=draws) * 2 - 1
    labels = torch.arange(300) % 4
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.fit_priors(images, labels)
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    priors = {"prior_u.mean", "prior_u.std", "prior.mu", "prior.scale"}
    assert changed == (priors if name == "ours" else {"prior_z.mean", "prior_z.std"})
    assert model.training  # as it was


def test_a_model_without_codes_has_no_fit():
    assert not hasattr(build_seeded("cgan", IMAGE, Method(), {}, "test"), "fit_priors")

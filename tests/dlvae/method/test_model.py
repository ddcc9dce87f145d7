"""The model as others use it: shapes, ranges, modes, restarts, precision."""

import copy

import pytest
import torch

from dlvae.base import GenerativeModel
from dlvae.method.algorithm1 import MODEL, LrLiVAE


@pytest.fixture(params=[False, True], ids=["point", "image"])
def model(request, make_model) -> LrLiVAE:
    """Toy or 32 px model in float32."""
    return make_model(image=request.param, dtype=torch.float32)


@pytest.fixture
def labels(model) -> torch.Tensor:
    """One label of each class."""
    return torch.arange(model.task.classes)


def test_is_the_models_entry() -> None:
    assert MODEL is LrLiVAE and issubclass(MODEL, GenerativeModel)
    assert hasattr(MODEL, "start_semi_supervised") and hasattr(MODEL, "semi_supervised_step")


def test_training_step_returns_finite_detached_scalars(model, make_batch) -> None:
    for variant in range(2):
        losses = model.training_step(make_batch(model, variant), variant)
    assert all(loss.ndim == 0 and not loss.requires_grad for loss in losses.values())
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert losses["clamp_share"] == 0
    model.start_semi_supervised()
    losses = model.semi_supervised_step(make_batch(model), 0)
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_paper_variant_trains_images(make_model, make_batch) -> None:
    model = make_model(image=True, dtype=torch.float32, variant="paper", gan_loss="log")
    losses = model.training_step(make_batch(model), 0)
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_samples(model, labels) -> None:
    def draw(seed: int, labels: torch.Tensor = labels) -> torch.Tensor:
        return model.sample(labels, torch.Generator().manual_seed(seed))

    images = draw(0)
    shape = (2,) if model.task.kind == "point" else (3, 32, 32)
    assert images.shape == (len(labels), *shape) and images.dtype == torch.float32
    assert not images.requires_grad and model.training
    if model.task.kind == "image":
        assert images.min() >= -1 and images.max() <= 1
    assert torch.equal(images, draw(0)) and not torch.equal(images, draw(1))
    assert not torch.allclose(images, draw(0, labels.roll(1)))  # the label matters


def test_sample_codes_follow_the_priors(model) -> None:
    labels = torch.arange(model.task.classes).repeat_interleave(4000)
    generator = torch.Generator().manual_seed(0)
    z_s, z_u = model.sample_codes(labels, generator)
    assert z_s.shape == (len(labels), model.task.d_s) and z_u.shape == (len(labels), model.task.d_u)
    standard = (z_s - model.prior.mu[labels]) / model.prior.precision().rsqrt()[labels]
    for value in (standard, z_u):
        assert value.mean().abs() < 0.03 and (value.std() - 1).abs() < 0.03
    z_s, z_u = model.sample_codes(labels[:3], torch.Generator().manual_seed(1))
    images = model.sample(labels[:3], torch.Generator().manual_seed(1))
    assert torch.equal(images, model.decode(z_s, z_u))


def test_encode_decode_reconstruct(model, make_batch, labels) -> None:
    images = make_batch(model).images[0]
    codes = model.encode(images)
    assert codes.keys() == {"z_s", "z_u", "z_u_logvar"}
    assert codes["z_s"].shape == (len(images), model.task.d_s)
    assert codes["z_u"].shape == codes["z_u_logvar"].shape == (len(images), model.task.d_u)
    found = model.reconstruct(images)
    assert torch.equal(found, model.decode(codes["z_s"], codes["z_u"]))
    assert found.shape == images.shape and not found.requires_grad
    assert torch.equal(
        found, model.reconstruct(images, torch.zeros(len(images), dtype=torch.int64))
    )


def test_restart_continues_to_the_same_weights(model, make_batch) -> None:
    twin = copy.deepcopy(model)
    for step in range(2):
        model.training_step(make_batch(model, step), step)
    state = copy.deepcopy(model.training_state())
    model.training_step(make_batch(model, 2), 2)
    twin.load_training_state(state)
    twin.training_step(make_batch(twin, 2), 2)
    for name, value in model.state_dict().items():
        assert torch.equal(value, twin.state_dict()[name]), name


def test_reconstructions_and_prior_samples_are_decoded_apart(make_model, make_batch) -> None:
    """Batch statistics of x_f and x_p must not mix: the decoder sees B codes, twice."""
    model, sizes = make_model(image=True, dtype=torch.float32), []
    model.decoder.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    model.training_step(make_batch(model), 0)
    assert sizes == [model.task.batch_size] * 2


def test_prior_codes_and_noise_of_a_joint_pass(make_model, make_batch) -> None:
    model = make_model()
    batch, seen = make_batch(model), []
    model.decoder.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    labels = batch.labels[0]
    forward = model.joint_pass(batch.images[0], labels, batch.generator)
    codes, prior_codes = seen
    torch.testing.assert_close(codes, torch.cat([forward.z_s, forward.z_u], 1))
    assert not prior_codes.requires_grad
    noise = torch.randn(len(labels), 6, generator=make_batch(model).generator).double()
    epsilon, epsilon_s, z_u = noise.split([2, 2, 2], 1)
    torch.testing.assert_close(
        forward.z_u, forward.mean + (forward.logvar / 2).exp() * epsilon, check_dtype=False
    )
    z_s = model.prior.mu[labels] + model.prior.precision().rsqrt()[labels] * epsilon_s
    torch.testing.assert_close(prior_codes, torch.cat([z_s, z_u], 1).detach())


def test_bf16_step_keeps_full_precision_losses(make_model, make_batch) -> None:
    model = make_model(image=True, dtype=torch.float32)
    reference = copy.deepcopy(model).training_step(make_batch(model), 0)
    model.precision = "bf16"
    losses = model.training_step(make_batch(model), 0)
    for name, loss in losses.items():
        assert loss.dtype == torch.float32, name
        torch.testing.assert_close(loss, reference[name], rtol=0.1, atol=0.05)
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert model.encode(make_batch(model).images[0])["z_s"].dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_one_step_on_cuda(make_model, make_batch) -> None:
    model = make_model(image=True, dtype=torch.float32).to("cuda")
    batch = make_batch(model)
    batch.images, batch.labels = batch.images.to("cuda"), batch.labels.to("cuda")
    losses = model.training_step(batch, 0)
    assert all(torch.isfinite(loss) for loss in losses.values())
    model.start_semi_supervised()
    model.semi_supervised_step(batch, 0)
    images = model.sample(torch.arange(4), torch.Generator().manual_seed(0))
    assert images.device.type == "cuda" and torch.isfinite(images).all()

"""What every model keeps to: ours, every baseline and every installed one.

A new model needs no test of its own to be in here; being found by the registry is enough.
"""

import dataclasses
import io
from pathlib import Path

import pytest
import torch

from dlvae.base import Batch, Method, Task
from dlvae.registry import (
    BASELINES,
    build_seeded,
    default_options,
    load_model,
    model_names,
    save_model,
)

TASKS = {
    "net32": Task("image", "net32", 32, 4, 0.125, 8, 8, 8, 64),
    "toy": Task("point", "toy", 2, 3, 0.5, 2, 2, 16, 64),
}
NET64 = Task("image", "net64", 64, 4, 0.0625, 8, 8, 4, 64)
CASES = [(name, task) for task in TASKS for name in model_names()]
IDS = [f"{name}-{task}" for name, task in CASES]
every_case = pytest.mark.parametrize(("name", "task"), CASES, ids=IDS)
every_model = pytest.mark.parametrize("name", model_names())


def make(name, task, seed=0):
    task = TASKS.get(task, task)
    return build_seeded(name, task, Method(), {}, "conformance", seed).train()


def shape_of(task):
    return (3, task.size, task.size) if task.kind == "image" else (2,)


def batch_for(model, step=0, device="cpu"):
    task, k = model.task, model.batches_per_step
    draws = torch.Generator().manual_seed(100 + step)
    images = torch.rand(k * task.batch_size, *shape_of(task), generator=draws) * 2 - 1
    if task.kind == "image":
        images = images.to(memory_format=torch.channels_last)
    labels = torch.randint(task.classes, (k, task.batch_size), generator=draws)
    images = images.unflatten(0, (k, task.batch_size))
    return Batch(images.to(device), labels.to(device), draws)


def trained(name, task, steps=2):
    model = make(name, task)
    for step in range(steps):
        model.training_step(batch_for(model, step), step)
    return model


def draw(model, labels, seed=0):
    return model.sample(torch.as_tensor(labels), torch.Generator().manual_seed(seed))


def same(first, second):
    """Whether two nested states hold the same bytes."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def saved(model):
    """Training state as it comes back from a file that only data may be in."""
    file = io.BytesIO()
    torch.save(model.training_state(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@every_case
def test_a_step_returns_finite_losses_and_moves_every_network(name, task):
    model = make(name, task)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    losses = model.training_step(batch_for(model), 0)
    assert losses
    for value in losses.values():
        assert value.shape == () and not value.requires_grad and torch.isfinite(value)
    # A zero bias may rest a step; the weights of no network may.
    still = {n.split(".")[0] for n, p in model.named_parameters() if not torch.equal(before[n], p)}
    assert still == {n.split(".")[0] for n in before}
    assert all(p.grad is None for p in model.parameters())


@every_case
def test_samples_have_the_shape_and_range_of_the_data(name, task):
    model = trained(name, task)
    images = draw(model, [0, 1, 2, 0, 1])
    assert images.shape == (5, *shape_of(model.task))
    assert images.dtype == torch.float32 and not images.requires_grad
    assert torch.isfinite(images).all()
    if model.task.kind == "image":
        assert images.abs().max() <= 1


@every_case
def test_a_sample_follows_from_label_and_generator(name, task):
    model = trained(name, task)
    first = draw(model, [0, 1, 2])
    assert torch.equal(first, draw(model, [0, 1, 2]))
    other = draw(model, [1, 1, 2])
    assert not torch.allclose(first[0], other[0])
    assert not torch.allclose(first, draw(model, [0, 1, 2], seed=1))


@every_case
def test_a_sample_does_not_depend_on_its_batch_after_recalibration(name, task):
    model = trained(name, task)
    model.eval()
    model.recalibrate(torch.Generator().manual_seed(5), batches=2)
    first, second = draw(model, [0, 1, 2, 1, 0]), draw(model, [0, 2, 2, 2, 1])
    torch.testing.assert_close(first[[0, 2]], second[[0, 2]], rtol=1e-4, atol=1e-5)


@every_case
def test_sampling_leaves_the_training_state_alone(name, task):
    model = trained(name, task)
    before, modes = saved(model), [m.training for m in model.modules()]
    draw(model, [0, 1])
    if hasattr(model, "reconstruct"):
        batch = batch_for(model)
        model.reconstruct(batch.images[0], batch.labels[0])
    assert same(before, saved(model))
    assert modes == [m.training for m in model.modules()]


@every_case
def test_a_saved_model_loads_to_the_same_samples(name, task, tmp_path):
    model = trained(name, task)
    save_model(tmp_path, name, model, {"preset": "test"})
    loaded = load_model(tmp_path, "cpu")
    assert not loaded.training
    assert same(model.state_dict(), loaded.state_dict())
    assert torch.equal(draw(model, [0, 1, 2]), draw(loaded, [0, 1, 2]))


@every_case
def test_training_continues_from_its_state_to_the_same_bytes(name, task):
    model = trained(name, task)
    resumed = make(name, task, seed=1)
    resumed.load_training_state(saved(model))
    losses = [m.training_step(batch_for(m, 2), 2) for m in (model, resumed)]
    assert same(*losses)
    assert same(saved(model), saved(resumed))


@every_case
def test_optional_abilities(name, task):
    model = trained(name, task)
    batch = batch_for(model)
    images, labels = batch.images[0], batch.labels[0]
    if hasattr(model, "reconstruct"):
        reconstruction = model.reconstruct(images, labels)
        assert reconstruction.shape == images.shape and torch.isfinite(reconstruction).all()
    if hasattr(model, "encode"):
        codes = model.encode(images)
        assert all(len(code) == len(images) for code in codes.values())
        assert not any(code.requires_grad for code in codes.values())
    if hasattr(model, "posterior"):
        with model.sampling():
            mean, logvar = model.posterior(images, labels)
        assert mean.shape == logvar.shape and len(mean) == len(images)
    if hasattr(model, "semi_supervised_step"):
        model.start_semi_supervised()
        unlabelled = Batch(images[None], torch.full_like(labels[None], -1), batch.generator)
        losses = model.semi_supervised_step(unlabelled, 0)
        assert all(torch.isfinite(value) for value in losses.values())


@every_model
def test_the_64_pixel_networks_train_too_in_bf16(name):
    model = make(name, NET64)
    model.precision = "bf16"
    losses = model.training_step(batch_for(model), 0)
    assert all(torch.isfinite(value) and value.dtype == torch.float32 for value in losses.values())
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert draw(model, [0, 3]).dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("task", [*TASKS.values(), NET64], ids=[*TASKS, "net64"])
@every_model
def test_one_step_on_a_gpu(name, task, precision):
    model = make(name, task).to("cuda")
    model.precision = precision
    losses = model.training_step(batch_for(model, device="cuda"), 0)
    assert all(torch.isfinite(value) for value in losses.values())
    images = draw(model, [0, 1, 2])
    assert images.device.type == "cuda" and torch.isfinite(images).all()
    model.recalibrate(torch.Generator().manual_seed(0), batches=2)


@pytest.mark.parametrize("folder", sorted(p.parent for p in BASELINES.glob("*/model.py")))
def test_a_baseline_folder_is_complete(folder: Path):
    model = make(folder.name, "toy")
    assert default_options(folder.name) == dataclasses.asdict(type(model).Config())
    assert len((folder / "card.md").read_text(encoding="utf-8")) > 200

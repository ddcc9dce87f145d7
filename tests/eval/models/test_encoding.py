"""Codes and reconstruction errors of real models, batch by batch, against one pass over all."""

import numpy as np
import pytest
import torch

from dlvae.base import Method, Task
from dlvae.data.dataset import Split
from dlvae.stage.errors import UserError
from dlvae.stage.registry import build_seeded
from eval.models import encoding
from eval.models.encoding import encode_split, has_codes, reconstruction_errors, variance

IMAGES = Task("image", "net32", 32, 3, 0.05, 4, 6, 8, 32)
POINTS = Task("point", "toy", 2, 3, 1.0, 2, 2, 8, 32)


def split(task, n=13):
    random = np.random.default_rng(0)
    labels, classes = np.arange(n) % 3, np.array(["a", "b", "c"])
    if task.kind == "image":
        images = random.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
        return Split(images, None, labels, classes)
    return Split(None, random.normal(size=(n, 2)).astype(np.float32), labels, classes)


def values(part):
    """What a model reads, by NumPy."""
    if part.points is not None:
        return part.points
    return part.images.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1


@pytest.fixture(params=["whole", "batches"])
def batches(request, monkeypatch):
    monkeypatch.setattr(encoding, "CHUNK", {"whole": 256, "batches": 5}[request.param])


@pytest.mark.parametrize("task", [IMAGES, POINTS], ids=["images", "points"])
def test_codes_of_ours(batches, task):
    model, part = build_seeded("ours", task, Method(), {}, 0), split(task)
    expected = model.encode(torch.from_numpy(values(part)))
    found = encode_split(model, part)
    assert found.split is part and not found.labelled
    for name, code in expected.items():
        array = getattr(found, name)
        assert array.dtype == np.float32
        assert array == pytest.approx(code.numpy(), abs=1e-5)


@pytest.mark.parametrize("task", [IMAGES, POINTS], ids=["images", "points"])
def test_codes_of_a_label_fed_encoder(batches, task):
    model, part = build_seeded("cvae", task, Method(), {}, 0), split(task)
    x, y = torch.from_numpy(values(part)), torch.from_numpy(part.labels)
    model.eval()
    mean, logvar = (array.detach().numpy() for array in model.encoder(x, y))
    model.train()
    found = encode_split(model, part)
    assert found.labelled and found.z_s is None and model.training
    assert found.z_u == pytest.approx(mean, abs=1e-5)
    assert found.z_u_logvar == pytest.approx(logvar, abs=1e-5)
    other = encode_split(model, Split(part.images, part.points, (part.labels + 1) % 3, "abc"))
    assert np.abs(other.z_u - found.z_u).max() > 1e-3


@pytest.mark.parametrize("task", [IMAGES, POINTS], ids=["images", "points"])
@pytest.mark.parametrize("name", ["ours", "cvae_gan"])
def test_reconstruction_errors(batches, task, name):
    model, part = build_seeded(name, task, Method(), {}, 0), split(task)
    x, y = torch.from_numpy(values(part)), torch.from_numpy(part.labels)
    difference = model.reconstruct(x, y).numpy().astype(np.float64) - values(part)
    expected = [np.mean(one**2) for one in difference]
    assert reconstruction_errors(model, part) == pytest.approx(expected, rel=1e-4)


def test_a_generator_alone_has_no_codes():
    for name, able in {"ours": True, "cvae": True, "cgan": False}.items():
        assert has_codes(build_seeded(name, POINTS, Method(), {}, 0)) is able


def test_codes_by_other_names_are_refused():
    class Other:
        device = torch.device("cpu")

        def encode(self, images):
            return {"z": images, "z_u": images}

    with pytest.raises(UserError, match="z_u and z_u_logvar, found z, z_u; return the mean"):
        encode_split(Other(), split(POINTS))


@pytest.mark.parametrize("task", [IMAGES, POINTS], ids=["images", "points"])
def test_variance_is_the_error_of_the_mean_image(batches, task):
    x = values(split(task)).astype(np.float64)
    assert variance(split(task)) == pytest.approx(((x - x.mean(axis=0)) ** 2).mean(), rel=1e-5)

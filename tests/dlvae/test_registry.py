import os
import sys

import pytest
import torch

from baselines.__main__ import filled
from dlvae.base import Method, Task
from dlvae.sample import ready, sample_set
from dlvae.stage import registry
from dlvae.stage.errors import UserError
from dlvae.stage.seeds import generator
from installed import install

TOY = Task("point", "toy", 2, classes=3, width=1.0, d_s=2, d_u=2, batch_size=6, train_images=60)
IMAGE = Task("image", "net32", 32, 3, width=0.1, d_s=4, d_u=4, batch_size=6, train_images=60)


def test_ours_and_the_baseline_folders_are_found_by_name():
    assert registry.model_names()[0] == "ours"
    assert {"cgan", "cvae", "cvae_gan", "cvae_gan_bao"} <= set(registry.model_names())
    assert registry.module_name("cvae") == "baselines.cvae.model"


def test_a_new_folder_is_a_new_model(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "BASELINES", tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.py").write_text("")
    assert registry.model_names() == ["ours", "mine"]
    assert registry.default_options("mine") == {}


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """A distribution on the path that offers a model, started from the template."""
    texts = filled("theirs", "their_package")
    files = {
        f"their_package/{name}": texts[name] for name in ("__init__.py", "model.py", "options.py")
    }
    install(tmp_path / "site", {"theirs": "their_package.model:MODEL"}, files)
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield "theirs"
    for name in [name for name in sys.modules if name.startswith("their_package")]:
        del sys.modules[name]


def test_an_installed_package_offers_a_model(theirs):
    assert "theirs" in registry.model_names()
    assert registry.module_name("theirs") == "their_package.model"
    with pytest.raises(UserError, match="Did you mean 'theirs'"):
        registry.module_name("thiers")


def test_packages_are_read_once_until_one_is_installed(tmp_path, monkeypatch):
    os.utime(tmp_path, (0, 0))  # not the moment of the installation, by a coarse clock
    monkeypatch.syspath_prepend(tmp_path)
    before = registry.model_names()
    with monkeypatch.context() as without:
        without.delattr(registry.metadata, "entry_points")
        assert registry.model_names() == before
    install(tmp_path, {"late": "late_package.model:MODEL"}, {})
    assert registry.model_names() == [*before, "late"]


def test_an_installed_model_takes_its_own_options(theirs):
    assert registry.build_seeded(theirs, TOY, Method(), {"beta": 2.0}).config.beta == 2
    assert registry.default_options(theirs) == {}
    with pytest.raises(UserError, match="unknown option 'options.theirs.bete'.*'beta'"):
        registry.build_seeded(theirs, TOY, Method(), {"bete": 2.0})


def test_unknown_names_and_options_are_named_with_the_nearest():
    with pytest.raises(UserError, match="unknown model 'cvea'.*Did you mean 'cvae'"):
        registry.module_name("cvea")
    with pytest.raises(UserError, match="unknown option 'options.cvae.dz'.*'d_z'"):
        registry.build_seeded("cvae", TOY, Method(), {"dz": 3})


def test_initial_weights_depend_on_the_seed_alone():
    before = torch.random.get_rng_state()
    builds = [registry.build_seeded("ours", TOY, Method(), {}, "t", seed) for seed in (0, 0, 1)]
    assert torch.equal(before, torch.random.get_rng_state())
    first, same, other = [model.state_dict() for model in builds]
    assert all(torch.equal(first[k], same[k]) for k in first)
    assert any(not torch.equal(first[k], other[k]) for k in first)


@pytest.mark.parametrize("name", ["ours", "cgan"])
def test_saved_models_load_to_the_same_samples(tmp_path, name):
    model = registry.build_seeded(name, IMAGE, Method(), {}, "t").eval()
    registry.save_model(tmp_path / "m", name, model, {"preset": "t"})
    loaded = registry.load_model(tmp_path / "m")
    labels = torch.arange(3)
    samples = [m.sample(labels, generator("s")) for m in (model, loaded)]
    assert torch.equal(*samples)
    registry.save_model(tmp_path / "again", name, loaded, {"preset": "t"})
    for file in (registry.WEIGHTS, registry.DEFINITION):
        assert (tmp_path / "m" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_broken_weights_are_named(tmp_path):
    model = registry.build_seeded("cvae", TOY, Method(), {}, "t")
    registry.save_model(tmp_path, "cvae", model, {})
    (tmp_path / registry.WEIGHTS).write_bytes(b"not tensors")
    with pytest.raises(UserError, match="weights.safetensors"):
        registry.load_model(tmp_path)


def test_recalibration_fits_the_statistics_of_prior_samples():
    model = registry.build_seeded("cgan", IMAGE, Method(), {}, "t")
    norm = next(m for m in model.decoder.modules() if isinstance(m, torch.nn.BatchNorm2d))
    seen = []
    hook = norm.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    ready(model, "recalibrated", generator("r"))
    hook.remove()
    means = torch.stack([x.float().mean((0, 2, 3)) for x in seen])
    assert len(seen) == 100
    assert torch.allclose(norm.running_mean, means.mean(0), atol=1e-5)
    assert norm.momentum == 0.1 and not norm.training


def test_recalibration_on_images_fits_the_statistics_of_their_reconstructions():
    images = torch.rand(20, 3, 32, 32, generator=generator("i")) * 2 - 1
    source = images, torch.arange(20) % 3
    states = []
    for given in (None, source):
        model = registry.build_seeded("ours", IMAGE, Method(), {}, "t")
        ready(model, "recalibrated", generator("r"), given)
        states.append(model.reconstruct(images))
    model.batch_statistics = True
    whole = model.reconstruct(images)
    errors = [float((state - whole).square().mean()) for state in states]
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.parametrize("bn_eval", ["recalibrated", "batch", "running"])
def test_sample_sets_hold_every_class_equally(bn_eval):
    model = ready(registry.build_seeded("cvae", IMAGE, Method(), {}, "t"), bn_eval, generator("r"))
    images, labels = sample_set(model, 5, generator("s"))
    assert images.shape == (15, 32, 32, 3) and images.dtype.name == "uint8"
    assert (labels.reshape(5, 3) == [0, 1, 2]).all()
    assert (sample_set(model, 5, generator("s"))[0] == images).all() or bn_eval == "batch"


def test_batch_statistics_make_a_sample_depend_on_its_batch():
    model = registry.build_seeded("cgan", IMAGE, Method(), {}, "t")
    labels = torch.arange(6) % 3

    ready(model, "running", generator("r"))
    running = [model.sample(labels, generator("s")) for _ in range(2)]
    assert torch.equal(*running)
    ready(model, "batch", generator("r"))
    assert not torch.allclose(model.sample(labels, generator("s")), running[0], atol=1e-3)


def test_unknown_batch_norm_rule():
    model = registry.build_seeded("cvae", TOY, Method(), {}, "t")
    with pytest.raises(UserError, match="bn_eval.*Did you mean 'running'"):
        ready(model, "runing", generator("r"))

"""`fast: false` runs the plain code, to the same numbers."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from dlvae.base import Batch, Method, Task
from dlvae.stage.registry import DEFINITION, build_seeded, load_model, save_model, weights_hash

TASKS = [
    Task("point", "toy", 2, 3, 0.5, 2, 2, 8, 100),
    Task("image", "net32", 32, 4, 0.1, 4, 6, 6, 100),
    Task("image", "net64", 64, 3, 0.03, 4, 6, 4, 100),
]
MODELS = ["ours", "cvae", "cgan", "cvae_gan", "cvae_gan_bao", "wgan_gp"]


def trained(name: str, task: Task) -> nn.Module:
    model = build_seeded(name, task, Method(), {}, "plain").double().train()
    draws = torch.Generator().manual_seed(0)
    shape = (3, task.size, task.size) if task.kind == "image" else (2,)

    def batch(k: int) -> Batch:
        images = torch.rand(k, task.batch_size, *shape, generator=draws).double() * 2 - 1
        labels = torch.randint(task.classes, (k, task.batch_size), generator=draws)
        return Batch(images, labels, draws)

    for step in range(2):
        model.training_step(batch(model.batches_per_step), step)
    if hasattr(model, "start_semi_supervised"):
        model.start_semi_supervised()
        model.semi_supervised_step(batch(1), 0)
    return model


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.backbone)
@pytest.mark.parametrize("name", MODELS)
def test_plain_code_trains_to_the_same_weights(name, task) -> None:
    fast, plain = (trained(name, replace(task, fast=fast)) for fast in (True, False))
    for module in plain.modules():
        assert not type(module).__module__.startswith("dlvae.fast"), module
    for optimiser in plain.optimisers.values():
        assert not optimiser.defaults["fused"]
    found, expected = fast.state_dict(), plain.state_dict()
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-8, atol=1e-8, msg=key)


def test_a_saved_model_names_the_key_only_where_it_is_false(tmp_path) -> None:
    for fast in (True, False):
        folder = tmp_path / str(fast)
        model = build_seeded("ours", replace(TASKS[1], fast=fast), Method(), {}, "plain")
        save_model(folder, "ours", model, {})
        section = json.loads((folder / DEFINITION).read_text())["task"]
        assert section.get("fast", True) is fast and ("fast" in section) is not fast
        assert load_model(folder).task.fast is fast
    assert weights_hash(tmp_path / "True") == weights_hash(tmp_path / "False")

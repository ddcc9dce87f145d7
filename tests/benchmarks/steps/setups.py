"""What the benchmarks train: the presets' own tasks and methods, on images of noise."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch

from dlvae.base import Batch, GenerativeModel, Method, Task
from dlvae.config.preset import load_preset
from dlvae.stage.registry import build_seeded
from dlvae.stage.runtime import resolve_precision
from reports.freeze.machine import ROOT

CONFIG = ROOT / "config"


def full_width() -> tuple[Task, Method]:
    """CIFAR-10 at the paper's scale: 32 px, width 1, batch 96."""
    return _preset("paper", "cifar10", classes=10, train_images=50000)


def quarter_width() -> tuple[Task, Method]:
    """The faces of preset `quick`: 32 px, width 1/4, batch 32."""
    data = load_preset("quick", CONFIG)["datasets"]["synthetic_faces"]["data"]
    classes = data["identities"]
    return _preset("quick", "synthetic_faces", classes, classes * data["images_per_identity"])


def tiny() -> tuple[Task, Method]:
    """Networks of a few channels, for tests of the benchmarks themselves."""
    task, method = full_width()
    return replace(task, width=0.1, d_s=4, d_u=5, batch_size=6, train_images=60), method


def plain(task: Task) -> Task:
    """Return the task with networks of torch.nn's layers alone."""
    return replace(task, fast=False)


def _preset(name: str, dataset: str, classes: int, train_images: int) -> tuple[Task, Method]:
    preset = load_preset(name, CONFIG)
    section = preset["datasets"][dataset]
    network, batch_size = section["network"], section["train"]["batch_size"]
    latent = {key: network[key] for key in ("d_s", "d_u")}
    task = Task(
        kind="image",
        backbone=network["backbone"],
        size=32,
        classes=classes,
        width=network["width"],
        batch_size=batch_size,
        train_images=train_images,
        **latent,
    )
    return task, Method(**{**preset.get("method", {}), **section.get("method", {})})


def native_precision() -> str:
    """Return what preset `quick`'s precision resolves to here: "fp32" or "bf16"."""
    return resolve_precision(load_preset("quick", CONFIG)["precision"], torch.device("cpu"))


def trained(name: str, task: Task, method: Method, precision: str) -> GenerativeModel:
    """Build a model of the registry as the training stage does, ready for its first step."""
    model = build_seeded(name, task, method, {}, "benchmark", name)
    model.precision = precision
    return model.train()


def batch(task: Task, batches: int = 1, dtype: torch.dtype = torch.float32) -> Batch:
    """Return `batches` batches of noise in the layout of the training's stream."""
    draws = torch.Generator().manual_seed(0)
    count = batches * task.batch_size
    images = torch.rand(count, 3, task.size, task.size, generator=draws) * 2 - 1
    images = images.to(dtype).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(task.classes, (batches, task.batch_size), generator=draws)
    return Batch(images.unflatten(0, (batches, task.batch_size)), labels, draws)


def standard_layout(given: Batch) -> Batch:
    """Return the batch with images in torch's default layout, as plain code reads them."""
    return Batch(given.images.contiguous(), given.labels, copy_generator(given.generator))


def copy_generator(generator: torch.Generator) -> torch.Generator:
    """Return a generator in the same state."""
    copied = torch.Generator()
    copied.set_state(copy.deepcopy(generator.get_state()))
    return copied

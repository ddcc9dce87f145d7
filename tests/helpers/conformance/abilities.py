"""What is checked of the abilities that a model may have and need not."""

import torch
from torch import Tensor

from conformance.case import Case, known_randomness
from conformance.words import require, some
from dlvae.base import Batch, GenerativeModel


def check_abilities(case: Case) -> None:
    """`reconstruct`, `encode`, `posterior` and the semi-supervised stage, where there are any."""
    model = case.trained()
    batch = case.batch(model)
    images, labels = batch.images[0], batch.labels[0]
    with known_randomness():
        if hasattr(model, "reconstruct"):
            _check_reconstruction(model, images, labels)
        if hasattr(model, "encode"):
            _check_codes(model, images)
        if hasattr(model, "posterior"):
            _check_posterior(model, images, labels)
        if hasattr(model, "semi_supervised_step"):
            _check_semi_supervised(model, batch)


def _check_reconstruction(model: GenerativeModel, images: Tensor, labels: Tensor) -> None:
    found = model.reconstruct(images, labels)
    require(
        found.shape == images.shape and found.dtype == torch.float32,
        "reconstruct(images, labels) returns images like those it was given, float32",
        f"it returned {tuple(found.shape)}, {found.dtype}; given {tuple(images.shape)}",
        "reconstruct",
    )
    require(
        bool(torch.isfinite(found).all()),
        "reconstructions are finite",
        "some values are NaN or infinite",
        "reconstruct, and the codes behind it",
    )


def _check_codes(model: GenerativeModel, images: Tensor) -> None:
    codes = model.encode(images)
    named = isinstance(codes, dict) and {"z_u", "z_u_logvar"} <= codes.keys()
    require(
        named and all(len(code) == len(images) for code in codes.values()),
        "encode(images) returns codes by name, one row per image: z_u and z_u_logvar (mean and "
        "log-variance of q(z_u|x)), and z_s where there is one",
        f"it returned {_sizes(codes)} for {len(images)} images",
        "encode; an encoder that needs labels offers posterior(images, labels) in its place",
    )


def _check_posterior(model: GenerativeModel, images: Tensor, labels: Tensor) -> None:
    with model.sampling(), model.autocast():
        parts = model.posterior(images, labels)
    shapes = [tuple(part.shape) for part in parts]
    require(
        len(shapes) == 2 and shapes[0] == shapes[1] and shapes[0][0] == len(images),
        "posterior(images, labels) returns mean and log-variance of q(z|x, y), (N, d) each",
        f"it returned {some(map(str, shapes))} for {len(images)} images",
        "posterior",
    )


def _check_semi_supervised(model: GenerativeModel, batch: Batch) -> None:
    model.start_semi_supervised()
    none = torch.full_like(batch.labels[:1], -1)
    losses = model.semi_supervised_step(Batch(batch.images[:1], none, batch.generator), 0)
    bad = [name for name, value in losses.items() if not torch.isfinite(value)]
    require(
        not bad,
        "semi_supervised_step trains on images without labels (they are -1) to finite losses",
        f"{some(bad)} is NaN or infinite",
        "semi_supervised_step: does it read the labels?",
    )


def _sizes(codes: object) -> str:
    if not isinstance(codes, dict):
        return type(codes).__name__
    return some(f"{name} {tuple(code.shape)}" for name, code in codes.items())

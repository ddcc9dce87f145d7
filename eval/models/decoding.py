"""Saved models made ready, and their codes decoded to uint8 grids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dlvae.base import GenerativeModel
from dlvae.coding import CHUNK
from dlvae.data.batches import to_model_range, to_uint8
from dlvae.data.dataset import Split
from dlvae.sample import ready
from dlvae.stage.artefact import sha256_arrays
from dlvae.stage.errors import UserError
from dlvae.stage.registry import load_model
from dlvae.stage.seeds import generator
from eval.request import Request
from eval.rows import HASH

MID_GREY = 128  # 0 in [-1, 1] as uint8
STATISTICS_IMAGES = 4096  # of a source, for batch-norm statistics; bounds the memory

Norm = nn.modules.batchnorm._BatchNorm


def ready_model(
    request: Request,
    folder: Path,
    name: str,
    source: Split | None = None,
    encoders: bool = False,
    needs: Sequence[str] = (),
) -> GenerativeModel:
    """Load a model and put its batch norms in the state in which it is also sampled.

    The draws of the recalibration are those of the sampling stage, so that a figure, a score and a
    table show the same generator.

    Args:
        source: set that the decoded codes are encoded from, if they are; statistics of samples
            of the prior would be wrong for them.
        encoders: re-estimate the encoders' batch norms on ``source`` too, where the decoder's are:
            for images unlike those of the training, so that models are compared by their weights.
        needs: optional abilities that the model must have, ``decode`` or the like.

    Raises:
        UserError: it lacks one.
    """
    config, model, images = request.config, load_model(folder), None
    for ability in needs:
        if not hasattr(model, ability):
            raise UserError(
                f"{request.name}: expected a model with '{ability}', found {type(model).__name__} "
                "without it"
            )
    if source is not None:
        images = statistics_images(source)
        if encoders and request.bn_eval == "recalibrated":
            estimate_encoder_norms(model, images[0])
    parts = [config["preset"], config["dataset"], name, config["seed"]]
    return ready(model, request.bn_eval, generator(*parts, "recalibrate"), images)


def statistics_images(source: Split) -> tuple[Tensor, Tensor]:
    """Return the images of a set that batch-norm statistics are taken on, and their labels."""
    part = source.take(evenly_spaced(len(source), STATISTICS_IMAGES))
    return model_values(part), torch.from_numpy(part.labels)


def estimate_encoder_norms(model: GenerativeModel, images: Tensor) -> None:
    """Replace the statistics of every batch norm outside of the decoder by those of images.

    The running statistics of an encoder are those of the images that it was trained on last. A
    model before and after a training on other people would so differ by the statistics of these
    people too, which is not what it learned of them.

    The cumulative average over batches of the size of the training, as
    :meth:`dlvae.base.GenerativeModel.recalibrate` takes it for the decoder.

    Args:
        model: with ``encode``.
        images: float (N, 3, H, W) in [-1, 1], at least 2.
    """
    of_decoder = {m for network in model.decoder_networks() for m in network.modules()}
    norms = [m for m in model.modules() if isinstance(m, Norm) and m not in of_decoder]
    # `encode` runs in evaluation mode; what a norm is set to there lasts until it ends.
    hooks = [norm.register_forward_pre_hook(_by_batch) for norm in norms]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average over the batches below
    for batch in torch.tensor_split(images, max(1, len(images) // model.task.batch_size)):
        model.encode(batch.to(model.device))
    for norm, hook, momentum in zip(norms, hooks, momenta, strict=True):
        hook.remove()
        norm.momentum = momentum


def _by_batch(norm: nn.Module, _) -> None:
    norm.train()


def model_values(split: Split, device: torch.device | str | None = None) -> Tensor:
    """Return what a model reads: images (N, 3, H, W) in [-1, 1], or points (N, 2) as they are."""
    if split.images is not None:
        return to_model_range(split.images, device)
    return torch.from_numpy(split.points).to(device)


def codes_hash(**codes: Tensor) -> str:
    """Return the short content hash of the codes behind a grid."""
    return sha256_arrays(**{name: code.cpu().numpy() for name, code in codes.items()})[:HASH]


def evenly_spaced(count: int, wanted: int) -> np.ndarray:
    """Return up to ``wanted`` distinct indices below ``count``, at the middle of equal parts."""
    wanted = min(count, wanted)
    return ((np.arange(wanted) + 0.5) * count / wanted).astype(np.int64)


def corrupt(images: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Grey out the region ``mask``, bool (H, W), of uint8 images (N, H, W, 3)."""
    return np.where(mask[..., None], np.uint8(MID_GREY), images)


def inpaint(
    model: GenerativeModel, corrupted: np.ndarray, mask: np.ndarray, labels: np.ndarray | None
) -> np.ndarray:
    """Fill the region of corrupted uint8 images (N, H, W, 3) by reconstruction.

    x_inp = M x' + (1 - M) x, where M = 1 on the missing region ``mask``, bool (H, W), and x' is the
    reconstruction of the corrupted image.

    Args:
        labels: true labels, int64 (N,), for a model that needs them, such as cVAE-GAN.
    """
    filled = []
    for start in range(0, len(corrupted), CHUNK):
        part = slice(start, start + CHUNK)
        images = to_model_range(corrupted[part], model.device)
        given = None if labels is None else torch.from_numpy(labels[part]).to(model.device)
        filled.append(to_uint8(model.reconstruct(images, given)))
    return np.where(mask[..., None], np.concatenate(filled), corrupted)

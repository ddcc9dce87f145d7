"""Saved models made ready, and their codes decoded to uint8 grids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dlvae.base import GenerativeModel
from dlvae.data.batches import to_model_range, to_uint8
from dlvae.data.dataset import Split
from dlvae.sample import ready
from dlvae.stage.artefact import read_json, sha256_arrays
from dlvae.stage.errors import UserError
from dlvae.stage.registry import DEFINITION, WEIGHTS, load_model, weights_hash
from dlvae.stage.seeds import generator
from eval.models.encoder_norms import estimate_encoder_norms
from eval.request import Request
from eval.rows import UNKNOWN

CHUNK = 256  # images decoded at once
STATISTICS_IMAGES = 4096  # of a source, for batch-norm statistics; bounds the memory
HASH = 12  # hexadecimal digits of a content hash that are stored


def ready_model(
    request: Request,
    folder: Path,
    name: str,
    source: Split | None = None,
    encoders: bool = False,
) -> GenerativeModel:
    """Load a model and put its batch norms in the state in which it is also sampled.

    The draws of the recalibration are those of the sampling stage, so that a figure, a score and a
    table show the same generator.

    Args:
        source: set that the decoded codes are encoded from, if they are; statistics of samples
            of the prior would be wrong for them.
        encoders: re-estimate the encoders' batch norms on ``source`` too, where the decoder's are:
            for images unlike those of the training, so that models are compared by their weights.
    """
    config = request.config
    parts = [config["preset"], config["dataset"], name, config["seed"]]
    images = None
    if source is not None:
        part = source.take(evenly_spaced(len(source), STATISTICS_IMAGES))
        images = model_values(part), torch.from_numpy(part.labels)
    draws, model = generator(*parts, "recalibrate"), load_model(folder)
    if encoders and images is not None and request.bn_eval == "recalibrated":
        estimate_encoder_norms(model, images[0])
    return ready(model, request.bn_eval, draws, images)


def model_values(split: Split, device: torch.device | str | None = None) -> Tensor:
    """Return what a model reads: images (N, 3, H, W) in [-1, 1], or points (N, 2) as they are."""
    if split.images is not None:
        return to_model_range(split.images, device)
    return torch.from_numpy(split.points).to(device)


def model_files(name: str, folder: Path) -> dict[str, Path]:
    """Return the files that define a saved model, for the manifest."""
    return {f"{name}/{file}": folder / file for file in (WEIGHTS, DEFINITION)}


def model_hash(folder: Path) -> str:
    """Return the short content hash of a saved model's weights."""
    return weights_hash(folder)[:HASH]


def codes_hash(**codes: Tensor) -> str:
    """Return the short content hash of the codes behind a grid."""
    return sha256_arrays(**{name: code.cpu().numpy() for name, code in codes.items()})[:HASH]


def require(model: GenerativeModel, ability: str, name: str) -> None:
    """Refuse a model that lacks an optional ability, ``decode`` or the like."""
    if not hasattr(model, ability):
        raise UserError(
            f"{name}: expected a model with '{ability}', found {type(model).__name__} without it"
        )


def encode_images(model: GenerativeModel, images: np.ndarray) -> dict[str, Tensor]:
    """Encode uint8 images (N, H, W, 3) to the codes of ``model.encode``, each (N, d)."""
    batches = (images[start : start + CHUNK] for start in range(0, len(images), CHUNK))
    parts = [model.encode(to_model_range(batch, model.device)) for batch in batches]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def decode_grid(model: GenerativeModel, z_s: Tensor, z_u: Tensor) -> np.ndarray:
    """Decode codes (..., d_s) and (..., d_u) to uint8 images (..., H, W, 3).

    Leading dimensions may be broadcast against each other.
    """
    shape = torch.broadcast_shapes(z_s.shape[:-1], z_u.shape[:-1])
    flat = [
        code.expand(*shape, code.shape[-1]).reshape(-1, code.shape[-1]).to(model.device)
        for code in (z_s, z_u)
    ]
    chunks = zip(*(code.split(CHUNK) for code in flat), strict=True)
    images = np.concatenate([to_uint8(model.decode(*chunk)) for chunk in chunks])
    return images.reshape(*shape, *images.shape[1:])


def evenly_spaced(count: int, wanted: int) -> np.ndarray:
    """Return up to ``wanted`` distinct indices below ``count``, at the middle of equal parts."""
    wanted = min(count, wanted)
    return ((np.arange(wanted) + 0.5) * count / wanted).astype(np.int64)


def training_precision(folder: Path) -> str:
    """Return the precision that a saved model was trained in; ``unknown`` if it does not say."""
    return read_json(folder / DEFINITION)["section"].get("precision") or UNKNOWN

"""A trained model packed for programs: what :func:`dlvae.loading.load` reads, and no more."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dlvae.base import GenerativeModel
from dlvae.data.dataset import Split
from dlvae.loading import OF_IMAGES, OF_SAMPLES, STATISTICS
from dlvae.sample import ready
from dlvae.stage.artefact import atomic, sha256_file, write_json
from dlvae.stage.registry import DEFINITION, WEIGHTS, load_model
from dlvae.stage.seeds import generator
from dlvae.stage.weights import CARD, save_weights
from eval.models.decoding import statistics_images

CONTEXT = ("preset", "dataset", "model", "seed")


def pack_model(
    folder: Path, out: Path, sampled: Mapping[str, Any], train: Split, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Copy a model's weights and definition, and add what else drawing images of it needs.

    That is its card, and the statistics of the decoder's batch norms: on samples of the prior, as
    the sampling stage has them, and on codes of images, as the panels have them, both by the draws
    of those stages.

    Args:
        folder: of the saved model.
        out: folder to write.
        sampled: configuration of the sampling stage: preset, dataset, model, seed, bn_eval.
        train: split whose codes the second kind of statistics is taken on.
        about: what else the card says, ``class_names`` among it.

    Returns:
        The card.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS, DEFINITION):
        with atomic(out / name) as temporary:
            shutil.copyfile(folder / name, temporary)
    sources = {OF_SAMPLES: None}
    if hasattr(model := load_model(folder), "reconstruct"):
        sources[OF_IMAGES] = statistics_images(train)
    found: dict[str, Tensor] = {}
    for of, source in sources.items():
        draws = generator(*(sampled[key] for key in CONTEXT), "recalibrate")
        ready(model, sampled["bn_eval"], draws, source)
        found |= {f"{of}/{name}": tensor for name, tensor in decoder_statistics(model).items()}
    save_weights(out / STATISTICS, found)
    names = (WEIGHTS, DEFINITION, STATISTICS)
    card = {key: sampled[key] for key in (*CONTEXT, "bn_eval")} | dict(about)
    card |= {"files": {name: sha256_file(out / name) for name in names}}
    write_json(out / CARD, card)
    return card


def decoder_statistics(model: GenerativeModel) -> dict[str, Tensor]:
    """Return copies of the buffers of the decoder's batch norms by ``<number>.<name>``."""
    return {
        f"{number}.{name}": torch.clone(buffer)
        for number, norm in enumerate(model.decoder_norms())
        for name, buffer in norm.named_buffers()
    }

"""Batch norms of encoders, re-estimated on images, as those of decoders are before they are used.

The running statistics of an encoder are those of the images that it was trained on last. A model
before and after a training on other people would so differ by the statistics of these people too,
which is not what it learned of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dlvae.base import GenerativeModel

Norm = nn.modules.batchnorm._BatchNorm


def estimate_encoder_norms(model: GenerativeModel, images: Tensor) -> None:
    """Replace the statistics of every batch norm outside of the decoder by those of images.

    The cumulative average over batches of the size of the training, as
    :meth:`dlvae.base.GenerativeModel.recalibrate` takes it for the decoder.

    Args:
        model: with ``encode``.
        images: float (N, 3, H, W) in [-1, 1], at least 2.
    """
    of_decoder = {m for network in model.decoder_networks() for m in network.modules()}
    norms = [m for m in model.modules() if isinstance(m, Norm) and m not in of_decoder]
    if not norms:
        return
    # `encode` runs in evaluation mode; what a norm is set to there lasts until it ends.
    hooks = [norm.register_forward_pre_hook(_by_batch) for norm in norms]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average over the batches below
    count = max(1, len(images) // model.task.batch_size)
    for batch in torch.tensor_split(images, count):
        model.encode(batch.to(model.device))
    for norm, hook, momentum in zip(norms, hooks, momenta, strict=True):
        hook.remove()
        norm.momentum = momentum


def _by_batch(norm: nn.Module, _) -> None:
    norm.train()

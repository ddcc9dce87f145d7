"""MS-SSIM of all pairs of a set of images, exact; see :mod:`eval.metrics.ms_ssim.maps` for how."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from eval.judge.predict import check_images
from eval.metrics.ms_ssim.maps import Limits, Piece, Workspace, evenly, halved, map_sums, pieces
from eval.metrics.ms_ssim.variant import Variant

CHANNELS = 3
LIMITS = {"cpu": Limits(512, 25, 256, 1 << 19), "cuda": Limits(1024, 512, 512, 1 << 24)}


@dataclass(frozen=True)
class PairScores:
    """MS-SSIM over the pairs of a set of N images.

    Attributes:
        mean: over all ordered pairs, the N self pairs (1 each) included: the sum of Eq. 12.
        off_diagonal: mean over pairs of two different images; NaN for one image.
        clamped_share: share of those pairs with a negative factor at some scale and channel.
    """

    mean: float
    off_diagonal: float
    clamped_share: float


def all_pairs(
    images: np.ndarray,
    variant: Variant,
    device: torch.device | str = "cpu",
    limits: Limits | None = None,
) -> PairScores:
    """Score every pair of a set of images.

    Args:
        images: uint8 (N, H, W, 3), H = W = ``variant.size``.

    Raises:
        UserError: images of another dtype, shape or size.
    """
    total, clamped, n = 0.0, 0, len(images)
    for _, _, values, negative in pair_blocks(images, variant, torch.device(device), limits):
        total += float(values.sum(dtype=torch.float64))
        clamped += int(negative.sum())
    pairs = n * (n - 1) // 2
    return PairScores(
        (2.0 * total + n) / n**2,
        total / pairs if pairs else float("nan"),
        clamped / pairs if pairs else 0.0,
    )


@torch.inference_mode()
def pair_blocks(
    images: np.ndarray, variant: Variant, device: torch.device, limits: Limits | None = None
) -> Iterator[tuple[slice, slice, Tensor, Tensor]]:
    """Yield the MS-SSIM of all pairs, those of two blocks of images at a time.

    Yields:
        The images of either block; values (N_i, N_j), 0 where a pair was or is not to be counted:
        each counts once, as (i, j) with i < j; and whether a factor was negative, (N_i, N_j).
    """
    check_images(images, variant.size)
    limits = limits or LIMITS[device.type]
    members = evenly(len(images), limits.block)
    with _full_precision(), _workers(device) as workers:
        for i, first in enumerate(members):
            left = right = None  # each is freed before another takes its place
            left = _pyramid(images[first], variant, device)
            for second in members[i:]:
                right = None
                right = left if second is first else _pyramid(images[second], variant, device)
                yield first, second, *_scored(left, right, variant, limits, workers)


@contextmanager
def _full_precision() -> Iterator[None]:
    """Keep float32 products in float32, whatever the process allows for training."""
    allowed = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(allowed)


@contextmanager
def _workers(device: torch.device) -> Iterator[Executor]:
    """Yield threads that each compute alone.

    The pieces are small, and waking the threads of an operator would take as long as its work.
    """
    count = torch.get_num_threads()
    most = count if device.type == "cpu" else 1
    try:
        with ThreadPoolExecutor(most, initializer=torch.set_num_threads, initargs=(1,)) as workers:
            yield workers
    finally:
        torch.set_num_threads(count)


def _pyramid(images: np.ndarray, variant: Variant, device: torch.device) -> list[list[Tensor]]:
    """uint8 (N, H, W, 3) -> pixels in the variant's range by channel and scale, each (H, W, N)."""
    low, high = variant.pixel_range
    pixels = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(3, 1, 2, 0)
    pixels = pixels.float().contiguous().mul_((high - low) / 255.0).add_(low)
    return [
        list(accumulate(variant.scales[1:], lambda above, _: halved(above), initial=channel))
        for channel in pixels
    ]


def _scored(
    left: list[list[Tensor]],
    right: list[list[Tensor]],
    variant: Variant,
    limits: Limits,
    workers: Executor,
) -> tuple[Tensor, Tensor]:
    """Return the MS-SSIM of the pairs of two blocks (N_i, N_j), and whether a factor was negative.

    Of a block with itself, values outside the upper triangle are 0: each pair counts once.
    """
    shape = (left[0][0].shape[-1], right[0][0].shape[-1])
    tasks = [
        (channel, index, piece)
        for channel in range(CHANNELS)
        for index, scale in enumerate(variant.scales)
        for piece in pieces(scale, shape, limits)
    ]
    memory = threading.local()

    @torch.inference_mode()
    def sums(task: tuple[int, int, Piece]) -> Tensor:
        channel, index, piece = task
        pair = left[channel][index], right[channel][index]
        if not hasattr(memory, "workspace"):
            memory.workspace = Workspace(pair[0].device)
        return map_sums(*pair, piece, variant.scales[index], variant, limits, memory.workspace)

    factors = {}
    for (channel, index, _), part in zip(tasks, workers.map(sums, tasks), strict=True):
        key = channel, index
        factors[key] = factors[key].add_(part) if key in factors else part
    values = torch.zeros(shape, device=part.device)
    negative = values.bool()
    for channel in range(CHANNELS):
        product = torch.ones_like(values)
        for index, scale in enumerate(variant.scales):
            factor = factors[channel, index].div_((scale.side - scale.window + 1) ** 2)
            negative.logical_or_(factor < 0)
            if variant.clamp:
                factor.clamp_(min=0)
            product.mul_(factor.pow_(scale.weight))
        values.add_(product, alpha=1 / CHANNELS)
    return (values.triu_(1), negative.triu_(1)) if left is right else (values, negative)

"""Training batches as a pure function of the step, so that a resumed run sees the same images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dlvae.base import Batch
from dlvae.data.dataset import Split
from dlvae.stage.seeds import derive_seed, generator


class BatchStream:
    """Endless shuffled batches of a split, augmented, in the model's range.

    The stream is the concatenation of one permutation per epoch; batch ``step`` is a slice of it.
    Nothing is stored between steps. Images stay uint8 in memory.

    Args:
        split: images uint8 (N, H, W, 3) or points float32 (N, 2), labels int64.
        batch_size: images per batch, B.
        per_step: batches per step, k.
        flip: mirror each image with probability 1/2 (only where that keeps the label).
        pad_crop: reflect-pad by this many pixels and crop at random; 0 for none.
        seed_parts: what the draws belong to, see :func:`dlvae.stage.seeds.derive_seed`.
        device: where batches are put.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        per_step: int = 1,
        flip: bool = False,
        pad_crop: int = 0,
        seed_parts: tuple[str | int, ...] = (),
        device: torch.device | str = "cpu",
    ) -> None:
        self.batch_size, self.per_step = batch_size, per_step
        self.flip, self.pad_crop = flip, pad_crop
        self.device = torch.device(device)
        self._seed_parts = seed_parts
        self._count = len(split)
        self._is_image = split.images is not None
        values = split.images if self._is_image else split.points
        self._values = torch.from_numpy(np.ascontiguousarray(values)).to(self.device)
        self._labels = torch.from_numpy(split.labels.astype(np.int64)).to(self.device)
        self._permutations: dict[int, Tensor] = {}

    def batch(self, step: int) -> Batch:
        """Return the k batches of a step (0-based), with the step's noise generator."""
        draws = generator(*self._seed_parts, "batch", step)
        indices = self.indices(step)
        values = self._values[indices.to(self.device)]
        if self._is_image:
            values = self._augment(to_model_range(values), draws)
        values = values.unflatten(0, (self.per_step, self.batch_size))
        labels = self._labels[indices.to(self.device)]
        return Batch(values, labels.view(self.per_step, self.batch_size), draws)

    def indices(self, step: int) -> Tensor:
        """Return the indices into the split (k * B) that a step reads."""
        per_step = self.per_step * self.batch_size
        start = step * per_step
        parts, position = [], start
        while position < start + per_step:
            epoch, offset = divmod(position, self._count)
            part = self._permutation(epoch)[offset : offset + start + per_step - position]
            parts.append(part)
            position += len(part)
        return torch.cat(parts)

    def _permutation(self, epoch: int) -> Tensor:
        if epoch not in self._permutations:
            order = torch.Generator().manual_seed(derive_seed(*self._seed_parts, "epoch", epoch))
            # A step touches at most a few neighbouring epochs; older ones are not needed again.
            self._permutations = {k: v for k, v in self._permutations.items() if k >= epoch - 1}
            self._permutations[epoch] = torch.randperm(self._count, generator=order)
        return self._permutations[epoch]

    def _augment(self, images: Tensor, draws: torch.Generator) -> Tensor:
        if self.pad_crop:
            images = _random_crop(images, self.pad_crop, draws)
        if self.flip:
            mirrored = torch.rand(len(images), generator=draws) < 0.5
            mirrored = mirrored.to(images.device)[:, None, None, None]
            images = torch.where(mirrored, images.flip(3), images)
        return images.contiguous(memory_format=torch.channels_last)


def _random_crop(images: Tensor, pad: int, draws: torch.Generator) -> Tensor:
    count, _, height, width = images.shape
    padded = F.pad(images, (pad, pad, pad, pad), mode="reflect")
    shifts = torch.randint(0, 2 * pad + 1, (2, count, 1), generator=draws).to(images.device)
    rows = shifts[0] + torch.arange(height, device=images.device)  # (N, H)
    columns = shifts[1] + torch.arange(width, device=images.device)
    index = torch.arange(count, device=images.device)[:, None, None]
    cropped = padded.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]]
    return cropped.permute(0, 3, 1, 2)


def to_model_range(images: Tensor | np.ndarray, device: torch.device | str | None = None) -> Tensor:
    """Convert uint8 (N, H, W, 3) to float32 (N, 3, H, W) in [-1, 1], channels last in memory."""
    tensor = torch.as_tensor(images)
    if device is not None:
        tensor = tensor.to(device)
    # A permuted view of N x H x W x 3 *is* the channels-last layout: nothing is copied twice.
    return tensor.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1.0)


def to_uint8(images: Tensor) -> np.ndarray:
    """Convert float (N, 3, H, W) in [-1, 1] to uint8 (N, H, W, 3), rounding to the nearest."""
    scaled = images.float().add(1.0).mul_(127.5).round_().clamp_(0, 255)
    return np.ascontiguousarray(scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())

"""Degradations of real images, so that a judge reads blurred, noisy and dull pictures as well.

Every function takes float images (B, 3, H, W) in [-1, 1] and one strength per image, and returns
images of the same shape in the same range. What is linear and separable (shift, blur, lower
resolution) is a matrix per image, applied to rows and to columns: `R x C^T`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dlvae.data.batches import to_model_range, to_uint8

UNTOUCHED = 0.15  # share of the images that stay as they are, where a recipe says nothing


def shift_matrix(shifts: Tensor, size: int) -> Tensor:
    """(B,) pixels -> (B, size, size): linear interpolation at i - shift; edges are repeated."""
    at = (torch.arange(size) - shifts[:, None]).clamp_(0, size - 1)
    # The hat function of every source pixel; its two neighbours share the weight.
    return (1 - (at[:, :, None] - torch.arange(size)).abs()).clamp_(min=0)


def blur_matrix(sigmas: Tensor, size: int) -> Tensor:
    """(B,) pixels > 0 -> (B, size, size): Gaussian weights, each row normalised to 1."""
    distance = torch.arange(size)[:, None] - torch.arange(size)
    weights = torch.exp(-0.5 * (distance / sigmas[:, None, None]) ** 2)
    return weights / weights.sum(2, keepdim=True)


def resolution_matrix(cells: Tensor, size: int) -> Tensor:
    """(B,) pixels left of `size` -> (B, size, size): mean of each cell, then linear enlargement.

    The number of cells need not divide the size, nor be whole: a cell holds size / cells pixels.
    """
    width = (size / cells)[:, None, None]
    pixel = torch.arange(size)
    count = torch.ceil(cells)[:, None]
    cell = torch.minimum(pixel.expand(len(cells), size), count - 1)
    low, high = cell[:, :, None] * width, (cell[:, :, None] + 1) * width
    inside = torch.minimum(high, pixel + 1.0) - torch.maximum(low, pixel + 0.0)
    means = inside.clamp_(min=0)
    means = means / means.sum(2, keepdim=True)  # (B, cells, size); rows past the last repeat it
    at = ((pixel + 0.5) * (cells / size)[:, None] - 0.5).clamp_(min=0)
    at = torch.minimum(at, count - 1)
    hats = (1 - (at[:, :, None] - pixel).abs()).clamp_(min=0)  # (B, size, cells)
    return hats @ means


def separable(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Apply a matrix to the rows' index and one to the columns', (B, H, H) and (B, W, W)."""
    return rows[:, None] @ images @ columns[:, None].transpose(2, 3)


def contrasted(images: Tensor, contrast: Tensor, brightness: Tensor) -> Tensor:
    """Scale around the mean of the image by `contrast`, then add `brightness`; both (B,)."""
    mean = images.mean((1, 2, 3), keepdim=True)
    return (mean + (images - mean) * _each(contrast) + _each(brightness)).clamp_(-1, 1)


def coloured(images: Tensor, saturation: Tensor, gains: Tensor) -> Tensor:
    """Draw away from the grey of each pixel by `saturation`, (B,), then scale the channels.

    Args:
        saturation: 0 for grey, 1 for the image as it is.
        gains: (B, 3), of the light in the channels (black stays black).
    """
    grey = images.mean(1, keepdim=True)
    lit = (grey + (images - grey) * _each(saturation) + 1) * gains[:, :, None, None]
    return (lit - 1).clamp_(-1, 1)


def cut_out(images: Tensor, centres: Tensor, sides: Tensor, values: Tensor) -> Tensor:
    """Cover a rectangle of each image by one colour.

    Args:
        centres, sides: (B, 2), row and column, as shares of the image's side.
        values: (B, 3) in [-1, 1].
    """
    size = images.shape[-1]
    place = (torch.arange(size) + 0.5) / size
    inside = (place - centres[:, :, None]).abs() < sides[:, :, None] / 2  # (B, 2, size)
    mask = inside[:, 0, :, None] & inside[:, 1, None, :]
    return torch.where(mask[:, None], values[:, :, None, None], images)


def noisy(images: Tensor, sigmas: Tensor, draws: torch.Generator) -> Tensor:
    """Add Gaussian noise of standard deviation `sigmas`, (B,), in units of [-1, 1]."""
    noise = torch.randn(images.shape, generator=draws)
    return (images + noise * _each(sigmas)).clamp_(-1, 1)


def compressed(images: Tensor, qualities: Tensor) -> Tensor:
    """Write as JPEG of quality 1 to 95, (B,), and read back."""
    decoded = []
    for image, quality in zip(to_uint8(images), qualities.tolist(), strict=True):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=int(quality))
        decoded.append(torch.frombuffer(bytearray(Image.open(file).tobytes()), dtype=torch.uint8))
    return to_model_range(torch.stack(decoded).view(len(images), *images.shape[2:], 3))


def degrade(images: Tensor, draws: torch.Generator, untouched: float = UNTOUCHED) -> Tensor:
    """Degrade a batch at random: each image by some degradations, each of a random strength.

    Drawn and computed on the CPU, so that a device changes nothing; the result is where the images
    were.

    Args:
        images: (B, 3, H, W) in [-1, 1].
        draws: of the training step.
        untouched: share of the images that stay as they are, in the mean.

    Returns:
        The same shape and range, channels last in memory.
    """
    found = images.cpu()
    count, size = len(found), found.shape[-1]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=draws)

    def some(share: float, value: Tensor, neutral: float) -> Tensor:
        """Keep a random share of the strengths; the rest change nothing."""
        kept = torch.rand(count, generator=draws) < share
        return torch.where(kept.view(-1, *[1] * (value.dim() - 1)), value, neutral)

    sigmas = some(0.5, uniform(0.3, 0.06 * size, 1), 0.01)[:, 0]
    cells = some(0.3, uniform(0.25 * size, 0.75 * size, 1).round(), size)[:, 0]
    linear = resolution_matrix(cells, size) @ blur_matrix(sigmas, size)
    moved = [linear @ shift_matrix(uniform(-2, 2) * size / 32, size) for _ in range(2)]
    found = separable(found, *moved)
    found = contrasted(
        found, some(0.4, uniform(0.5, 1.3), 1.0), some(0.4, uniform(-0.25, 0.25), 0.0)
    )
    found = coloured(found, some(0.4, uniform(0, 1.6), 1.0), some(0.4, uniform(0.75, 1.25, 3), 1.0))
    sides = some(0.3, uniform(0.1, 0.45, 2), 0.0)
    found = cut_out(found, uniform(0, 1, 2), sides, uniform(-1, 1, 3))
    found = noisy(found, some(0.4, uniform(0, 0.25), 0.0), draws)
    chosen = torch.rand(count, generator=draws) < 0.15
    qualities = uniform(10, 70)
    if chosen.any():
        found[chosen] = compressed(found[chosen], qualities[chosen])
    kept = torch.rand(count, generator=draws) < untouched
    found = torch.where(_each(kept), images.cpu(), found)
    return found.to(images.device).contiguous(memory_format=torch.channels_last)


def fixed(images: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Degrade images uint8 (N, H, W, 3), all alike, in six ways; yield their names and the images.

    Blur: sigma 4 % of the side. Noise: standard deviation 0.15 of [-1, 1]. Contrast: half. Cut-out:
    a mid-grey square of 30 % of the side in the middle. Low resolution: half. JPEG: quality 30.
    """
    count, size = len(images), images.shape[1]
    values = to_model_range(images)

    def alike(value: float, *shape: int) -> Tensor:
        return torch.full((count, *shape), value)

    blur, cells = blur_matrix(alike(0.04 * size), size), resolution_matrix(alike(size / 2), size)
    draws = torch.Generator().manual_seed(0)
    yield "blur", to_uint8(separable(values, blur, blur))
    yield "noise", to_uint8(noisy(values, alike(0.15), draws))
    yield "contrast", to_uint8(contrasted(values, alike(0.5), alike(0.0)))
    yield "cut_out", to_uint8(cut_out(values, alike(0.5, 2), alike(0.3, 2), alike(0.0, 3)))
    yield "low_resolution", to_uint8(separable(values, cells, cells))
    yield "jpeg", to_uint8(compressed(values, alike(30)))


def _each(values: Tensor) -> Tensor:
    return values[:, None, None, None]

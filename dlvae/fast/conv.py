"""Convolutions of stride 2 in the two forms that are faster on a processor than the library's.

With a map of 4 x 4 pixels or fewer, the kernels that the library picks in bfloat16 fall behind
plain matrix products, above all for the gradient of the weights. With few channels, its transposed
convolution falls behind a convolution that makes the four phases of the image at once.
Both layers here differ from the library's in nothing else, and leave every other convolution to it.
With torch's convolutions a step of ours in bfloat16 takes 11 % longer at full width and as long at
quarter width.

Below, an image x is (B, c, 2h, 2w), a map g (B, d, h, w) and a kernel (d, c, k, k) with k odd and
the padding k // 2: the weight of `nn.Conv2d`, which maps x to g, and that of `nn.ConvTranspose2d`,
which maps g to x. All are channels_last in memory.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 2
# largest sides of a map for which the gradient of the kernel, and the map, are made here
OUTER_SIDE = 4
DOWN_SIDE = 2
# largest c d of a kernel for which the image is made of its phases
FEW_CHANNELS = 1024
PRODUCT_TYPES = (torch.bfloat16, torch.float64)  # in float32 the library is as fast


class StridedConv2d(nn.Conv2d):
    """`nn.Conv2d` with a square odd kernel, stride 2 and the padding k // 2."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, c, 2h, 2w) to (B, d, h, w)."""
        dtype = _faster_in(self, x, STRIDE)
        return super().forward(x) if dtype is None else _strided(self, x, dtype, False)


class StridedConvTranspose2d(nn.ConvTranspose2d):
    """`nn.ConvTranspose2d`, likewise, to exactly twice the side."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, d, h, w) to (B, c, 2h, 2w)."""
        dtype = _faster_in(self, x, 1)
        return super().forward(x) if dtype is None else _strided(self, x, dtype, True)


Layer = StridedConv2d | StridedConvTranspose2d


def _faster_in(layer: Layer, x: Tensor, per_map: int) -> torch.dtype | None:
    """Return the type to compute in, where this module is faster, or None.

    `per_map` is how many times the side of the map that of x is.
    """
    if x.device.type != "cpu":
        return None
    autocast = torch.is_autocast_enabled("cpu") and x.dtype != torch.float64
    dtype = torch.get_autocast_dtype("cpu") if autocast else x.dtype
    products = max(x.shape[2:]) <= OUTER_SIDE * per_map and dtype in PRODUCT_TYPES
    few = layer.in_channels * layer.out_channels <= FEW_CHANNELS
    phases = few and dtype in (*PRODUCT_TYPES, torch.float32)
    return dtype if products or phases else None


def _strided(layer: Layer, x: Tensor, dtype: torch.dtype, to_image: bool) -> Tensor:
    out = _Strided.apply(x.to(dtype), layer.weight.to(dtype), to_image)
    return out if layer.bias is None else out + layer.bias.to(dtype).view(-1, 1, 1)


class _Strided(torch.autograd.Function):
    """Image to map, or map to image; the derivatives are made of differentiable operations."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, kernel: Tensor, to_image: bool) -> Tensor:
        ctx.save_for_backward(source, kernel)
        ctx.to_image = to_image
        return up(source, kernel) if to_image else down(source, kernel)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        source, kernel = ctx.saved_tensors
        back = down if ctx.to_image else up
        x, g = (grad, source) if ctx.to_image else (source, grad)
        by_source = back(grad, kernel) if ctx.needs_input_grad[0] else None
        return by_source, outer(x, g, kernel) if ctx.needs_input_grad[1] else None, None


def up(g: Tensor, kernel: Tensor) -> Tensor:
    """Return the transposed convolution of g, which is the gradient of the image as well.

    Pixel 2 q + r of the image is a sum over the map's pixels q + reach - j with the taps
    2 j + r - lead: for each phase r a convolution of g, of which all have the same window.
    """
    count, channels, height, width = g.shape
    _, c, size, _ = kernel.shape
    pad = size // 2
    if c * channels > FEW_CHANNELS:
        return F.conv_transpose2d(g, kernel, None, STRIDE, pad, STRIDE - 1)
    reach = -(-pad // STRIDE)
    lead = STRIDE * reach - pad
    window = -(-(size + lead) // STRIDE)
    tail = STRIDE * window - size - lead
    taps = F.pad(kernel.permute(2, 3, 0, 1), (0, 0, 0, 0, lead, tail, lead, tail))
    taps = taps.view(window, STRIDE, window, STRIDE, channels, c).flip(0, 2)
    taps = taps.permute(1, 3, 5, 0, 2, 4).reshape(-1, window, window, channels)
    before = window - 1 - reach
    if before != reach:
        g = F.pad(g, (before, reach, before, reach))
    phases = F.conv2d(g, taps.permute(0, 3, 1, 2), None, 1, reach if before == reach else 0)
    phases = phases.permute(0, 2, 3, 1).reshape(count, height, width, STRIDE, STRIDE, c)
    image = phases.transpose(2, 3).reshape(count, STRIDE * height, STRIDE * width, c)
    return image.permute(0, 3, 1, 2)


def down(x: Tensor, kernel: Tensor) -> Tensor:
    """Return the convolution of x: a product per row of the map, of those taps that meet x."""
    count, _, height, width = x.shape
    channels, _, size, _ = kernel.shape
    pad = size // 2
    if max(height, width) > STRIDE * DOWN_SIDE or x.dtype not in PRODUCT_TYPES:
        return F.conv2d(x, kernel, None, STRIDE, pad)
    windows = _windows(F.pad(_pixels_last(x), (0, 0, pad, pad)), 1, size, 1)
    # (B, w, 2h, k c): windows of neighbouring rows lie side by side, so any range is a matrix
    windows = windows.squeeze(3).transpose(1, 2).reshape(-1, height, size * x.shape[1])
    taps = _pixels_last(kernel).view(channels, size, -1)
    rows = []
    for first in range(-pad, height - pad, STRIDE):  # row of x under the first tap
        a, b = max(0, first), min(height, first + size)
        rows.append(windows[:, a:b].flatten(1) @ taps[:, a - first : b - first].flatten(1).t())
    g = torch.stack(rows, 1).view(count, -1, len(rows), channels)  # (B, w, h, d)
    return g.permute(0, 3, 2, 1).contiguous(memory_format=torch.channels_last)


def outer(x: Tensor, g: Tensor, kernel: Tensor) -> Tensor:
    """Return the gradient of the kernel: one product of every window of x with g."""
    channels, c, size, _ = kernel.shape
    pad = size // 2
    if max(g.shape[2:]) > OUTER_SIDE or x.dtype not in PRODUCT_TYPES:
        # torch.nn.grad.conv2d_weight is this call, up to a tenth slower: it makes up the kernel.
        strides, pads, dilations, wanted = [STRIDE] * 2, [pad] * 2, [1, 1], [False, True, False]
        return torch.ops.aten.convolution_backward(
            g, x, kernel, None, strides, pads, dilations, False, [0, 0], 1, wanted
        )[1]
    windows = _windows(F.pad(_pixels_last(x), (0, 0, pad, pad, pad, pad)), size, size, STRIDE)
    flat = _pixels_last(g).view(-1, channels)
    gradient = flat.t() @ windows.reshape(len(flat), -1)
    return gradient.view(channels, size, size, c).permute(0, 3, 1, 2)


def _pixels_last(x: Tensor) -> Tensor:
    """Return (B, c, h, w) as contiguous (B, h, w, c)."""
    return x.permute(0, 2, 3, 1).contiguous()


def _windows(image: Tensor, height: int, width: int, row_stride: int) -> Tensor:
    """Return the windows of an image (B, H, W, c), a stride apart, as a view.

    The view is (B, rows, columns, height, width c).
    """
    count, tall, wide, c = image.shape
    b, h, w, _ = image.stride()
    rows, columns = (tall - height) // row_stride + 1, (wide - width) // STRIDE + 1
    shape = (count, rows, columns, height, width * c)
    return image.as_strided(shape, (b, h * row_stride, w * STRIDE, h, 1))

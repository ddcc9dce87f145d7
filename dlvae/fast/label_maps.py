"""One-hot label maps that are never made.

Plain code (:class:`dlvae.nn.blocks.LabelMapConv2d`) joins the image with C constant maps. A
constant map adds to each output pixel those taps of its kernel that lie inside the image, so C may
be 530 at no cost; made, a step of the cVAE at full width takes about 1.7 times as long (few runs on
a machine with other work, so a rough figure).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FoldedLabelMaps(nn.Conv2d):
    """The convolution of an image and its label's maps, with the weight (c_out, 3 + C, k, k)."""

    def __init__(self, classes: int, c_out: int, kernel: int, stride: int, size: int) -> None:
        super().__init__(3 + classes, c_out, kernel, stride, kernel // 2, bias=False)
        self.classes = classes
        each_tap = torch.eye(kernel * kernel).view(-1, 1, kernel, kernel)
        inside = F.conv2d(torch.ones(1, 1, size, size), each_tap, None, stride, kernel // 2)
        self.side = inside.shape[-1]
        # (output pixels, taps): 1 where the tap lies inside the image
        self.register_buffer("inside", inside[0].flatten(1).t().contiguous(), persistent=False)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Convolve x (B, 3, H, H) and the maps of labels (B,) into (B, c_out, H', H')."""
        image_kernel, label_kernels = self.weight.split([3, self.classes], dim=1)
        out = F.conv2d(x, image_kernel, None, self.stride, self.padding)
        table = label_kernels.flatten(2).permute(1, 2, 0).flatten(1)  # (C, taps * c_out)
        chosen = F.one_hot(labels, self.classes).to(table.dtype) @ table
        added = self.inside @ chosen.view(len(x), -1, self.out_channels)  # (B, pixels, c_out)
        return out + added.view(len(x), self.side, self.side, -1).permute(0, 3, 1, 2)

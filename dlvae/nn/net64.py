"""Networks for 64 x 64 images: the VGG-like face networks of the published code."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from dlvae.nn.blocks import (
    Encoder,
    conv_block,
    first_conv,
    initialise,
    linear_block,
    norm_relu,
    scaled,
    up_stack,
)
from dlvae.nn.discriminator import ProjectionDiscriminator, conv_discriminator
from dlvae.task import Task

KERNEL = 3
END_SIDE = 2
# VGG-16: channels of the convolutions of each stage; max pooling between stages
ENCODER_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
DECODER_START = 512
# channels and stride of each transposed convolution, a line per output side 4, 8, 16, 32, 64
DECODER_LAYERS = (
    *((512, 2), (512, 1), (512, 1)),
    *((512, 2), (512, 1), (256, 1)),
    *((256, 2), (256, 1), (128, 1)),
    *((128, 2), (64, 1)),
    (64, 2),
)
DISCRIMINATOR_LAYERS = ((64, 2), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2), (512, 2))
FEATURES = 1024


def encoder(task: Task, heads: Sequence[int], labelled: bool) -> Encoder:
    """VGG-16 with batch norm, average pooling to 2 x 2, a fully connected layer, the heads."""
    stages = [[scaled(c, task.width) for c in stage] for stage in ENCODER_STAGES]
    channels, features = stages[0].pop(0), scaled(FEATURES, task.width)
    first = first_conv(task, channels, KERNEL, 1, labelled)
    layers: list[nn.Module] = [*norm_relu(channels)]
    for index, stage in enumerate(stages):
        if index > 0:
            layers.append(nn.MaxPool2d(2))
        for c_out in stage:
            layers.append(conv_block(task, channels, c_out, KERNEL))
            channels = c_out
    layers += [nn.AvgPool2d(2), nn.Flatten(), linear_block(channels * END_SIDE**2, features)]
    return Encoder(first, nn.Sequential(*layers), features, heads)


def decoder(task: Task, d_in: int) -> nn.Sequential:
    """(B, d_in) -> (B, 3, 64, 64) in [-1, 1]."""
    features, channels = scaled(FEATURES, task.width), scaled(DECODER_START, task.width)
    network = nn.Sequential(
        linear_block(d_in, features),
        linear_block(features, channels * END_SIDE**2),
        nn.Unflatten(1, (channels, END_SIDE, END_SIDE)),
        *up_stack(task, channels, DECODER_LAYERS, KERNEL),
    )
    return initialise(network)


def discriminator(task: Task) -> ProjectionDiscriminator:
    """Seven 3x3 convolutions down to 2 x 2, average pooling, a fully connected layer."""
    return conv_discriminator(task, DISCRIMINATOR_LAYERS, FEATURES)

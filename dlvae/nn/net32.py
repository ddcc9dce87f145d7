"""Networks for 32 x 32 images: the DCGAN-like CIFAR-10 networks of the published code."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from dlvae.base import Task
from dlvae.nn.blocks import (
    Encoder,
    LabelMapConv2d,
    conv_block,
    initialise,
    linear_block,
    norm_relu,
    scaled,
    up_block,
    up_conv,
)
from dlvae.nn.discriminator import ProjectionDiscriminator, conv_trunk

SIDE = 32
KERNEL = 5
END_SIDE = 2  # of the last feature maps of the encoder and the first of the decoder
ENCODER_CHANNELS = (32, 64, 128, 256)
# channels and stride of each transposed convolution
DECODER_LAYERS = ((256, 2), (256, 1), (128, 2), (64, 2), (32, 2))
DISCRIMINATOR_LAYERS = ((32, 2), (128, 2), (256, 1), (256, 2))
FEATURES = 1024


def encoder(task: Task, heads: Sequence[int], labelled: bool) -> Encoder:
    """Four strided 5x5 convolutions and a fully connected layer, then the heads."""
    channels = [scaled(c, task.width) for c in ENCODER_CHANNELS]
    if labelled:
        first = LabelMapConv2d(3, task.classes, channels[0], KERNEL, 2, task.size)
    else:
        first = nn.Conv2d(3, channels[0], KERNEL, 2, KERNEL // 2, bias=False)
    features = scaled(FEATURES, task.width)
    trunk = nn.Sequential(
        *norm_relu(channels[0]),
        *(conv_block(a, b, KERNEL, 2) for a, b in zip(channels, channels[1:], strict=False)),
        nn.Flatten(),
        linear_block(channels[-1] * END_SIDE**2, features),
    )
    return Encoder(first, trunk, features, heads)


def decoder(task: Task, d_in: int) -> nn.Sequential:
    """(B, d_in) -> (B, 3, 32, 32) in [-1, 1]."""
    layers = [(scaled(c, task.width), stride) for c, stride in DECODER_LAYERS]
    channels = layers[0][0]
    network: list[nn.Module] = [
        linear_block(d_in, channels * END_SIDE**2),
        nn.Unflatten(1, (channels, END_SIDE, END_SIDE)),
    ]
    for c_out, stride in layers:
        network.append(up_block(channels, c_out, KERNEL, stride))
        channels = c_out
    network += [up_conv(channels, 3, KERNEL, 1, bias=True), nn.Tanh()]
    return initialise(nn.Sequential(*network))


def discriminator(task: Task) -> ProjectionDiscriminator:
    """The published code has none for CIFAR-10; this is its 32 x 32 sibling, made for SVHN."""
    trunk, features = conv_trunk(DISCRIMINATOR_LAYERS, scaled(FEATURES, task.width), task.width)
    return ProjectionDiscriminator(trunk, features, task.classes)

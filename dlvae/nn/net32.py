"""Networks for 32 x 32 images: the DCGAN-like CIFAR-10 networks of the published code."""

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

KERNEL = 5
END_SIDE = 2  # of the last feature maps of the encoder and the first of the decoder
ENCODER_CHANNELS = (32, 64, 128, 256)
DECODER_START = 256
# channels and stride of each transposed convolution
DECODER_LAYERS = ((256, 2), (256, 1), (128, 2), (64, 2), (32, 2))
DISCRIMINATOR_LAYERS = ((32, 2), (128, 2), (256, 1), (256, 2))
FEATURES = 1024


def encoder(task: Task, heads: Sequence[int], labelled: bool) -> Encoder:
    """Four strided 5x5 convolutions and a fully connected layer, then the heads."""
    channels = [scaled(c, task.width) for c in ENCODER_CHANNELS]
    features = scaled(FEATURES, task.width)
    first = first_conv(task, channels[0], KERNEL, 2, labelled)
    trunk = nn.Sequential(
        *norm_relu(channels[0]),
        *(conv_block(task, a, b, KERNEL, 2) for a, b in zip(channels, channels[1:], strict=False)),
        nn.Flatten(),
        linear_block(channels[-1] * END_SIDE**2, features),
    )
    return Encoder(first, trunk, features, heads)


def decoder(task: Task, d_in: int) -> nn.Sequential:
    """(B, d_in) -> (B, 3, 32, 32) in [-1, 1]."""
    channels = scaled(DECODER_START, task.width)
    network = nn.Sequential(
        linear_block(d_in, channels * END_SIDE**2),
        nn.Unflatten(1, (channels, END_SIDE, END_SIDE)),
        *up_stack(task, channels, DECODER_LAYERS, KERNEL),
    )
    return initialise(network)


def discriminator(task: Task) -> ProjectionDiscriminator:
    """The published code has none for CIFAR-10; this is its 32 x 32 sibling, made for SVHN."""
    return conv_discriminator(task, DISCRIMINATOR_LAYERS, FEATURES)

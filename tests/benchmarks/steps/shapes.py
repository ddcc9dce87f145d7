"""The 32 x 32 networks as lists of layers, written down a second time, without `dlvae.nn`.

The published CIFAR-10 networks, whose operations :mod:`tests.benchmarks.steps.flop` counts. A test
holds them against what the project's own networks spend.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlvae.base import Task


@dataclass(frozen=True)
class Layer:
    """A layer with weights.

    Attributes:
        kind: "conv", "up" (transposed convolution) or "linear".
        c_in, c_out: channels or units.
        kernel, stride: of a convolution; its padding is kernel // 2.
        side: of its input in pixels.
        then: "norm" (batch norm and ReLU, no bias), "leaky", "relu", "tanh" or "".
    """

    kind: str
    c_in: int
    c_out: int
    then: str = ""
    kernel: int = 1
    stride: int = 1
    side: int = 1

    @property
    def out_side(self) -> int:
        """Side of the output in pixels."""
        return self.side * self.stride if self.kind == "up" else -(-self.side // self.stride)

    @property
    def flop(self) -> int:
        """Operations of one of its three products (forward, by input, by weight) per image.

        Two per multiplication; taps that fall into the padding count, as in all such figures.
        """
        positions = self.side if self.kind == "up" else self.out_side
        return 2 * positions**2 * self.kernel**2 * self.c_in * self.c_out


def encoder(task: Task, heads: int) -> tuple[list[Layer], Layer]:
    """Layers up to the heads, and the heads as one layer of `heads` units in all."""
    channels = _scaled(task, 3, 32, 64, 128, 256)
    channels[0] = 3
    sides = (32, 16, 8, 4)
    layers = [
        Layer("conv", a, b, "norm", 5, 2, side)
        for a, b, side in zip(channels, channels[1:], sides, strict=False)
    ]
    (features,) = _scaled(task, 1024)
    return [*layers, Layer("linear", 4 * channels[-1], features, "norm")], Layer(
        "linear", features, heads
    )


def decoder(task: Task, d_in: int) -> list[Layer]:
    """Layers from codes to images."""
    channels = _scaled(task, 256, 256, 256, 128, 64, 32)
    strides, side = (2, 1, 2, 2, 2), 2
    layers = [Layer("linear", d_in, 4 * channels[0], "norm")]
    for a, b, stride in zip(channels, channels[1:], strides, strict=False):
        layers.append(Layer("up", a, b, "norm", 5, stride, side))
        side = layers[-1].out_side
    return [*layers, Layer("up", channels[-1], 3, "tanh", 5, 1, side)]


def discriminator(task: Task) -> list[Layer]:
    """Layers up to h; a global average stands before the linear one. The output follows."""
    channels = _scaled(task, 3, 32, 128, 256, 256)
    channels[0] = 3
    strides, sides = (2, 2, 1, 2), (32, 16, 8, 8)
    layers = [
        Layer("conv", a, b, "leaky", 3, stride, side)
        for a, b, stride, side in zip(channels, channels[1:], strides, sides, strict=False)
    ]
    (features,) = _scaled(task, 1024)
    return [
        *layers,
        Layer("linear", channels[-1], features, "leaky"),
        Layer("linear", features, 1),
    ]


def classifier(task: Task) -> list[Layer]:
    """Layers of omega, on z_u."""
    (units,) = _scaled(task, 256)
    return [Layer("linear", task.d_u, units, "relu"), Layer("linear", units, task.classes)]


def _scaled(task: Task, *units: int) -> list[int]:
    """Hidden widths: multiples of 8, at least 8."""
    return [max(8, 8 * round(u * task.width / 8)) for u in units]

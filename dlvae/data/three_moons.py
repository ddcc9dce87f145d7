"""Three interleaved arcs in the plane, the toy data of Figure 2 (Section 4.1).

Class c is the upper half circle (cos t + offset_c, sin t - 0.5), t evenly spaced in [0, pi], plus
isotropic Gaussian noise. The horizontal axis tells the classes apart, the position along the arc
does not. Not rescaled. The reference implementation uses 1,800,000 points; the default is fewer.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from dlvae.config.section import Natural, NotNegative, Section
from dlvae.data.dataset import Prepared, Split
from dlvae.data.sources import Role
from dlvae.stage.seeds import numpy_generator

CLASSES = np.array(["middle", "right", "left"])
OFFSETS = (0.0, 2.2, -2.2)


Points = Annotated[int, Field(ge=len(CLASSES))]


class ThreeMoonsData(Section):
    """The section `three_moons.data`."""

    points: Points = 60000
    """training points, shared out evenly over the three classes"""
    test_points: Points = 6000
    """held-out points, drawn with noise of their own"""
    noise: NotNegative = 0.15
    """standard deviation of the noise, in data units"""
    seed: Natural = 0
    """of the noise"""


def prepare(options: ThreeMoonsData) -> Prepared:
    """Draw the training and the held-out points.

    Returns:
        Splits "train" and "test" with `points` float32 (N, 2), classes in blocks.
    """
    counts = {"train": options.points, "test": options.test_points}
    return Prepared(
        splits={name: _draw(name, count, options) for name, count in counts.items()},
        card={"source": "generated: three noisy half circles", "licence": "none", "flip": False},
    )


def _draw(split: str, count: int, options: ThreeMoonsData) -> Split:
    generator = numpy_generator("prepare", "three_moons", split, options.seed)
    points, labels = [], []
    for label, offset in enumerate(OFFSETS):
        # The first classes take the remainder when `count` is not a multiple of three.
        size = (count + len(OFFSETS) - 1 - label) // len(OFFSETS)
        t = np.linspace(0, np.pi, size)
        arc = np.stack([np.cos(t) + offset, np.sin(t) - 0.5], axis=1)
        points.append(arc + options.noise * generator.standard_normal(arc.shape))
        labels.append(np.full(size, label, np.int64))
    return Split(
        images=None,
        points=np.concatenate(points).astype(np.float32),
        labels=np.concatenate(labels),
        classes=CLASSES,
    )


ROLES = {"labelled": Role(ThreeMoonsData, prepare)}

"""Handwritten digits: the 1,797 real 8x8 images that come with scikit-learn.

They are enlarged smoothly to `size`, with a margin, and repeated over three channels. A mirrored
digit is no digit, so the card says `flip: false`.
"""

import numpy as np
from PIL import Image

from dlvae.config.section import Fraction, Natural, Section, Side
from dlvae.data.dataset import Prepared, Split
from dlvae.data.sources import Role
from dlvae.stage.seeds import numpy_generator

# Source pixels of background added on each side: the strokes touch the border of the originals.
MARGIN = 1
# Ink contrast after enlarging (slope around mid-grey): interpolation leaves strokes dull.
CONTRAST = 1.5


class DigitsData(Section):
    """The section `datasets.digits.data`."""

    size: Side = 32
    """side of an image in pixels"""
    test_fraction: Fraction = 0.2
    """held-out share of each class"""
    seed: Natural = 0
    """of the split"""


def prepare(options: DigitsData) -> Prepared:
    """Enlarge the digits and split them, stratified by class.

    Returns:
        Splits "train" and "test", images uint8 (N, size, size, 3) over the full 0..255.
    """
    from sklearn.datasets import load_digits  # a second to import, and only needed here

    source = load_digits()
    whole = Split(
        images=np.stack([enlarge(image / 16, options.size) for image in source.images]),
        points=None,
        labels=source.target.astype(np.int64),
        classes=np.array([str(name) for name in source.target_names]),
    )
    held_out = _held_out(whole.labels, options)
    return Prepared(
        splits={"train": whole.take(~held_out), "test": whole.take(held_out)},
        card={
            "source": "scikit-learn load_digits (UCI optical recognition of handwritten digits)",
            "licence": "CC BY 4.0",
            "flip": False,
        },
    )


def enlarge(image: np.ndarray, size: int) -> np.ndarray:
    """Turn one grey image (8, 8) with values in [0, 1] into uint8 (size, size, 3)."""
    framed = np.pad(image, MARGIN).astype(np.float32)
    smooth = np.asarray(Image.fromarray(framed).resize((size, size), Image.Resampling.BICUBIC))
    ink = np.clip((smooth - 0.5) * CONTRAST + 0.5, 0, 1)
    return np.repeat(np.rint(ink * 255).astype(np.uint8)[:, :, None], 3, axis=2)


def _held_out(labels: np.ndarray, options: DigitsData) -> np.ndarray:
    """Mark the held-out images: `test_fraction` of each class, at random."""
    generator = numpy_generator("prepare", "digits", "split", options.seed)
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        mask[members[: max(1, round(options.test_fraction * len(members)))]] = True
    return mask


ROLES = {"labelled": Role(DigitsData, prepare)}

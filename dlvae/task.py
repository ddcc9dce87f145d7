"""What a model is told about the data and the networks; free of torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """What a model is told about the data and the networks.

    Attributes:
        kind: ``image`` (3 x size x size in [-1, 1]) or ``point`` (2 coordinates).
        backbone: ``toy``, ``net32`` or ``net64``.
        size: side of an image in pixels; 2 for points.
        classes: number C of classes.
        width: multiplier of every hidden width; 1 is the paper's networks.
        d_s, d_u: dimensions of z_s and z_u.
        batch_size: images per batch.
        train_images: images in the training split, for schedules counted in epochs.
        fast: run what exists for speed alone (`dlvae/fast`) in the place of the plain code that it
            equals up to rounding.
    """

    kind: str
    backbone: str
    size: int
    classes: int
    width: float
    d_s: int
    d_u: int
    batch_size: int
    train_images: int
    fast: bool = True

    @property
    def values(self) -> int:
        """The number D of values per image, or coordinates per point."""
        return self.size if self.kind == "point" else 3 * self.size**2

"""A sample set as it was handed in: what is known before its images are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from eval.intake.findings import Finding


@dataclass(frozen=True)
class Contents:
    """What reading gave.

    Attributes:
        images: uint8 (N, S, S, 3), those that were asked for.
        sha256: of everything handed in, in hexadecimal.
        findings: about the files behind the images.
    """

    images: np.ndarray
    sha256: str
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Candidate:
    """Labelled images from outside, not read yet.

    Attributes:
        labels: int64 (M,), of all images handed in.
        read: ascending indices -> these images; only they are held in memory.
        findings: about what lies beside the images.
    """

    labels: np.ndarray
    read: Callable[[np.ndarray], Contents]
    findings: list[Finding] = field(default_factory=list)


def wrong_size(where: str, width: int, height: int, size: int) -> str:
    """Return the message that refuses images of another size than the data set's."""
    return (
        f"{where}: expected images of {size} x {size} pixels, as the data set has, found "
        f"{width} x {height}; resizing here would change the scores: generate {size} x {size}, or "
        "resize in the generator's own code, and say so where you report the scores"
    )

"""Labelled images from outside of which the pixels are not read yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from eval.intake.findings import Remark

Contents = tuple[np.ndarray, str, list[Remark]]
"""Images uint8 (N, S, S, 3), the SHA-256 of everything handed in, remarks about the files."""


@dataclass(frozen=True)
class UnreadSamples:
    """Labelled images from outside, not read yet.

    Attributes:
        labels: int64 (M,), of all images handed in.
        read: ascending indices -> these images; only they are held in memory.
        findings: about what lies beside the images.
    """

    labels: np.ndarray
    read: Callable[[np.ndarray], Contents]
    findings: list[Remark] = field(default_factory=list)

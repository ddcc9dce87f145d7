"""What a check found in images from outside that are scored all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

from dlvae.stage.errors import harmless

NOTE = "note"
"""Nothing is wrong, but the images are not quite those that were handed in."""

WARNING = "warning"
"""The scores may mislead."""


@dataclass(frozen=True)
class Remark:
    """One thing that a reader of the scores should know.

    Attributes:
        kind: a word that tells remarks apart.
        severity: `NOTE` or `WARNING`.
        text: one or more sentences, for people.
    """

    kind: str
    severity: str
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", harmless(self.text))  # it quotes names of files


def shown(findings: Iterable[Remark]) -> list[dict[str, str]]:
    """Print findings, a line each, warnings first, and return them as JSON holds them."""
    findings = sorted(findings, key=lambda found: found.severity == NOTE)
    for found in findings:
        print(f"{found.severity}: {found.text}")
    return [asdict(found) for found in findings]


def percent(share: float) -> str:
    """Return a share (0..1) as text."""
    return f"{100 * share:.3g} %"


def digests(images: np.ndarray) -> np.ndarray:
    """Return a digest of every image of uint8 (N, H, W, 3), 16 bytes (N,): equal for equal ones."""
    found = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
    return np.array(found, dtype="V16")


def firsts(keys: np.ndarray) -> np.ndarray:
    """Return ascending indices int64 of the digests (N,) that repeat no earlier one."""
    return np.sort(np.unique(keys, return_index=True)[1])

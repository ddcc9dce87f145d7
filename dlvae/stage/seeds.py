"""Seeds derived from what they are for, so that no draw is ever shared or reused by accident."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive_seed(*parts: str | int) -> int:
    """Return a 63-bit seed: the first bytes of SHA-256 over the parts.

    Parts are, in order, what the draw belongs to: (preset, stage, data set, model, seed, index).
    """
    # The separator and the type keep ("a", "bc") apart from ("ab", "c") and 1 apart from "1".
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*parts: str | int, device: str = "cpu") -> torch.Generator:
    """Return a ``torch.Generator`` seeded by :func:`derive_seed`."""
    import torch  # light modules derive seeds without paying for the import

    return torch.Generator(device=device).manual_seed(derive_seed(*parts))


def numpy_generator(*parts: str | int) -> np.random.Generator:
    """Return a NumPy generator seeded by :func:`derive_seed`."""
    return np.random.default_rng(derive_seed(*parts))


@contextmanager
def seeded_globally(*parts: str | int) -> Iterator[None]:
    """Seed torch's global generator, which its initialisers read; it is put back afterwards."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(*parts))
        yield

"""The floating-point peak of the machine as torch reaches it: a product of large square matrices.

No network is faster, so a share of this peak says what is left to gain. As a side of a comparison,
a round's products are what the steps of the same round are held to.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import torch

from tests.benchmarks.measuring.paired import paired

SIDE = 2048
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def gemm(precision: str, side: int = SIDE) -> Callable[[], object]:
    """Return a product of (side, side) matrices of "fp32" or "bf16" as a call."""
    draws = torch.Generator().manual_seed(0)
    a, b = (torch.randn(side, side, generator=draws).to(DTYPES[precision]) for _ in range(2))
    return functools.partial(torch.mm, a, b, out=torch.empty_like(a))


def gemm_flop(side: int = SIDE) -> int:
    """Operations of one product: 2 side^3."""
    return 2 * side**3


def peaks(side: int = SIDE, rounds: int = 3) -> dict[str, float]:
    """Return the columns `peak_fp32` and `peak_bf16`, GFLOP/s with torch's threads of now.

    `peak_side` names the matrices.
    """
    seconds = paired({precision: gemm(precision, side) for precision in DTYPES}, rounds)
    found = {f"peak_{p}": gemm_flop(side) / float(np.median(s)) / 1e9 for p, s in seconds.items()}
    return found | {"peak_side": side}

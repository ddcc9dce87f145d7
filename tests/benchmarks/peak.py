"""The floating-point peak of the machine as torch reaches it: ``python -m tests.benchmarks.peak``.

A product of two large square matrices, the best of several: no network is faster, so a share of
this peak says what is left to gain.
"""

from __future__ import annotations

import argparse
import time

import torch

SIDE = 2048
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def gemm_peak(precision: str, side: int = SIDE, repeats: int = 8) -> float:
    """Return GFLOP/s of the fastest of `repeats` products of (side, side) matrices.

    `precision` is "fp32" or "bf16"; a product counts 2 side^3 operations. The number of threads is
    torch's at the time of the call.
    """
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(side, side, generator=generator).to(DTYPES[precision]) for _ in range(2))
    out = torch.empty_like(a)
    torch.mm(a, b, out=out)
    fastest = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        torch.mm(a, b, out=out)
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * side**3 / fastest / 1e9


def main() -> None:
    """Print both peaks."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peak", description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--side", type=int, default=SIDE)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for precision in DTYPES:
        print(f"{precision}: {gemm_peak(precision, args.side):,.0f} GFLOP/s")


if __name__ == "__main__":
    main()

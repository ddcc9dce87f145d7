"""Speed of all-pairs MS-SSIM: ``python tests/benchmarks/ms_ssim.py [--threads N] [--rounds N]``.

Prints pairs (unordered) per second of processor time for both protocols, and for the float32 code
of pytorch-msssim with the best of several batch sizes, its speed varying 25-fold with it. Rounds
are interleaved; the median and the best are given, since other work on the machine slows both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from pytorch_msssim.ssim import _ssim
from torch.nn import functional as F

from eval.ms_ssim.all_pairs import all_pairs
from eval.ms_ssim.reference import window_line
from eval.ms_ssim.variant import Variant
from eval.protocol import load_protocol

CASES = ((500, 32), (100, 32), (100, 64))
BATCHES = (4, 16, 64, 256)


def by_pytorch_msssim(images: torch.Tensor, variant: Variant, batch: int) -> None:
    """Score one batch of pairs, float32 (N, 3, H, W), in the usual way."""
    x, y = images[:batch], images[-batch:]
    for scale in variant.scales:
        window = torch.from_numpy(window_line(scale)).float().repeat(3, 1, 1, 1)
        _ssim(x, y, variant.data_range, window, size_average=False)
        x, y = (F.avg_pool2d(image, kernel_size=2) for image in (x, y))


def seconds(work: Callable[..., object], *args: object) -> float:
    """Processor time of one call."""
    start = time.process_time()
    work(*args)
    return time.process_time() - start


def compare(images: np.ndarray, variant: Variant, rounds: int) -> tuple[list[float], list[float]]:
    """Pairs per second of every round: ours, and those of pytorch-msssim where it applies."""
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    n, ours, theirs = len(images), [], []
    for _ in range(rounds):
        ours.append(n * (n - 1) / 2 / seconds(all_pairs, images, variant))
        for batch in BATCHES if variant.reference == "pytorch_msssim" else ():
            size = min(batch, n)
            theirs.append(size / seconds(by_pytorch_msssim, tensor, variant, size))
    return ours, theirs


def main() -> None:
    """Print one line per case and protocol."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{'pairs per second':34} {'median':>10} {'best':>10} {'pytorch-msssim, best':>21}")
    for n, size in CASES:
        images = np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)
        for name, rule in load_protocol("config/protocol/v1.yaml").ms_ssim.items():
            ours, theirs = compare(images, rule.at(size), args.rounds)
            other = f"{max(theirs):,.0f}" if theirs else "-"
            case = f"{name}, {size} px, N = {n}"
            print(f"{case:34} {np.median(ours):10,.0f} {max(ours):10,.0f} {other:>21}", flush=True)


if __name__ == "__main__":
    main()

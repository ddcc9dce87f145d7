"""All-pairs MS-SSIM against other code, same protocol: ``python -m tests.benchmarks.ms_ssim``.

The other side is the float32 code of pytorch-msssim, scale by scale, since its public function
refuses images this small; its speed varies 25-fold with the batch of pairs, so the fastest batch of
a search is taken. It gets its pairs as tensors, gathered and converted beforehand. torchmetrics
joins if it is installed, for the variant that it can compute. Then the growth with N and the peak
memory. One row per side, and one per N.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from pytorch_msssim.ssim import _ssim
from torch import Tensor
from torch.nn import functional as F

from eval.ms_ssim.all_pairs import all_pairs
from eval.ms_ssim.reference import window_line
from eval.ms_ssim.variant import Variant
from eval.protocol import load_protocol
from tests.benchmarks.machine import use_machine
from tests.benchmarks.ms_ssim_memory import PROTOCOL, noise, peak_extra_memory
from tests.benchmarks.paired import (
    benchmark_parser,
    paired,
    print_summaries,
    summaries,
    write_csv,
)

CASES = ((500, 32), (100, 64))
BATCHES = (8, 16, 32, 48, 64, 96, 128, 256, 512, 1024)
SIZES = (50, 100, 200, 500, 1000, 2000)
Scorer = Callable[[Tensor, Tensor], object]


def pytorch_msssim(x: Tensor, y: Tensor, variant: Variant) -> Tensor:
    """MS-SSIM of pairs, float32 (M, 3, H, W) each, by that package's parts: (M,)."""
    product = torch.ones(x.shape[:2])
    for scale in variant.scales:
        window = torch.from_numpy(window_line(scale)).float().repeat(3, 1, 1, 1)
        whole, structure = _ssim(x, y, variant.data_range, window, size_average=False)
        factor = whole if scale is variant.scales[-1] else structure
        product *= torch.relu(factor) ** scale.weight
        x, y = (F.avg_pool2d(image, kernel_size=2) for image in (x, y))
    return product.mean(dim=1)


def others(variant: Variant, name: str) -> dict[str, Scorer]:
    """Return the other sides: functions of two batches of images."""
    found: dict[str, Scorer] = {
        "pytorch-msssim": functools.partial(pytorch_msssim, variant=variant)
    }
    try:
        from torchmetrics.functional.image import multiscale_structural_similarity_index_measure
    except ImportError:
        print("torchmetrics is not installed and sits out")
        return found
    if name == "standard":
        first = variant.scales[0]
        found["torchmetrics"] = functools.partial(
            multiscale_structural_similarity_index_measure,
            sigma=first.sigma,
            kernel_size=first.window,
            data_range=variant.data_range,
            betas=tuple(scale.weight for scale in variant.scales),
            normalize="relu",
        )
    return found


def fastest(score: Scorer, images: Tensor, pairs: np.ndarray) -> tuple[Callable[[], object], int]:
    """Return a call that scores one batch, of the size that gives most pairs per second."""
    best, rate = None, 0.0
    for batch in BATCHES:
        chosen = pairs[:batch]
        call = functools.partial(score, images[chosen[:, 0]], images[chosen[:, 1]])
        call()
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        if len(chosen) / np.median(seconds) > rate:
            best, rate = (call, len(chosen)), len(chosen) / np.median(seconds)
    assert best is not None
    return best


def compare(n: int, size: int, name: str, threads: int, rounds: int) -> list[dict[str, Any]]:
    """Return a row per side of one case."""
    where, images = use_machine(threads, "fp32"), noise(n, size)
    variant = load_protocol(PROTOCOL).ms_ssim[name].at(size)
    low, high = variant.pixel_range
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2).float().mul_((high - low) / 255).add_(low)
    pairs = np.stack(np.triu_indices(n, 1), axis=1)
    pairs = np.random.default_rng(0).permutation(pairs)
    sides: dict[str, Callable[[], object]] = {}
    units: dict[str, float] = {}
    for side, score in others(variant, name).items():
        sides[side], units[side] = fastest(score, tensor.contiguous(), pairs)
    batches = dict(units)
    sides["ours"], units["ours"] = lambda: all_pairs(images, variant), len(pairs)
    found = summaries(paired(sides, rounds), "pytorch-msssim", units)
    print_summaries(f"{name}, {size} px, N = {n}, {threads} threads", found, "pairs")
    print(f"  batches: {', '.join(f'{side} {int(batch)}' for side, batch in batches.items())}")
    columns = {"variant": name, "size": size, "n": n}
    return [
        {
            **columns,
            "side": side,
            "batch": int(batches.get(side, 0)),
            **one.row(),
            **_EMPTY,
            **where,
        }
        for side, one in found.items()
    ]


_EMPTY = {"extra_mb": "", "exponent": ""}


def scaling(sizes: Sequence[int], threads: int, rounds: int) -> list[dict[str, Any]]:
    """Return a row per N at 32 pixels, with the exponent of time in N, fitted from 200 images on.

    The ratio is that of the rate to the rate of the largest N.
    """
    where = use_machine(threads, "fp32")
    variant = load_protocol(PROTOCOL).ms_ssim["standard"].at(32)
    sides = {f"N = {n}": functools.partial(all_pairs, noise(n, 32), variant) for n in sizes}
    units = {f"N = {n}": n * (n - 1) / 2 for n in sizes}
    found = summaries(paired(sides, rounds, warm_up=1, least=0.1), f"N = {sizes[-1]}", units)
    print_summaries("growth with N, standard, 32 px", found, "pairs")
    seconds = np.log([side.seconds.median for side in found.values()])
    fitted = [index for index, n in enumerate(sizes) if n >= 200] or list(range(len(sizes)))
    exponent = float(np.polyfit(np.log(sizes)[fitted], seconds[fitted], 1)[0])
    memory = {n: peak_extra_memory(n, 32, threads) for n in sizes}
    print(f"  seconds grow as N^{exponent:.2f}; extra memory, MB:", memory)
    columns = {"variant": "standard", "size": 32}
    return [
        {**columns, "n": n, "side": "ours", "batch": 0, **side.row()}
        | {"extra_mb": memory[n], "exponent": exponent, **where}
        for n, side in zip(sizes, found.values(), strict=True)
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Run all cases, print and save."""
    parser = benchmark_parser("ms_ssim", __doc__)
    parser.add_argument("--tiny", action="store_true", help="few images: does it run?")
    args = parser.parse_args(argv)
    threads = args.threads or 2
    cases, sizes = (((6, 32),), (4, 6)) if args.tiny else (CASES, SIZES)
    rows = []
    with torch.inference_mode():
        for n, size in cases:
            for name in load_protocol(PROTOCOL).ms_ssim:
                rows += compare(n, size, name, threads, args.rounds)
    write_csv(args.out, rows + scaling(sizes, threads, args.rounds))


if __name__ == "__main__":
    main()

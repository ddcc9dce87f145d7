"""All-pairs MS-SSIM against other code, same protocol: ``python -m tests.benchmarks.ms_ssim``.

The other side is the float32 code of pytorch-msssim, scale by scale, since its public function
refuses images this small; its speed varies 25-fold with the batch of pairs, so the fastest batch of
a search is taken. It gets its pairs as tensors, gathered and converted beforehand. torchmetrics
joins if it is installed, for the variant that it comes close to: `mean_difference` says how far a
side's mean over a few pairs is from ours, about 0.01 for torchmetrics.

Rows by `part`: "tuning", one per batch; "comparison", one per side; "growth", one per N, with the
peak memory.

    pip install --no-deps torchmetrics lightning-utilities
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from pytorch_msssim.ssim import _ssim
from torch import Tensor
from torch.nn import functional as F

from eval.metrics.ms_ssim.all_pairs import LIMITS, all_pairs
from eval.metrics.ms_ssim.literal import window_line
from eval.metrics.ms_ssim.variant import Variant
from eval.protocol import load_protocol
from reports.freeze.machine import ROOT
from tests.benchmarks.measuring.command import Run
from tests.benchmarks.measuring.growth import Growth
from tests.benchmarks.measuring.memory import memory_of
from tests.benchmarks.measuring.paired import Summary, print_summaries, summaries

PROTOCOL = ROOT / "config" / "protocol" / "v2.yaml"
REFERENCE = "pytorch-msssim"
CASES = ((500, 32), (100, 64))
BATCHES = (8, 16, 32, 48, 64, 96, 128, 256, 512, 1024)
CHECKED = 20
"""Images whose pairs both sides score before any timing."""
SIZES = (50, 100, 200, 500, 1000, 2000)
Scorer = Callable[[Tensor, Tensor], Tensor]


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


def noise(n: int, size: int) -> np.ndarray:
    """Return white noise, uint8 (N, H, W, 3); neither speed nor memory depends on the picture."""
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def others(variant: Variant, name: str) -> dict[str, Scorer]:
    """Return the other sides: functions of two batches of images."""
    found: dict[str, Scorer] = {REFERENCE: functools.partial(pytorch_msssim, variant=variant)}
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


def checked(scorers: Mapping[str, Scorer], size: int, variant: Variant) -> dict[str, float]:
    """Return by side how far its mean over the pairs of a few images is from ours.

    Raises:
        AssertionError: for the reference that is more than 1e-5, what float32 leaves.
    """
    images = noise(CHECKED, size)
    i, j = np.triu_indices(CHECKED, 1)
    tensor, ours = as_tensor(images, variant), all_pairs(images, variant).off_diagonal
    found = {
        side: float(score(tensor[i], tensor[j]).double().mean()) - ours
        for side, score in scorers.items()
    }
    assert abs(found[REFERENCE]) < 1e-5, f"{REFERENCE} is off our mean by {found[REFERENCE]:.2g}"
    return found


def as_tensor(images: np.ndarray, variant: Variant) -> Tensor:
    """Return uint8 (N, H, W, 3) as float32 (N, 3, H, W) in the variant's range of pixels."""
    low, high = variant.pixel_range
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    return tensor.mul_((high - low) / 255).add_(low).contiguous()


def tuned(
    run: Run, side: str, score: Scorer, images: Tensor, pairs: np.ndarray
) -> tuple[dict[int, Callable[[], object]], dict[int, Summary], int]:
    """Return calls that score one batch, what they took, and the batch of most pairs per second.

    Calls and summaries go by batch; a batch larger than the set is left out.
    """
    calls = {
        batch: functools.partial(score, *(images[pairs[:batch, end]] for end in (0, 1)))
        for batch in BATCHES
        if batch <= len(pairs)
    }
    seconds = run.take({str(batch): call for batch, call in calls.items()}, warm_up=1)
    units = {str(batch): float(batch) for batch in calls}
    found = summaries(seconds, str(min(calls)), units)
    best = max(calls, key=lambda batch: found[str(batch)].rate.median)
    if best in (min(calls), max(calls)):
        print(f"warning: {side}: best batch {best} is an end of the search", file=sys.stderr)
    return calls, {batch: found[str(batch)] for batch in calls}, best


def compare(run: Run, n: int, size: int, name: str) -> list[dict[str, Any]]:
    """Return a row per batch of the search, and a row per side."""
    where, images = run.machine(2, "fp32"), noise(n, size)
    variant = load_protocol(PROTOCOL).ms_ssim[name].at(size)
    scorers, tensor = others(variant, name), as_tensor(images, variant)
    differences = checked(scorers, size, variant)
    pairs = np.stack(np.triu_indices(n, 1), axis=1)
    pairs = np.random.default_rng(0).permutation(pairs)
    sides: dict[str, Callable[[], object]] = {}
    units: dict[str, float] = {}
    case = {"variant": name, "size": size, "n": n}
    rows = []
    for side, score in scorers.items():
        calls, searched, best = tuned(run, side, score, tensor, pairs)
        sides[side], units[side] = calls[best], best
        rows += [_row("tuning", case, side, one, where, batch) for batch, one in searched.items()]
    batches = dict(units)
    sides["ours"], units["ours"] = lambda: all_pairs(images, variant), len(pairs)
    found = summaries(run.take(sides), REFERENCE, units)
    print_summaries(f"{name}, {size} px, N = {n}, {where['threads']} threads", found, "pairs")
    print(f"  batches: {', '.join(f'{side} {int(batch)}' for side, batch in batches.items())}")
    return rows + [
        _row("comparison", case, side, one, where, batches.get(side, ""), differences.get(side, ""))
        for side, one in found.items()
    ]


def scoring(n: int, size: int, threads: int, block: int = 0) -> Callable[[], object]:
    """Return the scoring of N images, for :func:`memory_of`; `block` 0: as many as usual."""
    torch.set_num_threads(threads)
    variant = load_protocol(PROTOCOL).ms_ssim["standard"].at(size)
    limits = dataclasses.replace(LIMITS["cpu"], block=block) if block else None
    return functools.partial(all_pairs, noise(n, size), variant, limits=limits)


def growth(run: Run, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Return a row per N at 32 pixels, with the exponents of time in N.

    The ratio is that of the rate to the rate of the largest N.
    """
    where = run.machine(2, "fp32")
    sides = {f"N = {n}": scoring(n, 32, where["threads"]) for n in sizes}
    units = {f"N = {n}": n * (n - 1) / 2 for n in sizes}
    found = summaries(run.take(sides, warm_up=1), f"N = {sizes[-1]}", units)
    print_summaries("growth with N, standard, 32 px", found, "pairs")
    fit = Growth.of(sizes, [side.seconds.median for side in found.values()])
    maker = "tests.benchmarks.ms_ssim:scoring"
    memory = {n: memory_of(maker, n, 32, where["threads"]).extra_mb for n in sizes}
    print(f"  seconds by N: {fit}")
    print("  extra memory:", ", ".join(f"{n}: {mb:.0f} MB" for n, mb in memory.items()))
    rows = []
    for n, side in zip(sizes, found.values(), strict=True):
        row = _row("growth", {"variant": "standard", "size": 32, "n": n}, "ours", side, where)
        rows.append(row | {"extra_mb": memory[n], **fit.row()})
    return rows


def _row(
    part: str,
    case: Mapping[str, Any],
    side: str,
    summary: Summary,
    where: Mapping[str, Any],
    batch: float | str = "",
    mean_difference: float | str = "",
) -> dict[str, Any]:
    row = {"part": part, **case, "side": side, "batch": batch, "mean_difference": mean_difference}
    return row | summary.row() | {"extra_mb": ""} | dict.fromkeys(Growth.COLUMNS, "") | where


def main(argv: Sequence[str] | None = None) -> None:
    """Run all cases, print, and save if asked to."""
    run = Run.parse("ms_ssim", __doc__, argv)
    cases, sizes = (((6, 32),), (4, 6, 8)) if run.arguments.tiny else (CASES, SIZES)
    rows = []
    with torch.inference_mode():
        for n, size in cases:
            for name in load_protocol(PROTOCOL).ms_ssim:
                rows += compare(run, n, size, name)
    run.save(rows + growth(run, sizes))


if __name__ == "__main__":
    main()

"""Copies of real images in a sample set, which no score can tell from an excellent model.

Usage: python -m eval.intake.near_duplicates --samples NPZ --data DIR --config JSON --out JSON

Unlike :mod:`eval.metrics.sets.copies`, which reads the embedding of an evaluator, the search looks
at pixels, and finds copies that were recompressed, mirrored, moved by a pixel or shifted in
brightness. Strong blur hides some and crops hide most. So do turns and lower contrast on images as
simple as the digits: of copies turned by 5 degrees, or with a contrast of 0.8, 2 % are found there
(rendered faces: 99 % of those turned by 3 degrees, 96 % of those with a contrast of 0.85).

A generated image is a copy where it is far nearer to one real image than to the next ones, as in
Carlini et al., *Extracting training data from diffusion models* (2023), who compare with the mean
over the nearest images too. The ratio has no scale, so it holds for strokes of digits that all
look alike and for photographs; images that are near to many real ones at once, as blurred or
averaged ones are, keep a ratio near 1.

Images are compared by what recompression leaves as it is and another picture changes. JPEG spares
low frequencies and luminance, and often halves the resolution of colour; so luminance is averaged
over a grid of 16 x 16 cells and colour over 4 x 4. The mean luminance is taken out: brightness is
no content.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, pad

from dlvae.data.dataset import load_card
from dlvae.stage.artefact import write_json
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import device, run_stage, stage_parser, use_threads
from eval.intake.findings import NOTE, WARNING, Remark, digests, firsts, percent, shown
from eval.metrics.intervals import proportion
from eval.metrics.sets.distances import BY_PRODUCTS, distance_blocks
from eval.scored_images import evenly_per_class, labelled_split, sampled

LUMINANCE, COLOUR = 16, 4  # cells a side

VIEWS = 18
"""An image and its mirror image, each as it is and moved by a pixel in eight directions."""

# RGB to luminance and the two colour differences, as JPEG has them (JFIF, ITU-R BT.601).
YCBCR = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)

NEIGHBOURS = 20
"""Next real images that the nearest one is compared with."""

NEAR = 50
"""Nearest real images that views moved by a pixel are compared with: a move of thin strokes can
put the original behind others."""

BATCH, ROWS = 512, 128  # images described at once; images whose views are held at once

FACTOR = 0.5
"""A copy has at most this part of the median ratio of held-out images. Measured on digits, rendered
and real faces and CIFAR-10, 99.8 % or more of the copies that are mirrored, moved or JPEG of
quality 50 lie below, 96 % of those 10 % darker, and of no trained model more than 1 sample in
5,000. A low quantile of held-out images would not do: 3.3 % of those of CIFAR-10 are near-copies
of training images (Barz and Denzler, *Do we train on test data?*, 2020), and lie below too."""

REFUSED = 0.10
"""Largest share of copies that is scored: three times what held-out images of CIFAR-10 have."""

CALIBRATION = 2000
"""Held-out images that the limit is read off, spread evenly over the split."""

PAIRS = 10  # nearest pairs that the report names

SPLITS = {"train": "training", "test": "held-out"}
"""The splits of labelled images that are searched, as messages name them."""


def near_duplicates(samples: np.ndarray, data: Path) -> dict[str, Any]:
    """Search a sample set for copies of the training and of the held-out images.

    Args:
        samples: uint8 (N, H, W, 3), of the size of the data set.
        data: prepared data set of labelled images.

    Returns:
        ``images`` (N), ``limit``, how it was ``calibrated``, and by split ``count_*``, ``share_*``
        (0..1), ``distinct_*`` (real images searched, each once) and ``pairs_*``: the `PAIRS`
        nearest, as indices into the sample set and into the split.
    """
    # One split at a time: the largest sets are held once.
    images = labelled_split(data, "train").images
    known = digests(images)
    kept = {"train": firsts(known)}
    real = {"train": described(images[kept["train"]])}
    images = labelled_split(data, "test").images
    kept["test"] = firsts(digests(images))
    limit, calibrated = calibrate(real["train"], images, known)
    real["test"] = described(images[kept["test"]])
    report: dict[str, Any] = {"images": len(samples), "limit": limit, "calibrated": calibrated}
    copies = np.zeros(len(samples), bool)
    for split in SPLITS:
        ratio, index = nearest_real(samples, real[split])
        copies |= ratio <= limit
        count = int(np.sum(ratio <= limit))
        pairs = [
            {"sample": int(row), "real": int(kept[split][index[row]]), "ratio": round(value, 4)}
            for row, value in sorted(enumerate(ratio.tolist()), key=lambda pair: pair[1])[:PAIRS]
        ]
        report |= {f"count_{split}": count, f"share_{split}": count / len(samples)}
        report |= {f"distinct_{split}": len(kept[split]), f"pairs_{split}": pairs}
    return report | {"share": float(copies.mean())}


def calibrate(
    train: np.ndarray, held_out: np.ndarray, known: np.ndarray
) -> tuple[float, dict[str, float]]:
    """Read the ratio up to which an image is a copy off held-out images against training images.

    Args:
        train: float32 (M, D) of :func:`described`.
        held_out: uint8 (K, H, W, 3).
        known: digests of the training images; held-out images among them do not count.

    Returns:
        `FACTOR` times the median ratio of held-out images, and how it was found: the factor, of
        how many ``images``, the ``share`` of them that would be copies, and ``share_high``, the
        upper end of its 95 % interval (Wilson).

    Raises:
        UserError: every held-out image is a training image.
    """
    new = np.flatnonzero(~np.isin(digests(held_out), known))
    if len(new) == 0:
        raise UserError(
            f"expected held-out images that are no training images, found that all {len(held_out)} "
            "are; prepare the data set again with a test split of its own"
        )
    chosen = new[evenly_per_class(np.zeros(len(new), np.int64), CALIBRATION)]
    ratio, _ = nearest_real(held_out[chosen], train)
    limit, n = FACTOR * float(np.median(ratio)), len(ratio)
    copies = int(np.sum(ratio <= limit))
    found = {"factor": FACTOR, "images": n, "share": copies / n}
    return limit, found | {"share_high": proportion(copies, n).high}


def nearest_real(images: np.ndarray, real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest of the real images, mirrored and moved by a pixel or not.

    Args:
        images: uint8 (N, H, W, 3).
        real: float32 (M, D) of :func:`described`, of different images; M > 1.

    Returns:
        Its distance over the mean distance of the next real images, under the best of the
        :func:`views`, float64 (N,): 0 for a copy, near 1 for a new image; and which, int64 (N,).

    Raises:
        UserError: fewer than two real images.
    """
    if len(real) < 2:
        raise UserError(
            f"expected at least 2 different real images to search for copies, found {len(real)}; "
            "prepare a data set with more images"
        )
    sides = described(images), described(images[:, :, ::-1])
    blocks = zip(*(distance_blocks(side, real) for side in sides), strict=True)
    plain_or_mirrored = (torch.minimum(one, other) for (_, one), (_, other) in blocks)
    count = min(NEAR, len(real))
    near = torch.cat([block.topk(count, largest=False).indices for block in plain_or_mirrored])
    references, found = torch.from_numpy(real).to(device()), []
    for start in range(0, len(images), ROWS):
        rows = near[start : start + ROWS]
        ours = views(images[start : start + ROWS]).to(device()).double()
        theirs = references[rows].double()
        distances = torch.cdist(ours, theirs, compute_mode=BY_PRODUCTS).amin(dim=1)
        distances, order = distances.sort(dim=1)
        others = distances[:, 1 : 1 + NEIGHBOURS].mean(dim=1)
        # Where all are equally near at 0 the image is a copy of any of them.
        ratio = torch.where(others > 0, distances[:, 0] / others, 0.0)
        found.append((ratio, rows.gather(1, order[:, :1])[:, 0]))
    ratios, indices = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    return ratios, indices


def described(images: np.ndarray) -> np.ndarray:
    """Describe uint8 (N, H, W, 3) images: float32 (N, D).

    The distance of two descriptions is the root of the mean squared difference over cells, of
    luminance and both colour differences together, all in units of 255 levels.
    """
    starts = range(0, len(images), BATCH)
    return torch.cat([_pooled(_planes(images[at : at + BATCH])) for at in starts]).numpy()


def views(images: np.ndarray) -> Tensor:
    """Describe all views of uint8 (N, H, W, 3) images: float32 (N, VIEWS, D), memory for each.

    Pixels beyond the border repeat the outermost ones.
    """
    planes = pad(_planes(images), (1, 1, 1, 1), mode="replicate")
    height, width = images.shape[1:3]
    moved = [
        side[:, :, down : down + height, right : right + width]
        for side in (planes, planes.flip(3))
        for down, right in itertools.product(range(3), repeat=2)
    ]
    return torch.stack([_pooled(each) for each in moved], dim=1)


def _planes(images: np.ndarray) -> Tensor:
    pixels = torch.from_numpy(np.ascontiguousarray(images)).float() / 255
    return (pixels @ torch.tensor(YCBCR).T).permute(0, 3, 1, 2)


def _pooled(planes: Tensor) -> Tensor:
    def cells(planes: Tensor, most: int) -> Tensor:
        grid = min(most, *planes.shape[2:])
        # Divided by the side of the grid: squares then sum up to their mean over the cells.
        return adaptive_avg_pool2d(planes, grid).flatten(1) / grid

    luminance = cells(planes[:, :1], LUMINANCE)
    luminance = luminance - luminance.mean(dim=1, keepdim=True)
    return torch.cat([luminance, cells(planes[:, 1:], COLOUR)], dim=1)


def judged(report: dict[str, Any], name: str) -> list[Remark]:
    """Return the findings of a report of :func:`near_duplicates`.

    Args:
        name: of the sample set, for messages.

    Raises:
        UserError: more than `REFUSED` of the images are copies, of either split.
    """
    copies = {split: _copies(report, split) for split in SPLITS if report[f"count_{split}"]}
    if report["share"] > REFUSED:
        raise UserError(
            f"{name}: expected new images, found {' and '.join(copies.values())}; at most "
            f"{percent(REFUSED)} are scored, for FID, Inception Score, precision and recall "
            "of copies are those of the real images and say nothing of a model. Hand in "
            "images that a model generated, or train it with less memorisation"
        )
    findings, chance = [], report["calibrated"]
    for split, text in copies.items():
        more = report[f"share_{split}"] > chance["share_high"]
        text = f"Found {text}. Of {chance['images']} real held-out images "
        text += f"{percent(chance['share'])} come as near to a training image"
        text += ": scores profit from copies." if more else "."
        findings.append(Remark(f"copies_{split}", WARNING if more else NOTE, text))
    return findings


def _copies(report: dict[str, Any], split: str) -> str:
    pair = report[f"pairs_{split}"][0]
    return (
        f"near-copies of {SPLITS[split]} images: {report[f'count_{split}']} of "
        f"{report['images']} ({percent(report[f'share_{split}'])}), e.g. image {pair['sample']} of "
        f"image {pair['real']} of {split}.npz (both counted from 0)"
    )


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    use_threads(args.threads)
    card = load_card(args.data)
    scored = sampled(args.samples, card)
    report = near_duplicates(scored.images, args.data)
    findings = judged(report, str(args.samples))
    inputs = {"samples": scored.sha256, "data": card["sha256"], "config": args.config}
    write_json(args.out, report | inputs | {"findings": shown(findings)})


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    paths = {"samples": "sample set, .npz", "data": "prepared data set", "out": "report, .json"}
    return stage_parser(__doc__, **paths)


if __name__ == "__main__":
    run_stage(main, command())

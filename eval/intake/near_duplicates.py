"""Copies of real images in a sample set, which no score can tell from an excellent model.

Usage: python -m eval.intake.near_duplicates --samples NPZ --data DIR --config JSON --out JSON

Unlike :mod:`eval.metrics.sets.copies`, which reads the embedding of an evaluator, the search looks
at pixels, and finds copies that were recompressed, mirrored, moved by a pixel or shifted in
brightness. Strong blur hides some and crops hide most. So do turns and lower contrast on images as
simple as the digits: of copies turned by 5 degrees, or with a contrast of 0.8, 2 % are found there
(rendered faces: 99 % of those turned by 3 degrees, 96 % of those with a contrast of 0.85).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from dlvae.data.dataset import load_card
from dlvae.stage.artefact import write_json
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import device, run_stage, stage_parser, use_threads
from eval.intake.findings import NOTE, WARNING, Remark, digests, firsts, listed, percent, show
from eval.intake.nearest_real import Nearest, described, nearest_real
from eval.metrics.intervals import proportion
from eval.metrics.sets.distances import Where
from eval.scored_images import evenly_per_class, labelled_split, sampled

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


def calibrate(
    train: np.ndarray, held_out: np.ndarray, known: np.ndarray, where: Where = "cpu"
) -> tuple[float, dict[str, float]]:
    """Read the ratio up to which an image is a copy off held-out images against training images.

    Args:
        train: float32 (M, D) of :func:`eval.intake.nearest_real.described`.
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
    ratios = nearest_real(held_out[chosen], train, where).ratio
    limit = FACTOR * float(np.median(ratios))
    copies, n = int(np.sum(ratios <= limit)), len(ratios)
    found = {"factor": FACTOR, "images": n, "share": copies / n}
    return limit, found | {"share_high": proportion(copies, n).high}


def near_duplicates(samples: np.ndarray, data: Path, where: Where = "cpu") -> dict[str, Any]:
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
    train = described(images[kept["train"]])
    images = labelled_split(data, "test").images
    kept["test"] = firsts(digests(images))
    limit, calibrated = calibrate(train, images, known, where)
    real = {"train": train, "test": described(images[kept["test"]])}
    report: dict[str, Any] = {
        "images": len(samples),
        "limit": limit,
        "calibrated": calibrated,
    }
    copies = np.zeros(len(samples), bool)
    for split in SPLITS:
        found = nearest_real(samples, real[split], where)
        copies |= found.ratio <= limit
        count = int(np.sum(found.ratio <= limit))
        report |= {
            f"count_{split}": count,
            f"share_{split}": count / len(samples),
            f"distinct_{split}": len(kept[split]),
            f"pairs_{split}": _pairs(found, kept[split]),
        }
    return report | {"share": float(copies.mean())}


def _pairs(found: Nearest, kept: np.ndarray) -> list[dict[str, int | float]]:
    first = np.argsort(found.ratio, kind="stable")[:PAIRS]
    return [
        {
            "sample": int(row),
            "real": int(kept[found.index[row]]),
            "ratio": round(float(found.ratio[row]), 4),
        }
        for row in first
    ]


def judged(report: dict[str, Any], name: str) -> list[Remark]:
    """Return the findings of a report of :func:`near_duplicates`.

    Args:
        name: of the sample set, for messages.

    Raises:
        UserError: more than `REFUSED` of the images are copies, of either split.
    """
    if report["share"] > REFUSED:
        copies = [_copies(report, split) for split in SPLITS if report[f"count_{split}"]]
        raise UserError(
            f"{name}: expected new images, found {' and '.join(copies)}; at most "
            f"{percent(REFUSED)} are scored, for FID, Inception Score, precision and recall "
            "of copies are those of the real images and say nothing of a model. Hand in "
            "images that a model generated, or train it with less memorisation"
        )
    findings = []
    for split in SPLITS:
        if report[f"count_{split}"]:
            chance = report["calibrated"]
            more = report[f"share_{split}"] > chance["share_high"]
            text = f"Found {_copies(report, split)}. Of {chance['images']} real held-out images "
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
    report = near_duplicates(scored.images, args.data, device())
    findings = judged(report, str(args.samples))
    inputs = {"samples": scored.sha256, "data": card["sha256"], "config": args.config}
    write_json(args.out, report | inputs | {"findings": listed(findings)})
    show(findings)


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--samples", type=Path, required=True, help="sample set, .npz")
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--out", type=Path, required=True, help="report, .json")
    return parser


if __name__ == "__main__":
    run_stage(main, command())

"""Report card of a trained evaluator: how far its judgement of real images can be trusted.

Usage: python -m eval.judge.report_card --train NPZ --test NPZ --evaluator DIR --data DIR --out JSON

Both feature sets hold real images; held-out ones are also degraded and judged here. What is
measured is no part of the training, so a change of a measure trains no evaluator again.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from dlvae.data.dataset import load_card
from dlvae.stage.artefact import read_json, write_json
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser, use_threads
from eval.judge.features import FeatureSet, load_features
from eval.metrics.inception_score import agreement, by_member, hits, inception_of_logits, top_class
from eval.scored_images import evenly_per_class, labelled_split

BINS = 15
DEGRADED = 1000
"""Held-out images that are degraded, spread evenly over the classes."""


def calibration_error(logits: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error in [0, 1] (Guo et al. 2017, Eq. 3).

    Images are binned by confidence (the largest softmax probability); the gap of each bin between
    mean confidence and accuracy is weighed by the bin's share of the images.

    Args:
        logits: (N, M, C) of an ensemble, whose mean probabilities are measured, or (N, C).
        labels: int (N,).
        bins: equal parts of [0, 1].
    """
    probabilities = softmax(by_member(logits).astype(np.float64), axis=2).mean(axis=1)
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    # (i/B, (i+1)/B] as in the definition, so that a confidence of 1 falls into the last bin.
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def trust(logits: np.ndarray, labels: np.ndarray) -> dict[str, float | None]:
    """Share of images judged right (top-1 of the mean probabilities), and agreement of members.

    The latter is None of a single member.
    """
    agreed = agreement(logits)
    return {
        "accuracy": float(np.mean(top_class(logits) == labels)),
        "agreement": None if agreed is None else float(agreed.mean()),
    }


def report(train: FeatureSet, test: FeatureSet, card: Mapping[str, Any]) -> dict[str, Any]:
    """Measure an evaluator on the real images of its data set.

    Args:
        train, test: of the models' training images and of held-out ones.
        card: of the data set.

    Returns:
        Accuracy on held-out images: of the ensemble (top-1 of the mean probabilities), by member
        and per class (None for a class without any), and on training images; agreement of the
        members on held-out images (None of a single one); calibration error, confusion (rows: true
        class, columns: judged), and Inception Score of both splits (one split each).

    Raises:
        UserError: the two sets were judged by different evaluators.
    """
    if train.evaluator != test.evaluator:
        raise UserError(
            f"expected features of one evaluator, found {train.evaluator[:12]} and "
            f"{test.evaluator[:12]}; make both again with python -m eval.judge.features"
        )
    judged, classes = top_class(test.logits), card["classes"]
    cells = np.bincount(test.labels * classes + judged, minlength=classes**2)
    confusion = cells.reshape(classes, classes)  # by true class (rows) and class judged
    counts = zip(confusion.diagonal(), confusion.sum(axis=1), strict=True)
    return {
        "dataset": card["dataset"],
        "weights_sha256": test.evaluator,
        "class_names": card["class_names"],
        "accuracy_by_member": hits(test.logits, test.labels).mean(axis=0).tolist(),
        **trust(test.logits, test.labels),
        "accuracy_per_class": [float(right / n) if n else None for right, n in counts],
        "accuracy_train": float(np.mean(top_class(train.logits) == train.labels)),
        "calibration_error": calibration_error(test.logits, test.labels),
        "inception_score": {
            "train": float(inception_of_logits(train.logits).mean()),
            "test": float(inception_of_logits(test.logits).mean()),
        },
        "confusion": confusion.tolist(),
        "images": {"train": len(train.labels), "test": len(test.labels)},
    }


def degraded(evaluator: Path, data: Path, card: Mapping[str, Any]) -> dict[str, Any]:
    """Judge held-out images that were blurred, made noisy and so on at fixed strengths.

    Args:
        evaluator: folder of the evaluator.
        data, card: the data set and its card.

    Returns:
        By degradation: accuracy of the ensemble, and agreement of its members (None of one).
    """
    # Here: what reads and scores features alone is not to wait for torch.
    from eval.judge.augment import fixed
    from eval.judge.evaluator import load_judge

    judge, test = load_judge(evaluator, card), labelled_split(data, "test")
    kept = evenly_per_class(test.labels, max(1, DEGRADED // card["classes"]))
    images, labels = test.images[kept], test.labels[kept]
    shown = fixed(images)
    return {name: trust(judge.predict(found).logits, labels) for name, found in shown}


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    use_threads(args.threads)
    card = load_card(args.data)
    train, test = (load_features(path, card["dataset"]) for path in (args.train, args.test))
    found = report(train, test, card)
    made = read_json(args.evaluator / "card.json")
    if made["weights_sha256"] != found["weights_sha256"]:
        raise UserError(
            f"{args.evaluator}: expected the evaluator of the features, "
            f"{found['weights_sha256'][:12]}, found {made['weights_sha256'][:12]}; make the "
            "features again with python -m eval.judge.features"
        )
    found |= {"kind": made.get("kind"), "degraded": degraded(args.evaluator, args.data, card)}
    write_json(args.out, found)
    score = found["inception_score"]["test"]
    print(
        f"{found['dataset']}, {found['kind']}: held-out accuracy {found['accuracy']:.4f}, "
        f"calibration error {found['calibration_error']:.4f}, Inception Score of held-out images "
        f"{score:.2f}"
    )
    parts = (f"{name} {part['accuracy']:.3f}" for name, part in found["degraded"].items())
    print(f"accuracy on degraded images: {', '.join(parts)}")


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    features = {"train": "features of training images", "test": "features of held-out images"}
    paths = {"evaluator": "folder of the evaluator", "data": "prepared data set"}
    return stage_parser(__doc__, **features, **paths, out="report, .json")


if __name__ == "__main__":
    run_stage(main, command())

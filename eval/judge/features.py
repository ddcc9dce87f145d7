"""What the evaluator says of a set of images, computed once and read by every score.

Usage: python -m eval.judge.features (--samples FILE | --real train|test) --data DIR --evaluator DIR
    --config JSON --out NPZ

The config JSON names the set: ``preset``, ``dataset``, ``source`` and ``seed``.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from dlvae.data.dataset import load_card
from dlvae.stage.artefact import load_npz, save_npz, write_manifest
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import device, run_stage, stage_parser, use_threads
from eval.scored_images import evenly_per_class, real, sampled


@dataclass(frozen=True)
class FeatureSet:
    """Features of labelled images, in the order of their file.

    Attributes:
        features: float32 (N, D), the embeddings of the evaluator's members, side by side.
        logits: float32 (N, M, C), of its M members; (N, C) of a single classifier.
        labels: int64 (N,), the class asked for, or the true one.
        images: content hash of the images.
        precision: that the model was trained in, see :class:`eval.rows.ScoreRow`.
        evaluator: hash of the evaluator's weights, of all members together.
        data: name of the data set that the evaluator was trained on.
    """

    features: np.ndarray
    logits: np.ndarray
    labels: np.ndarray
    images: str
    precision: str
    evaluator: str
    data: str


FIELDS = {field.name for field in fields(FeatureSet)}


def save_features(path: str | Path, found: FeatureSet) -> None:
    """Save a feature set as one ``.npz``."""
    save_npz(path, compress=False, **{name: np.asarray(getattr(found, name)) for name in FIELDS})


def load_features(path: str | Path, dataset: str, per_class: int | None = None) -> FeatureSet:
    """Load a feature set of a data set's images, and of those what is scored.

    Args:
        dataset: name of the one that its evaluator was trained on.
        per_class: at most so many images of each class, see `evenly_per_class`; None for all.

    Raises:
        UserError: the file is missing, holds something else, or was made by the evaluator of
            another data set.
    """
    arrays = load_npz(path)
    if arrays.keys() != FIELDS:
        raise UserError(
            f"{path}: expected the arrays {', '.join(sorted(FIELDS))}, found "
            f"{', '.join(sorted(arrays))}; make it with python -m eval.judge.features"
        )
    if (data := str(arrays["data"])) != dataset:
        raise UserError(
            f"{path}: expected features of '{dataset}', found those of '{data}'; make them with "
            "python -m eval.judge.features"
        )
    if per_class is not None:
        chosen = evenly_per_class(arrays["labels"], per_class)
        arrays = {name: part[chosen] if part.ndim else part for name, part in arrays.items()}
    return FeatureSet(**{name: part if part.ndim else str(part) for name, part in arrays.items()})


def main(args: argparse.Namespace) -> None:
    """Run the feature stage."""
    # Here: the packages behind these cost more time than reading features does.
    from eval.judge.evaluator import load_judge
    from eval.judge.predict import outputs_of

    started = time.time()
    use_threads(args.threads)
    card = load_card(args.data)
    inputs = {"data": args.data / "card.json", "evaluator": args.evaluator / "card.json"}
    if args.samples is not None:
        inputs["images"] = args.samples
        scored = sampled(args.samples, card)
    else:
        inputs["images"] = args.data / f"{args.real}.npz"
        scored = real(args.data, args.real, card)
    judge = load_judge(args.evaluator, card)
    features, logits = outputs_of(scored.images, judge)
    of_images = scored.labels, scored.sha256, scored.precision
    found = FeatureSet(features, logits, *of_images, judge.sha256, judge.card["dataset"])
    save_features(args.out, found)
    write_manifest(
        args.out.with_suffix(".manifest.json"),
        inputs=inputs,
        config=args.config,
        started=started,
        seed=args.config.get("seed"),
        threads=args.threads,
        precision="fp32",
        device=str(device()),
        extra={"code": args.fingerprint},
    )


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    paths = {"data": "prepared data set", "evaluator": "folder of the evaluator"}
    parser = stage_parser(__doc__, **paths, out="feature set, .npz")
    images = parser.add_mutually_exclusive_group(required=True)
    images.add_argument("--samples", type=Path, help="sample set, .npz")
    images.add_argument("--real", choices=("train", "test"), help="this split of the real images")
    parser.add_argument("--fingerprint", default="", help="fingerprint of the code")
    return parser


if __name__ == "__main__":
    run_stage(main, command())

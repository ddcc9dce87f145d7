"""What the evaluator says of a set of images, computed once and read by every score.

Usage: python -m eval.judge.features (--samples FILE | --real train|test) --data DIR --evaluator DIR
    --config JSON --out NPZ

The config JSON names the set: ``preset``, ``dataset``, ``source`` and ``seed``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlvae.data.dataset import load_card
from dlvae.stage.artefact import load_npz, save_npz, write_manifest
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import device, run_stage, stage_parser, use_threads
from eval.scored_images import ScoredImages, evenly_per_class, real, sampled


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

    def evenly(self, count: int) -> FeatureSet:
        """Return at most ``count`` images of each class; see `evenly_per_class`."""
        chosen = evenly_per_class(self.labels, count)
        arrays = {name: getattr(self, name)[chosen] for name in ("features", "logits", "labels")}
        return replace(self, **arrays)


FIELDS = {field.name for field in fields(FeatureSet)}


def save_features(path: str | Path, found: FeatureSet) -> None:
    """Save a feature set as one ``.npz``."""
    save_npz(path, compress=False, **{name: np.asarray(getattr(found, name)) for name in FIELDS})


def load_features(path: str | Path) -> FeatureSet:
    """Load a feature set.

    Raises:
        UserError: the file is missing or holds something else.
    """
    arrays = load_npz(path)
    if arrays.keys() != FIELDS:
        raise UserError(
            f"{path}: expected the arrays {', '.join(sorted(FIELDS))}, found "
            f"{', '.join(sorted(arrays))}; make it with python -m eval.judge.features"
        )
    return FeatureSet(**{name: part if part.ndim else str(part) for name, part in arrays.items()})


def features_of(scored: ScoredImages, evaluator: Path, card: Mapping[str, Any]) -> FeatureSet:
    """Run an evaluator over images.

    Args:
        evaluator: folder of a trained evaluator.
        card: of the data set of the images.

    Raises:
        UserError: the evaluator was trained on other classes.
    """
    # Here: the packages behind these cost more time than reading features does.
    from eval.judge.evaluator import load_judge
    from eval.judge.predict import extract

    judge = load_judge(evaluator, card)
    return FeatureSet(
        *extract(scored.images, judge),
        scored.labels,
        scored.sha256,
        scored.precision,
        judge.sha256,
        judge.card["dataset"],
    )


def main(args: argparse.Namespace) -> None:
    """Run the feature stage."""
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
    save_features(args.out, features_of(scored, args.evaluator, card))
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

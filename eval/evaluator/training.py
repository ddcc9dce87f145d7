"""Training of the evaluator on the real images of one data set, and its report card."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch.nn import functional as F

from dlvae.data.dataset import Split, load_split
from dlvae.errors import UserError
from eval.evaluator.architecture import OURS, build_network
from eval.evaluator.load import Evaluator
from eval.fidelity import score_inception
from eval.supervised import build_seeded
from eval.training_stage import Job, TrainingStage, read_config

DEFAULTS = {"arch": OURS, "width": 1.0}


def train_evaluator(job: Job, config: dict[str, Any]) -> dict[str, Any]:
    """Train an evaluator and save it; generated images never come near it.

    Args:
        job: a labelled data set with a train and a test split, and where results go.
        config: preset, dataset, seed, ``arch``, ``width`` and the keys of the recipe.

    Returns:
        The card: architecture, accuracy on held-out images overall and per class, Inception Score
        of the real images of both splits (one split each).
    """
    recipe, settings = read_config(config, DEFAULTS, "evaluator")
    stage = TrainingStage("evaluator", job, config)
    train, test = (_labelled(job, name) for name in ("train", "test"))
    size, classes = train.images.shape[1], len(train.classes)
    network = build_seeded(
        lambda: build_network(settings["arch"], classes, size, settings["width"], recipe.dropout),
        *stage.seed_parts,
        "init",
    )
    flip = bool(stage.data_card.get("flip"))
    stage.train(network, F.cross_entropy, train, recipe, flip)
    evaluator = Evaluator(network, size)
    card = {"arch": settings["arch"], "width": settings["width"], "image_size": size}
    return stage.save(network, card | _report(evaluator, train, test))


def _labelled(job: Job, name: str) -> Split:
    split = load_split(job.data, name)
    if split.images is None or not split.labelled:
        raise UserError(
            f"{job.data}: an evaluator needs labelled images, found "
            f"{'points' if split.images is None else 'no labels'}"
        )
    return split


def _report(evaluator: Evaluator, train: Split, test: Split) -> dict[str, Any]:
    held_out, seen = (score_inception(split.images, evaluator) for split in (test, train))
    correct = held_out.logits.argmax(1) == test.labels
    per_class = [
        float(np.mean(correct[test.labels == label])) if (test.labels == label).any() else None
        for label in range(len(test.classes))
    ]
    return {
        "class_names": test.classes.tolist(),
        "accuracy": float(np.mean(correct)),
        "accuracy_per_class": per_class,
        "accuracy_train": float(np.mean(seen.logits.argmax(1) == train.labels)),
        "inception_score": {"train": seen.score, "test": held_out.score},
        "images": {"train": len(train), "test": len(test)},
    }

"""Training of the evaluator on the real images of one data set."""

from __future__ import annotations

from typing import Any

from torch.nn import functional as F

from dlvae.data.dataset import Split, load_split
from dlvae.errors import UserError
from eval.evaluator.architecture import OURS, build_network
from eval.supervised import build_seeded
from eval.training_stage import Job, TrainingStage, read_config

DEFAULTS = {"arch": OURS, "width": 1.0}


def train_evaluator(job: Job, config: dict[str, Any]) -> dict[str, Any]:
    """Train an evaluator and save it; generated images never come near it.

    Args:
        job: a labelled data set, and where results go.
        config: preset, dataset, seed, ``arch``, ``width`` and the keys of the recipe.

    Returns:
        The card: architecture, classes, and what it was trained on. How good the evaluator is,
        `eval.evaluator.report` measures.
    """
    recipe, settings = read_config(config, DEFAULTS, "evaluator")
    stage = TrainingStage("evaluator", job, config)
    train = _labelled(job)
    size, classes = train.images.shape[1], len(train.classes)
    network = build_seeded(
        lambda: build_network(settings["arch"], classes, size, settings["width"], recipe.dropout),
        *stage.seed_parts,
        "init",
    )
    flip = bool(stage.data_card.get("flip"))
    stage.train(network, F.cross_entropy, train, recipe, flip)
    card = {"arch": settings["arch"], "width": settings["width"], "image_size": size}
    return stage.save(network, card | {"class_names": train.classes.tolist()})


def _labelled(job: Job) -> Split:
    split = load_split(job.data, "train")
    if split.images is None or not split.labelled:
        raise UserError(
            f"{job.data}: an evaluator needs labelled images, found "
            f"{'points' if split.images is None else 'no labels'}"
        )
    return split

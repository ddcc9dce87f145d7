"""Training of one member of an evaluator on the real images of one data set."""

from __future__ import annotations

from typing import Any

from torch.nn import functional as F

from dlvae.data.dataset import Split, load_split
from dlvae.stage.errors import UserError, nearest
from eval.judge.augment import degrade
from eval.judge.networks.architecture import OURS, build_network
from eval.judge.supervised import build_seeded
from eval.judge.training_stage import Job, TrainingStage, read_config

KINDS = ("robust", "plain")
DEFAULTS = {"arch": OURS, "width": 1.0, "kind": "robust", "member": 0}


def train_member(job: Job, config: dict[str, Any]) -> dict[str, Any]:
    """Train one member of an ensemble and save it; generated images never come near it.

    Args:
        job: a labelled data set, the images to learn from, and where results go.
        config: preset, dataset, seed, ``arch``, ``width``, the keys of the recipe, ``kind`` and
            ``member``. Members of the kind "plain" see real images, flipped and cropped; those of
            the kind "robust" also degraded ones, see :mod:`eval.judge.augment`. The number of
            the member is one of the parts that its seed derives from.

    Returns:
        The card: architecture, classes, and what it was trained on. How good the evaluator is,
        `eval.judge.report` measures.
    """
    recipe, settings = read_config(config, DEFAULTS, "evaluator")
    kind = settings["kind"]
    if kind not in KINDS:
        raise UserError(
            f"evaluator: kind: expected one of {', '.join(KINDS)}, found '{kind}'."
            f"{nearest(str(kind), KINDS)}"
        )
    stage = TrainingStage("evaluator", job, config, kind, settings["member"])
    train = _labelled(job)
    size, classes = train.images.shape[1], len(train.classes)
    network = build_seeded(
        lambda: build_network(settings["arch"], classes, size, settings["width"], recipe.dropout),
        *stage.seed_parts,
        "init",
    )
    flip = bool(stage.data_card.get("flip"))
    augment = degrade if kind == "robust" else None
    stage.train(network, F.cross_entropy, train, recipe, flip, augment)
    card = {"arch": settings["arch"], "width": settings["width"], "image_size": size, "kind": kind}
    return stage.save(network, card | {"class_names": train.classes.tolist()})


def _labelled(job: Job) -> Split:
    split = load_split(job.images or job.data, "train")
    if split.images is None or not split.labelled:
        raise UserError(
            f"{job.images or job.data}: an evaluator needs labelled images, found "
            f"{'points' if split.images is None else 'no labels'}"
        )
    return split

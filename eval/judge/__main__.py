"""Train a member of an evaluator: `python -m eval.judge --data DIR --config JSON --out DIR ...`."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any, Literal

from torch.nn import functional as F

from dlvae.config.judges import Recipe
from dlvae.config.section import Natural, number
from dlvae.data.dataset import load_split
from dlvae.stage.errors import UserError
from dlvae.stage.seeds import seeded_globally
from eval.judge.augment import UNTOUCHED, degrade
from eval.judge.classifiers.architecture import OURS, build_network
from eval.judge.training import Named, Training, run_command


class Member(Named, Recipe):
    """One member of an ensemble."""

    arch: str = OURS
    kind: Literal["robust", "plain"] = "robust"
    """plain members see real images, flipped and cropped; robust ones also degraded ones, see
    `eval.judge.augment`"""
    untouched: number(ge=0, le=1) = UNTOUCHED
    """of robust ones, the share of the images that stay as they are"""
    member: Natural = 0
    """its number, one of the parts that its seed derives from"""


def train_member(args: argparse.Namespace) -> dict[str, Any]:
    """Train one member of an ensemble and save it; generated images never come near it.

    Args:
        args: of the command line; ``config`` holds keys of :class:`Member`.

    Returns:
        The card: architecture, classes, and what it was trained on. How good the evaluator is,
        `eval.judge.report_card` measures.
    """
    recipe = Member.read(args.config, "evaluator")
    training = Training("evaluator", args, recipe.kind, recipe.member)
    train = load_split(args.images or args.data, "train")
    if train.images is None or not train.labelled:
        raise UserError(
            f"{args.images or args.data}: an evaluator needs labelled images, found "
            f"{'points' if train.images is None else 'no labels'}"
        )
    size, classes = train.images.shape[1], train.classes.tolist()
    with seeded_globally(*training.seed_parts, "init"):
        network = build_network(recipe.arch, len(classes), size, recipe.width, recipe.dropout)
    flip = bool(training.data_card.get("flip"))
    robust = recipe.kind == "robust"
    augment = partial(degrade, untouched=recipe.untouched) if robust else None
    training.run(network, F.cross_entropy, train, recipe, flip, augment)
    card = {key: getattr(recipe, key) for key in ("arch", "width", "kind")}
    return training.save(network, card | {"image_size": size, "class_names": classes})


if __name__ == "__main__":
    run_command(__doc__, train_member)

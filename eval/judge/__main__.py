"""Train one member of an evaluator on the real images of one data set.

python -m eval.judge --data DIR --config JSON --out DIR --resume-root DIR --run-log FILE
"""

from __future__ import annotations

from typing import Any

from torch.nn import functional as F

from dlvae.data.dataset import load_split
from dlvae.stage.errors import UserError, nearest
from eval.judge.augment import degrade
from eval.judge.networks.architecture import OURS, build_network
from eval.judge.training import Job, Training, build_seeded, read_config, run_command

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
        `eval.judge.report_card` measures.
    """
    recipe, settings = read_config(config, DEFAULTS, "evaluator")
    kind, arch, width = (settings[key] for key in ("kind", "arch", "width"))
    if kind not in KINDS:
        raise UserError(
            f"evaluator: kind: expected one of {', '.join(KINDS)}, found '{kind}'."
            f"{nearest(str(kind), KINDS)}"
        )
    training = Training("evaluator", job, config, kind, settings["member"])
    train = load_split(job.images or job.data, "train")
    if train.images is None or not train.labelled:
        raise UserError(
            f"{job.images or job.data}: an evaluator needs labelled images, found "
            f"{'points' if train.images is None else 'no labels'}"
        )
    size, classes = train.images.shape[1], train.classes.tolist()
    network = build_seeded(
        lambda: build_network(arch, len(classes), size, width, recipe.dropout),
        *training.seed_parts,
        "init",
    )
    flip = bool(training.data_card.get("flip"))
    augment = degrade if kind == "robust" else None
    training.run(network, F.cross_entropy, train, recipe, flip, augment)
    card = {"arch": arch, "width": width, "image_size": size, "kind": kind}
    return training.save(network, card | {"class_names": classes})


if __name__ == "__main__":
    run_command(__doc__, train_member)

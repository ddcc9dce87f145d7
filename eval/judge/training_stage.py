"""The stage around a supervised training: config section in; weights, card and manifest out."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from dlvae.data.batches import BatchStream
from dlvae.data.dataset import Split, load_card
from dlvae.stage.artefact import sha256_file, write_json, write_manifest
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.progress import RunLog
from dlvae.stage.registry import WEIGHTS, save_weights
from dlvae.stage.runtime import device, resolve_precision, run_stage, stage_parser, use_threads
from dlvae.train.checkpoint import Resume
from dlvae.train.loop import fit
from eval.judge.supervised import Augment, Learner, Loss, Recipe

CARD, MANIFEST = "card.json", "manifest.json"
CONTEXT = ("preset", "dataset", "seed")


@dataclass(frozen=True)
class Job:
    """Files of one training and how it runs.

    Attributes:
        data: prepared data set.
        images: prepared set of the same classes whose training images are learned from in place of
            the data set's own; None for those.
        out: folder for ``weights.safetensors``, ``card.json`` and ``manifest.json``.
        resume_root: folder of resumable states.
        run_log: JSON-lines log.
        save_seconds: least time between two resumable states.
    """

    data: Path
    out: Path
    resume_root: Path
    run_log: Path
    threads: int = 1
    precision: str = "auto"
    fingerprint: str = ""
    save_seconds: float = 30.0
    images: Path | None = None


def read_config(
    config: dict[str, Any], defaults: dict[str, Any], stage: str
) -> tuple[Recipe, dict[str, Any]]:
    """Split a config section into the recipe and the stage's own settings.

    Args:
        config: preset, dataset and seed; keys of :class:`Recipe`; keys of ``defaults``.
        defaults: the stage's own settings (``arch``, ``width`` ...); one named as a field of the
            recipe changes that field's default.

    Raises:
        UserError: a key is unknown, missing or out of range.
    """
    fields = [field.name for field in dataclasses.fields(Recipe)]
    known = list(dict.fromkeys([*CONTEXT, *fields, *defaults]))
    for key in config:
        if key not in known:
            raise UserError(
                f"{stage}: unknown key '{key}'; expected {', '.join(known)}.{nearest(key, known)}"
            )
    missing = [key for key in CONTEXT if key not in config]
    if missing:
        raise UserError(f"{stage}: the config lacks {', '.join(missing)}")
    settings = {**defaults, **config}
    recipe = Recipe(**{key: settings[key] for key in fields if key in settings})
    if recipe.batch_size < 2 or recipe.epochs <= 0 or not 0 <= recipe.dropout < 1:
        raise UserError(
            f"{stage}: expected batch_size >= 2, epochs > 0 and 0 <= dropout < 1, found {recipe}"
        )
    return recipe, {key: settings[key] for key in defaults}


class TrainingStage:
    """One supervised training, from a prepared data set to a folder with its network.

    Args:
        name: stage name, first of the seed's parts ("evaluator", "factors").
        config: preset, dataset, seed and the settings, as recorded.
        seed_parts: what the seed derives from beside name, preset, data set and seed.
    """

    def __init__(self, name: str, job: Job, config: dict[str, Any], *seed_parts: str | int) -> None:
        self.started = time.time()
        self.job, self.config = job, config
        self.data_card = load_card(job.data)
        self.seed_parts = (config["preset"], name, config["dataset"], config["seed"])
        self.seed_parts += seed_parts
        self.device = device()
        self.precision = resolve_precision(job.precision, self.device)
        learned = load_card(job.images or job.data)
        if learned["class_names"] != self.data_card["class_names"]:
            raise UserError(
                f"{job.images}: expected images of the classes of {job.data}, found others; "
                "prepare both by one preset"
            )
        self.learned = learned["sha256"]["train"]
        key = [name, config, self.learned, job.fingerprint]
        key += [self.precision, job.threads, self.device.type]
        self.resume = Resume(job.resume_root, key)

    def train(
        self,
        network: nn.Module,
        loss: Loss,
        split: Split,
        recipe: Recipe,
        flip: bool = False,
        augment: Augment | None = None,
    ) -> None:
        """Train ``network`` in place and leave it in evaluation mode.

        A killed run of the same stage continues from its last state to the same bytes.

        Args:
            flip: mirror half of the images.
            augment: see :class:`eval.judge.supervised.Learner`.
        """
        network.to(self.device).train()
        learner = Learner(network, loss, recipe, len(split), self.precision, augment)
        stream = BatchStream(
            split, recipe.batch_size, 1, flip, recipe.pad_crop, self.seed_parts, self.device
        )
        label = "/".join(map(str, self.seed_parts[1:]))
        log = RunLog(self.job.run_log, learner.steps, label, resumed=self.resume.exists)
        seconds = self.job.save_seconds
        fit(learner, learner.step, stream, learner.steps, log, self.resume, save_seconds=seconds)
        log.close()
        network.eval()
        self.steps, self.images_seen = learner.steps, learner.steps * recipe.batch_size

    def save(self, network: nn.Module, card: dict[str, Any]) -> dict[str, Any]:
        """Write weights, card and manifest, drop the resumable state; the card as written.

        The card depends on the result alone: it holds no times.
        """
        out, card = Path(self.job.out), dict(card)
        save_weights(out / WEIGHTS, network.state_dict())
        card |= {"dataset": self.config["dataset"], "data_sha256": self.data_card["sha256"]}
        card |= {"images_sha256": self.learned}
        card |= {"config": self.config, "precision": self.precision}
        card |= {"parameters": sum(p.numel() for p in network.parameters())}
        card |= {"weights_sha256": sha256_file(out / WEIGHTS)}
        write_json(out / CARD, card)
        write_manifest(
            out / MANIFEST,
            inputs={"data": self.job.data / CARD}
            | ({} if self.job.images is None else {"images": self.job.images / CARD}),
            config=self.config,
            started=self.started,
            seed=self.config["seed"],
            threads=self.job.threads,
            precision=self.precision,
            device=str(self.device),
            extra={
                "code": self.job.fingerprint,
                "steps": self.steps,
                "images_seen": self.images_seen,
            },
        )
        self.resume.clear()
        return card


def run_command(doc: str | None, train: Callable[[Job, dict[str, Any]], object]) -> None:
    """Run the command line of a supervised training stage."""
    parser = stage_parser(doc)
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--images", type=Path, help="prepared set to learn from instead")
    parser.add_argument("--out", type=Path, required=True, help="folder for the network")
    parser.add_argument("--resume-root", type=Path, required=True, help="resumable states")
    parser.add_argument("--run-log", type=Path, required=True, help="JSON-lines log")
    parser.add_argument("--fingerprint", default="", help="fingerprint of the code")
    parser.add_argument("--save-seconds", type=float, default=30.0, help="between saved states")

    def main(args: argparse.Namespace) -> None:
        use_threads(args.threads)
        given = {field.name: getattr(args, field.name) for field in dataclasses.fields(Job)}
        train(Job(**given), args.config)

    run_stage(main, parser)

"""Supervised learning on real images, the same for the evaluator and the factor regressor.

The usual recipe of image classifiers: SGD with Nesterov momentum 0.9, weight decay, cosine
schedule after a linear warm-up, dropout, random crops, horizontal flips where they keep the
target; no label smoothing and no mixup, which would flatten p(y|x). A recipe may begin on smaller
images, where a pass costs less (progressive resizing, Howard 2018, fast.ai's entry to DAWNBench).
Around it the stage: a config section in; weights, card and manifest out.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlvae.base import Batch
from dlvae.config.judges import Recipe
from dlvae.config.section import Natural, Section
from dlvae.data.batches import BatchStream
from dlvae.data.dataset import Split, load_card
from dlvae.fast.optimisers import without_compiler
from dlvae.stage.artefact import sha256_file, write_json, write_manifest
from dlvae.stage.errors import UserError
from dlvae.stage.progress import RunLog
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.runtime import device, resolve_precision, run_stage, stage_parser, use_threads
from dlvae.stage.weights import CARD, MANIFEST, save_weights
from dlvae.train.loop import Resume, fit

Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs of the network, labels of the batch) -> mean loss."""

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""(images (B, 3, H, W) in [-1, 1], generator of the step) -> images to learn from, alike."""


SGD = without_compiler(torch.optim.SGD)


def reduced(images: Tensor, side: int) -> Tensor:
    """(B, 3, H, W) -> (B, 3, side, side), antialiased, as channels last.

    Raises:
        UserError: the images are no larger than that.
    """
    if side >= images.shape[-1]:
        raise UserError(
            f"small.size: expected less than the {images.shape[-1]} pixels of the "
            f"images, found {side}; leave `small` out for a training on whole images alone"
        )
    found = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
    return found.contiguous(memory_format=torch.channels_last)


class Named(Section):
    """What a training belongs to; its seed derives from all of these."""

    preset: str
    dataset: str
    seed: Natural


class Learner:
    """A network under training; a step depends on the state, the batch and its index alone.

    Args:
        images: size of the training split.
        precision: "bf16" runs the network, not the loss, under autocast.
        augment: changes the images of every step; None for none.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        recipe: Recipe,
        images: int,
        precision: str = "fp32",
        augment: Augment | None = None,
    ) -> None:
        self.network, self.loss, self.precision = network, loss, precision
        self.augment, self.lr = augment, recipe.lr
        self.steps, self.warmup = recipe.steps(images)
        self.small, self.small_steps = recipe.small, recipe.small_steps(images)
        self.optimiser = SGD(
            network.parameters(),
            lr=recipe.lr,
            momentum=0.9,
            nesterov=True,
            weight_decay=recipe.weight_decay,
            fused=True,
        )

    def rate(self, step: int) -> float:
        """Learning rate of a step: linear warm-up, then half a cosine down to zero."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        done = (step - self.warmup) / (self.steps - self.warmup)
        return self.lr * 0.5 * (1.0 + math.cos(math.pi * done))

    def step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Take one optimiser step on images (1, B, 3, H, W) with labels (1, B)."""
        images, labels = batch.images[0], batch.labels[0]
        if self.augment is not None:
            images = self.augment(images, batch.generator)
        if step < self.small_steps:
            images = reduced(images, self.small.size)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(step)
        # Dropout reads the global generator; seeded per step, a resumed run draws the same masks.
        seed = int(torch.randint(2**62, (), generator=batch.generator))
        cuda = [images.device] if images.device.type == "cuda" else []
        half = self.precision == "bf16"
        with (
            torch.random.fork_rng(devices=cuda),
            torch.autocast(images.device.type, torch.bfloat16, enabled=half),
        ):
            torch.manual_seed(seed)
            outputs = self.network(images)
        loss = self.loss(outputs.float(), labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"loss": loss.detach()}

    def state_dict(self) -> dict[str, Tensor]:
        """Weights and statistics of the network."""
        return self.network.state_dict()

    def training_state(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`training_state`."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])


class Training:
    """One supervised training, from a prepared data set to a folder with its network.

    Args:
        name: stage name, second of the seed's parts ("evaluator", "factors").
        args: of the command line, see :func:`run_command`; their ``config`` holds preset, dataset,
            seed and the settings, as recorded.
        seed_parts: what the seed derives from beside name, preset, data set and seed.
    """

    def __init__(self, name: str, args: argparse.Namespace, *seed_parts: str | int) -> None:
        self.started = time.time()
        self.args, self.config = args, args.config
        self.data_card, learned = load_card(args.data), load_card(args.images or args.data)
        context = [self.config[key] for key in ("dataset", "seed")]
        self.seed_parts = (self.config["preset"], name, *context, *seed_parts)
        self.device = device()
        self.precision = resolve_precision(args.precision, self.device)
        if learned["class_names"] != self.data_card["class_names"]:
            raise UserError(
                f"{args.images}: expected images of the classes of {args.data}, found others; "
                "prepare both by one preset"
            )
        self.learned = learned["sha256"]["train"]
        key = [name, self.config, self.learned, args.fingerprint]
        key += [self.precision, args.threads, self.device.type]
        self.resume = Resume(args.resume_root, key)

    def run(
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
            augment: see :class:`Learner`.
        """
        network.to(self.device).train()
        learner = Learner(network, loss, recipe, len(split), self.precision, augment)
        stream = BatchStream(
            split, recipe.batch_size, 1, flip, recipe.pad_crop, self.seed_parts, self.device
        )
        label, steps = "/".join(map(str, self.seed_parts[1:])), learner.steps
        log = RunLog(self.args.run_log, steps, label)
        seconds = self.args.save_seconds
        fit(learner, learner.step, stream, steps, log, self.resume, save_seconds=seconds)
        log.close()
        network.eval()
        self.taken = {"steps": steps, "images_seen": steps * recipe.batch_size}

    def save(self, network: nn.Module, card: dict[str, Any]) -> dict[str, Any]:
        """Write weights, card and manifest, drop the resumable state; the card as written.

        The card depends on the result alone: it holds no times.
        """
        args, out = self.args, self.args.out
        save_weights(out / WEIGHTS, network.state_dict())
        card = card | {
            "dataset": self.config["dataset"],
            "data_sha256": self.data_card["sha256"],
            "images_sha256": self.learned,
            "config": self.config,
            "precision": self.precision,
            "parameters": sum(p.numel() for p in network.parameters()),
            "weights_sha256": sha256_file(out / WEIGHTS),
        }
        write_json(out / CARD, card)
        read = {"data": args.data, "images": args.images}
        write_manifest(
            out / MANIFEST,
            inputs={name: folder / CARD for name, folder in read.items() if folder is not None},
            config=self.config,
            started=self.started,
            seed=self.config["seed"],
            threads=args.threads,
            precision=self.precision,
            device=str(self.device),
            extra={"code": args.fingerprint, **self.taken},
        )
        self.resume.clear()
        return card


def run_command(doc: str | None, train: Callable[[argparse.Namespace], object]) -> None:
    """Run the command line of a supervised training stage."""
    paths = {"data": "prepared data set", "out": "folder for the network"}
    paths |= {"resume_root": "folder of resumable states", "run_log": "JSON-lines log"}
    parser = stage_parser(doc, **paths)
    parser.add_argument(
        "--images", type=Path, help="prepared set of the same classes to learn from instead"
    )
    parser.add_argument("--fingerprint", default="", help="fingerprint of the code")
    parser.add_argument("--save-seconds", type=float, default=30.0, help="between saved states")

    def main(args: argparse.Namespace) -> None:
        use_threads(args.threads)
        train(args)

    run_stage(main, parser)

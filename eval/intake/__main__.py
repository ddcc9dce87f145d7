"""A sample set from any framework, checked and brought to the number of images that is scored.

Usage: python -m eval.intake --candidate PATH --data DIR --protocol FILE --config JSON --out NPZ

PATH is an ``.npz`` (``images`` uint8 N,H,W,3 and integer ``labels``) or a folder of folders
``<label number or class name>/*.png``; where a number is also the name of a class, the name counts.
Of the config JSON, ``protocol_overrides`` is read. What was found stands in the manifest beside
the output, under ``findings``; what would falsify scores is refused.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence

import numpy as np

from dlvae.data.dataset import load_card
from dlvae.data.sample_sets import save_samples
from dlvae.stage.artefact import write_manifest
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from eval.intake.candidate_files import open_candidate
from eval.intake.findings import NOTE, WARNING, Remark, digests, firsts, percent, shown
from eval.protocol import load_protocol
from eval.scored_images import evenly_per_class

UNBALANCED = 2.0
"""Images of the largest class over the smallest from which on labels look like a mistake."""

REPEATED = 0.5
"""Share of exact repeats above which the set is a smaller one, handed in several times."""

NAMED = 10  # classes that a refusal names


def chosen(labels: np.ndarray, per_class: int, class_names: Sequence[str], name: str) -> np.ndarray:
    """Return ascending indices of ``per_class`` images of each class, evenly over the file.

    Raises:
        UserError: a class has fewer.
    """
    counts = np.bincount(labels, minlength=len(class_names))
    few = np.flatnonzero(counts < per_class)
    if len(few):
        found = ", ".join(f"'{class_names[label]}' {counts[label]}" for label in few[:NAMED])
        more = f" and {len(few) - NAMED} more" if len(few) > NAMED else ""
        raise UserError(
            f"{name}: expected {per_class} images of each of {len(class_names)} classes, found "
            f"fewer of {len(few)} ({found}{more}); generate more of these. Inception Score, FID, "
            "precision and recall depend on the number of images, so fewer are not comparable"
        )
    return evenly_per_class(labels, per_class)


def balance(labels: np.ndarray, taken: int, class_names: Sequence[str]) -> Iterator[Remark]:
    """Yield findings about how many images of each class were handed in, ``taken`` of all."""
    counts = np.bincount(labels, minlength=len(class_names))
    if len(labels) > taken:
        text = f"{taken} of {len(labels)} images are scored, {taken // len(counts)} of each class, "
        text += f"spread evenly over the file; left out: {len(labels) - taken}."
        yield Remark("left_out", NOTE, text)
    if counts.max() > UNBALANCED * counts.min():
        text = f"Classes are of very different size: '{class_names[counts.argmax()]}' has "
        text += f"{counts.max()} images, '{class_names[counts.argmin()]}' {counts.min()}; the "
        text += "labels may not be those that were asked of the generator."
        yield Remark("unbalanced", WARNING, text)


def sameness(images: np.ndarray) -> Iterator[Remark]:
    """Yield findings about images that repeat another one or have one colour throughout.

    Raises:
        UserError: more repeats than `REPEATED`: fewer images handed in several times.
    """
    n = len(images)
    if repeated := n - len(firsts(digests(images))):
        text = "Images that are pixel for pixel equal to an earlier one: "
        text += f"{repeated} of {n} ({percent(repeated / n)})"
        if repeated / n > REPEATED:
            raise UserError(
                f"{text}: expected different images, for scores and their intervals count every "
                "repeat as a new one; hand in images that were generated one by one"
            )
        yield Remark("duplicates", WARNING, f"{text}; intervals count them as new images.")
    constant = np.array([bool((image == image[0, 0]).all()) for image in images])
    if count := int(constant.sum()):
        text = f"Images of one colour throughout: {count} of {n} ({percent(count / n)}), e.g. "
        text += f"image {int(constant.argmax())} of those that are scored (counted from 0)."
        yield Remark("constant_images", WARNING, text)


def main(args: argparse.Namespace) -> None:
    """Run the intake."""
    started = time.time()
    card = load_card(args.data)
    names = card["class_names"]
    if not names:
        raise UserError(f"{args.data}: expected a data set with classes, found none; name another")
    protocol = load_protocol(args.protocol, args.config.get("protocol_overrides"))
    candidate = open_candidate(args.candidate, card["size"], names)
    labels = candidate.labels
    rows = chosen(labels, protocol.samples_per_class(len(names)), names, str(args.candidate))
    images, sha256, about_files = candidate.read(rows)
    about_images = [*balance(labels, len(rows), names), *sameness(images)]
    save_samples(args.out, images, labels[rows])
    handed_in = {"path": str(args.candidate), "sha256": sha256, "images": len(labels)}
    findings = shown([*candidate.findings, *about_files, *about_images])
    write_manifest(
        args.out.with_suffix(".manifest.json"),
        inputs={"data": args.data / "card.json", "protocol": args.protocol},
        config=args.config,
        started=started,
        threads=args.threads,
        precision=None,  # only who made the images knows
        extra={"candidate": handed_in, "findings": findings},
    )


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    paths = {"candidate": ".npz, or folder of folders", "data": "prepared data set"}
    return stage_parser(__doc__, **paths, protocol="how scores are taken", out="sample set, .npz")


if __name__ == "__main__":
    run_stage(main, command())

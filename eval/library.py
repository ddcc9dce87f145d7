"""The scores of the tables for plain arrays, without Snakemake and without files.

Every function takes arrays, checks them, and returns a value with its 95 % interval. For the same
images, features or codes, protocol and ``seed`` value and interval are those of the score rows, to
the last digit. As there, at most the protocol's number of images of each class is scored, spread
evenly over the array, where labels say what the classes are; ``n`` counts what was scored.

``seed`` seeds the draws behind intervals, subsets and probes. That of a score row is
``(preset, dataset, model, seed)``, as its columns say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from dlvae.config.preset import protocol_file
from dlvae.data.sample_sets import check_samples
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.seeds import numpy_generator
from dlvae.stage.stored_files import stored_folder
from eval.judge.evaluator import load_evaluator
from eval.judge.predict import Features, outputs_of
from eval.metrics.d_intra import d_intra
from eval.metrics.disentanglement.probes import KINDS, label_probe
from eval.metrics.inception_score import by_member, check_known, measured_inception_score
from eval.metrics.intervals import jackknife_groups
from eval.metrics.measured import Measured, check_classes, check_features, check_labels
from eval.metrics.sets.distributions import fid, kid
from eval.metrics.sets.manifolds import precision_recall
from eval.protocol import Protocol, load_protocol
from eval.request import ScoreRequest
from eval.scored_images import evenly_per_class

CONFIG = Path(__file__).resolve().parents[1] / "config"

PARTS = 5
"""Without held-out codes, one part in so many of every class is held out."""

Seed = int | tuple[str | int, ...]
Rules = str | Path | Protocol
"""A protocol: the name of one in ``config/protocol/``, a file, or one that is loaded."""


@dataclass(frozen=True)
class Probe:
    """What a classifier, trained afterwards on frozen codes, reads from them.

    Attributes:
        accuracy: share of held-out codes whose label is found, with its Wilson interval.
        chance: share of the largest class among them, which needs no code.
        converged: see :class:`eval.metrics.disentanglement.probes.Probed`.
    """

    accuracy: Measured
    chance: float
    converged: bool


def features_of(images: np.ndarray, evaluator: str | Path | nn.Module) -> Features:
    """Return what an evaluator says of images: ``features`` (N, D) and ``logits``.

    Logits are (N, M, C) of an ensemble of M members, and (N, C) of a single classifier.

    Args:
        images: uint8 (N, H, W, 3), of the evaluator's size.
        evaluator: of the stored results by its name, ``<preset>/<judge>`` such as "quick/digits",
            from any working folder; the folder of a trained one; or a module in evaluation mode
            that maps float (B, 3, H, W) in [-1, 1] to features (B, D) and logits (B, C).

    Raises:
        UserError: images of a wrong dtype, shape or size; no readable evaluator.
    """
    if not isinstance(evaluator, nn.Module):
        folder = stored_folder(str(evaluator), "evaluator")
        if not (folder / WEIGHTS).is_file():
            raise UserError(
                f"{folder}: expected {WEIGHTS} beside card.json, found none; stored results keep "
                "large weights as a hash alone. Train the evaluator again with: snakemake --cores "
                f"all results/<preset>/evaluator/{folder.name}/{WEIGHTS}"
            )
        evaluator = load_evaluator(folder)
    return Features(*outputs_of(_array("images", images), evaluator))


def inception_score(
    images: np.ndarray,
    evaluator: str | Path | nn.Module,
    labels: np.ndarray | None = None,
    protocol: Rules = "v2",
    seed: Seed = 0,
) -> Measured:
    """Inception Score of images (Section 4.2): :func:`inception_score_of_logits` of its logits.

    Args:
        images, evaluator: see :func:`features_of`.
        labels: int (N,), the class asked for.
    """
    logits = features_of(images, evaluator).logits
    return inception_score_of_logits(logits, labels, protocol, seed)


def inception_score_of_logits(
    logits: np.ndarray,
    labels: np.ndarray | None = None,
    protocol: Rules = "v2",
    seed: Seed = 0,
) -> Measured:
    """exp(E_x KL(p(y|x) || p(y))) from a classifier's logits, between 1 and C.

    Of an ensemble it is the mean over the members. The interval is the jackknife over images,
    widened by the spread of the members; there is none of a score of several splits or of fewer
    images than the protocol has groups.

    Args:
        logits: float (N, C), or (N, M, C) of an ensemble of M members.
        labels: int (N,) in 0..C-1, the class asked for. Without, all images are scored, and the
            groups of the interval are not even within classes, which makes it wider.

    Raises:
        UserError: logits that are empty or not finite, labels that are not one per image or that
            the classifier has not.
    """
    logits, rules = _array("logits", logits), _rules(protocol)
    check_features(logits=logits.reshape(len(logits), -1) if logits.ndim == 3 else logits)
    logits, labels = _chosen("logits", by_member(logits), labels, rules)
    check_known(labels, logits)
    draws = _draws("inception", seed, "groups")
    return measured_inception_score(logits, labels, rules, draws)[0]


def intra_class_diversity(
    images: np.ndarray,
    labels: np.ndarray,
    variant: str = "standard",
    protocol: Rules = "v2",
    seed: Seed = 0,
) -> Measured:
    """d_intra of Eq. 12: one minus the mean MS-SSIM of the pairs of a class, mean over classes.

    The interval is a bootstrap over classes, from five classes on.

    Args:
        images: uint8 (N, H, W, 3) with H = W of a size that the protocol knows.
        labels: int (N,), the class asked for.
        variant: of the protocol's ``ms_ssim``.

    Raises:
        UserError: images or labels of a wrong dtype or shape, a class with one image, a size or
            variant that the protocol has not.
    """
    images, labels = _array("images", images), _array("labels", labels)
    rules = _rules(protocol)
    check_samples(images, labels, "images")
    if variant not in rules.ms_ssim:
        raise UserError(
            f"variant: expected one of {', '.join(rules.ms_ssim)} (protocol {rules.id}), found "
            f"'{variant}'.{nearest(variant, rules.ms_ssim)}"
        )
    if images.shape[1] != images.shape[2]:
        raise UserError(
            f"images: expected as many rows as columns, found {images.shape[1]} x "
            f"{images.shape[2]} pixels; crop or resize them to a square"
        )
    images, labels = _chosen("images", images, labels, rules)
    per_class = d_intra(images, labels, rules.ms_ssim[variant].at(images.shape[1])).per_class
    draws = _draws("diversity", seed, "classes", variant, "")
    return Measured.over_classes(per_class, len(images), draws, rules.intervals.draws)


def set_metrics(
    generated: np.ndarray,
    train: np.ndarray,
    labels: np.ndarray | None = None,
    protocol: Rules = "v2",
    seed: Seed = 0,
) -> dict[str, Measured]:
    """``fid``, ``kid``, ``precision`` and ``recall`` of generated images, on one evaluator.

    All but KID depend on the numbers of images: compare only sets of the same sizes.

    Args:
        generated, train: features (N, D) and (M, D), as from :func:`features_of`.
        labels: int (N,) of the generated images; without, all of them are scored, and the groups
            of the jackknife intervals are not even within classes.

    Returns:
        Where there are too few images for a metric its value is None and ``note`` says so.

    Raises:
        UserError: features that are empty, not finite or of different width; labels that are not
            one per image.
    """
    generated, train = _array("generated", generated), _array("train", train)
    rules = _rules(protocol)
    check_features(generated=generated, train=train)
    generated, labels = _chosen("generated", generated, labels, rules)
    count, groups = rules.intervals.groups, None
    if len(generated) >= count:
        groups = jackknife_groups(labels, count, _draws("fidelity", seed, "groups"))
    return {
        "fid": fid(generated, train, groups),
        "kid": kid(generated, train, _draws("fidelity", seed, "subsets")),
        **precision_recall(generated, train, groups=groups),
    }


def probe(
    codes: np.ndarray,
    labels: np.ndarray,
    held_out: tuple[np.ndarray, np.ndarray] | None = None,
    kind: str = "linear",
    code: str = "z_s",
    seed: Seed = 0,
) -> Probe:
    """How much of the label a probe reads from codes (Sections 3.2 and 4.1).

    Args:
        codes: float (N, d) to train on.
        labels: int (N,) of their images.
        held_out: codes and labels to score; without, a fifth of every class, drawn at random.
        kind: "linear" (multinomial logistic regression) or "mlp", see
            :mod:`eval.metrics.disentanglement.probes`.
        code: what the codes are called, for the draws of a score row's probe.

    Raises:
        UserError: codes or labels of a wrong dtype or shape, NaN, classes too small to hold out
            from, a held-out class that does not occur in training.
    """
    codes, labels = _array("codes", codes), _array("labels", labels)
    if kind not in KINDS:
        raise UserError(
            f"kind: expected one of {', '.join(KINDS)}, found '{kind}'.{nearest(kind, KINDS)}"
        )
    if held_out is None:
        check_classes("labels", labels, codes)
        draws = _draws("codes", seed, "held out", code)
        chosen = jackknife_groups(labels, PARTS, draws) == 0
        held_out = codes[chosen], labels[chosen]
        codes, labels = codes[~chosen], labels[~chosen]
    draws = _draws("codes", seed, "label", code, kind)
    found = label_probe(codes, labels, *map(np.asarray, held_out), kind, draws)
    return Probe(Measured.share(found.score, found.n), found.chance, found.converged)


def _array(name: str, values: np.ndarray) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise UserError(
            f"{name}: expected one array, found parts of several shapes; bring them to one first, "
            "images to one size"
        ) from error


def _rules(protocol: Rules) -> Protocol:
    if isinstance(protocol, Protocol):
        return protocol
    return load_protocol(protocol_file({"protocol": str(protocol)}, CONFIG))


def _draws(family: str, seed: Seed, *more: str) -> np.random.Generator:
    """Return the generator that the family of score rows has; see eval.request."""
    parts = seed if isinstance(seed, tuple) else (seed,)
    return numpy_generator(ScoreRequest.stage, family, *parts, *more)


def _chosen(
    name: str, values: np.ndarray, labels: np.ndarray | None, rules: Protocol
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the protocol scores of ``values``, (N, ...), and its labels, 0 where unknown."""
    if labels is None:
        return values, np.zeros(len(values), np.int64)
    labels = np.asarray(labels)
    check_labels(name, labels, values)
    kept = evenly_per_class(labels, rules.samples_per_class(len(np.unique(labels))))
    return values[kept], labels[kept]

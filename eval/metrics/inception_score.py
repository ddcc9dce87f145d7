"""Scores of the evaluator's logits: Inception Score, label fidelity, agreement; with NumPy alone.

Feature sets hold the logits, so that a score of them needs neither a network nor torch, whose
import takes longer than the score. Logits are (N, M, C), of M members of an ensemble; those of a
single classifier may be (N, C). Scores are means over the members of each member's own score, and
`measured_*` functions return first that mean and then, of several members, the score by each.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from dlvae.stage.errors import UserError
from eval.metrics.intervals import (
    delete_a_group,
    jackknife,
    jackknife_groups,
    over_judges,
    proportion,
)
from eval.metrics.measured import Measured, check_labels

if TYPE_CHECKING:
    from eval.protocol import Protocol

BLOCK = 4096  # images whose probabilities are held in float64 at a time
_SHUFFLE = 2020  # torch-fidelity's order of the images before it splits them


def by_member(logits: np.ndarray) -> np.ndarray:
    """Return logits as (N, M, C); those of a single classifier are (N, C) before.

    Raises:
        UserError: another number of axes.
    """
    if logits.ndim not in (2, 3):
        raise UserError(
            f"logits: expected (N, C), or (N, M, C) of an ensemble, found shape {logits.shape}"
        )
    return logits[:, None] if logits.ndim == 2 else logits


def inception_of_logits(
    logits: np.ndarray, part_of: np.ndarray | None = None, leave_out: bool = False
) -> np.ndarray:
    """Inception Score, exp(E_x KL(p(y|x) || p(y))), of parts of a set of images by each member.

    Args:
        logits: of the evaluator, (N, M, C).
        part_of: int (N,) in 0..P-1, the part that each image is in; None for a single one.
        leave_out: score all images together, and then all without each part.

    Returns:
        float64 (P, M), or with ``leave_out`` (1 + P, M).

    Raises:
        UserError: logits that are not finite.
    """
    logits = by_member(logits)
    part_of = np.zeros(len(logits), np.int64) if part_of is None else part_of
    parts = int(part_of.max()) + 1
    # Sums over the images of each part of p log p, and of p.
    entropy, p = np.zeros((parts, logits.shape[1])), np.zeros((parts, *logits.shape[1:]))
    n = np.bincount(part_of)[:, None]
    for part in range(parts):
        chosen = np.flatnonzero(part_of == part)
        for start in range(0, len(chosen), BLOCK):
            block = logits[chosen[start : start + BLOCK]].astype(np.float64)
            if not np.isfinite(block).all():
                raise UserError(
                    "logits: expected finite numbers, found NaN or infinity; score them again"
                )
            of_classes = special.softmax(block, axis=2)
            entropy[part] += (of_classes * special.log_softmax(block, axis=2)).sum(axis=(0, 2))
            p[part] += of_classes.sum(axis=0)
    if leave_out:
        # The differences of p are never below 0: a rounded sum is no smaller than any of its parts.
        entropy, p, n = (
            np.concatenate([sums.sum(axis=0, keepdims=True), sums.sum(axis=0) - sums])
            for sums in (entropy, p, n)
        )
    marginal = p / n[..., None]
    return np.exp(entropy / n - special.xlogy(marginal, marginal).sum(axis=-1))


def split_of(n: int, splits: int) -> np.ndarray:
    """Return the split that each of n images is in, int (n,); torch-fidelity's if several.

    Raises:
        UserError: more splits than images.
    """
    if not 1 <= splits <= n:
        raise UserError(f"splits: expected 1 to {n} (the images), found {splits}")
    order = np.random.RandomState(_SHUFFLE).permutation(n)
    ends = np.arange(1, splits) * n // splits
    found = np.empty(n, np.int64)
    found[order] = np.searchsorted(ends, np.arange(n), side="right")
    return found


def measured_inception_score(
    logits: np.ndarray, labels: np.ndarray, rules: Protocol, draws: np.random.Generator
) -> list[Measured]:
    """Inception Score (see :func:`inception_of_logits`) with its jackknife intervals over images.

    It is the mean over the protocol's splits; ``parts`` of the mean over members are the scores of
    the splits. The interval of that mean is widened by the spread of the members. There is no
    interval of a score of several splits, which is another score, or of fewer images than groups.

    Args:
        labels: int (N,), the class asked for.
        rules: its splits (1 is the paper's protocol), and the groups of images, about 20, that the
            jackknife leaves out in turn.
        draws: of the groups.

    Raises:
        UserError: more splits than images, or logits that are not finite.
    """
    splits, groups = rules.inception.splits, rules.intervals.groups
    logits, n = by_member(logits), len(logits)
    check_labels("logits", labels, logits)
    by_split = inception_of_logits(logits, split_of(n, splits))
    members, of_splits = by_split.mean(axis=0), tuple(by_split.mean(axis=1).tolist())
    score = float(np.mean(members))
    if splits > 1 or n < groups:
        found = [Measured(score, n, parts=of_splits)]
        return found + [Measured(float(member), n) for member in members] * (len(members) > 1)
    group_of = jackknife_groups(labels, groups, draws)
    kept = inception_of_logits(logits, group_of, leave_out=True)
    full, left_out = kept[0], kept[1:]
    whole = over_judges(jackknife(full.mean(), left_out.mean(axis=1)), full)
    found = [Measured.sure(score, n, whole, of_splits)]
    by_one = zip(members, full, left_out.T, strict=True)
    alone = [Measured.sure(member, n, jackknife(*parts)) for member, *parts in by_one]
    return found + alone * (len(alone) > 1)


def top_class(logits: np.ndarray) -> np.ndarray:
    """Return the class of the largest probability, int (N,), in the mean over members."""
    return special.softmax(by_member(logits).astype(np.float64), axis=2).mean(axis=1).argmax(axis=1)


def check_known(labels: np.ndarray, logits: np.ndarray) -> None:
    """Refuse labels that are not one for each of the logits (N, M, C), in 0..C-1."""
    check_labels("logits", labels, logits)
    if labels.min() < 0 or labels.max() >= logits.shape[2]:
        raise UserError(
            f"labels out of range: expected 0 to {logits.shape[2] - 1}, the classes of the logits, "
            f"found {labels.min()} to {labels.max()}; judge by an evaluator of the same data set"
        )


def hits(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether each member's top-1 class is the class asked for, bool (N, M).

    Args:
        labels: int (N,) in 0..C-1.

    Raises:
        UserError: labels that are not one per image, or that the evaluator has not.
    """
    logits = by_member(logits)
    check_known(labels, logits)
    return logits.argmax(axis=2) == labels[:, None]


def measured_label_fidelity(
    logits: np.ndarray, labels: np.ndarray, *_unused: object
) -> list[Measured]:
    """Share of images whose top-1 class is the class asked for, with Wilson intervals.

    That of the mean is widened by the spread of the members. No rule has a part in it, and nothing
    is drawn.
    """
    right = hits(logits, labels)
    n, shares = len(right), right.mean(axis=0)
    # Of a mean of shares of the same n images; the count need not be whole.
    whole = over_judges(proportion(right.sum() / right.shape[1], n), shares)
    members = [Measured.share(share, n) for share in shares]
    return [Measured.sure(shares.mean(), n, whole)] + members * (len(members) > 1)


def agreement(logits: np.ndarray) -> np.ndarray | None:
    """Share of the pairs of members that see one top-1 class, by image, float64 (N,).

    Its mean is the agreement of the judges on a set of images. None of a single classifier.
    """
    top = by_member(logits).argmax(axis=2)
    if top.shape[1] < 2:
        return None
    return np.mean([one == other for one, other in combinations(top.T, 2)], axis=0)


def measured_agreement(
    logits: np.ndarray, labels: np.ndarray, rules: Protocol, draws: np.random.Generator
) -> list[Measured]:
    """Mean of `agreement` over images with its jackknife interval; none of a single classifier."""
    if (per_image := agreement(logits)) is None:
        return []
    group_of = jackknife_groups(labels, rules.intervals.groups, draws)
    interval = delete_a_group(lambda kept: float(per_image[kept].mean()), group_of)
    return [Measured.sure(per_image.mean(), len(per_image), interval)]


JUDGED = {
    "inception_score": measured_inception_score,
    "label_fidelity": measured_label_fidelity,
    "judge_agreement": measured_agreement,
}
"""What is measured of a judge's logits, by metric; all take (logits, labels, rules, draws)."""

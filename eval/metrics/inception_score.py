"""Scores of the evaluator's logits: Inception Score, label fidelity, agreement; with NumPy alone.

Feature sets hold the logits, so that a score of them needs neither a network nor torch, whose
import takes longer than the score. Logits are (N, M, C), of M members of an ensemble; those of a
single classifier may be (N, C). Scores are means over the members of each member's own score, and
`measured_*` functions return first that mean, then the score by each member.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

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

BLOCK = 4096  # images whose probabilities are held in float64 at a time
_SHUFFLE = 2020  # torch-fidelity's order of the images before it splits them


@dataclass(frozen=True)
class InceptionResult:
    """Inception Score of a set of images.

    Attributes:
        score: exp(E_x KL(p(y|x) || p(y))), the mean over members and splits.
        spread: standard deviation over splits of the mean over members; 0 for one split.
        members: score by each member, (M,).
    """

    score: float
    spread: float
    members: tuple[float, ...]


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


def inception_of_logits(logits: np.ndarray, splits: int = 1) -> InceptionResult:
    """Inception Score of images from the evaluator's logits (N, M, C), in float64.

    Args:
        splits: parts that are scored apart and averaged (1 = the paper's protocol); which image
            is in which is as in torch-fidelity.

    Raises:
        UserError: more splits than images, or logits that are not finite.
    """
    logits = by_member(logits)
    n = len(logits)
    if not 1 <= splits <= n:
        raise UserError(f"splits: expected 1 to {n} (the images), found {splits}")
    order = np.arange(n) if splits == 1 else np.random.RandomState(_SHUFFLE).permutation(n)
    ends = [part * n // splits for part in range(splits + 1)]
    parts = [order[start:end] for start, end in zip(ends, ends[1:], strict=False)]
    scores = np.array([score_of_sums(*probability_sums(logits, part)) for part in parts])
    members = tuple(scores.mean(axis=0).tolist())
    return InceptionResult(float(np.mean(members)), float(np.std(scores.mean(axis=1))), members)


def probability_sums(logits: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the sums over images of p log p, float64 (M,), and p, (M, C), and their number."""
    entropy, total = np.zeros(logits.shape[1]), np.zeros(logits.shape[1:])
    for start in range(0, len(chosen), BLOCK):
        block = logits[chosen[start : start + BLOCK]].astype(np.float64)
        if not np.isfinite(block).all():
            raise UserError(
                "logits: expected finite numbers, found NaN or infinity; score them again"
            )
        p = special.softmax(block, axis=2)
        entropy += (p * special.log_softmax(block, axis=2)).sum(axis=(0, 2))
        total += p.sum(axis=0)
    return entropy, total, len(chosen)


def score_of_sums(entropy: np.ndarray, p: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Inception Score from the sums of p log p, (...), of p, (..., C), and counts, (...)."""
    marginal = p / np.asarray(n)[..., None]
    return np.exp(entropy / n - special.xlogy(marginal, marginal).sum(axis=-1))


def measured_inception_score(
    logits: np.ndarray,
    labels: np.ndarray,
    splits: int,
    groups: int,
    generator: np.random.Generator,
) -> list[Measured]:
    """Inception Score (see :func:`inception_of_logits`) with its jackknife intervals over images.

    That of the mean is widened by the spread of the members. There is no interval of a score of
    several splits, which is another score, or of fewer images than groups.

    Args:
        labels: int (N,), the class asked for.
        groups: number of groups, about 20; the scores without each are had in one pass.
    """
    logits, n = by_member(logits), len(logits)
    check_labels("logits", labels, logits)
    found = inception_of_logits(logits, splits)
    scores = found.score, *found.members
    if splits > 1 or n < groups:
        return [Measured(score, n) for score in scores]
    group_of = jackknife_groups(labels, groups, generator)
    sums = [probability_sums(logits, np.flatnonzero(group_of == g)) for g in range(groups)]
    entropy, p, count = (np.array(part) for part in zip(*sums, strict=True))
    full = score_of_sums(entropy.sum(axis=0), p.sum(axis=0), count.sum())
    # The differences of p are never below 0: a rounded sum is no smaller than any of its parts.
    kept = (count.sum() - count)[:, None]
    left_out = score_of_sums(entropy.sum(axis=0) - entropy, p.sum(axis=0) - p, kept)
    intervals = [over_judges(jackknife(full.mean(), left_out.mean(axis=1)), full)]
    intervals += [jackknife(*pair) for pair in zip(full, left_out.T, strict=True)]
    return [Measured.sure(s, n, interval) for s, interval in zip(scores, intervals, strict=True)]


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


def measured_label_fidelity(logits: np.ndarray, labels: np.ndarray) -> list[Measured]:
    """Share of images whose top-1 class is the class asked for, with Wilson intervals.

    That of the mean is widened by the spread of the members.
    """
    right = hits(logits, labels)
    n, shares = len(right), right.mean(axis=0)
    # Of a mean of shares of the same n images; the count need not be whole.
    whole = over_judges(proportion(right.sum() / right.shape[1], n), shares)
    members = [Measured.share(share, n) for share in shares]
    return [Measured.sure(shares.mean(), n, whole), *members]


def agreement(logits: np.ndarray) -> np.ndarray | None:
    """Share of the pairs of members that see one top-1 class, by image, float64 (N,).

    Its mean is the agreement of the judges on a set of images. None of a single classifier.
    """
    top = by_member(logits).argmax(axis=2)
    if top.shape[1] < 2:
        return None
    return np.mean([one == other for one, other in combinations(top.T, 2)], axis=0)


def measured_agreement(
    logits: np.ndarray, labels: np.ndarray, groups: int, generator: np.random.Generator
) -> Measured:
    """Mean of `agreement` over images, of an ensemble, with its jackknife interval."""
    per_image = agreement(logits)
    group_of = jackknife_groups(labels, groups, generator)
    interval = delete_a_group(lambda kept: float(per_image[kept].mean()), group_of)
    return Measured.sure(per_image.mean(), len(per_image), interval)

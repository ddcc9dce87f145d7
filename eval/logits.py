"""Scores of the evaluator's logits: Inception Score and label fidelity, with NumPy alone.

Feature sets hold the logits, so that a score of them needs neither a network nor torch, whose
import takes longer than the score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from dlvae.errors import UserError

BLOCK = 4096  # images whose probabilities are held in float64 at a time
_SHUFFLE = 2020  # torch-fidelity's order of the images before it splits them


@dataclass(frozen=True)
class InceptionResult:
    """Inception Score of a set of images.

    Attributes:
        score: exp(E_x KL(p(y|x) || p(y))), the mean over splits.
        spread: standard deviation over splits; 0 for one split.
    """

    score: float
    spread: float


def inception_of_logits(logits: np.ndarray, splits: int = 1) -> InceptionResult:
    """Inception Score of images from the evaluator's logits (N, C), in float64.

    Args:
        splits: parts that are scored apart and averaged (1 = the paper's protocol); which image
            is in which is as in torch-fidelity.

    Raises:
        UserError: more splits than images, or logits that are not finite.
    """
    n = len(logits)
    if not 1 <= splits <= n:
        raise UserError(f"splits: expected 1 to {n} (the images), found {splits}")
    order = np.arange(n) if splits == 1 else np.random.RandomState(_SHUFFLE).permutation(n)
    ends = [part * n // splits for part in range(splits + 1)]
    members = [order[start:end] for start, end in zip(ends, ends[1:], strict=False)]
    scores = [float(score_of_sums(*probability_sums(logits, part))) for part in members]
    return InceptionResult(float(np.mean(scores)), float(np.std(scores)))


def probability_sums(logits: np.ndarray, members: np.ndarray) -> tuple[float, np.ndarray, int]:
    """Return the sum of p log p, that of p, float64 (C,), and the number of the members."""
    entropy, total = 0.0, np.zeros(logits.shape[1])
    for start in range(0, len(members), BLOCK):
        block = logits[members[start : start + BLOCK]].astype(np.float64)
        if not np.isfinite(block).all():
            raise UserError(
                "logits: expected finite numbers, found NaN or infinity; score them again"
            )
        p = special.softmax(block, axis=1)
        entropy += float((p * special.log_softmax(block, axis=1)).sum())
        total += p.sum(axis=0)
    return entropy, total, len(members)


def score_of_sums(entropy: np.ndarray, p: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Inception Score from the sums of p log p, (...), of p, (..., C), and counts, (...)."""
    marginal = p / np.asarray(n)[..., None]
    return np.exp(entropy / n - special.xlogy(marginal, marginal).sum(axis=-1))


def label_fidelity(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of images whose top-1 class is the class asked for.

    Args:
        logits: (N, C).
        labels: int (N,) in 0..C-1.
    """
    if labels.shape != (len(logits),):
        raise UserError(f"expected {len(logits)} labels, found shape {labels.shape}")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise UserError(
            f"labels out of range: expected 0 to {logits.shape[1] - 1} (the evaluator's classes), "
            f"found {labels.min()} to {labels.max()}"
        )
    return float(np.mean(logits.argmax(axis=1) == labels))

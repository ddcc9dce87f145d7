"""Inception Score and label fidelity of sample sets (Section 4.2 of the paper)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import nn

from dlvae.artefact import load_samples
from dlvae.errors import UserError
from eval.evaluator.load import load_evaluator
from eval.fidelity import InceptionResult, score_inception


def inception(
    samples: np.ndarray | str | Path, evaluator: nn.Module | str | Path, splits: int = 1
) -> InceptionResult:
    """Score, spread over splits, and the logits behind them, from one pass over the samples.

    Args:
        samples: uint8 (N, H, W, 3), or the path of a sample set (``images`` and ``labels``).
        evaluator: folder of a trained evaluator, or a module in evaluation mode that maps float
            (B, 3, H, W) in [-1, 1] to (features, logits).
        splits: 1, the paper's protocol, scores the whole set at once.

    Raises:
        UserError: samples of a wrong dtype, shape or size; no readable evaluator.
    """
    images = samples if isinstance(samples, np.ndarray) else load_samples(samples)[0]
    module = evaluator if isinstance(evaluator, nn.Module) else load_evaluator(evaluator)
    return score_inception(images, module, splits)


def inception_score(
    samples: np.ndarray | str | Path, evaluator: nn.Module | str | Path, splits: int = 1
) -> float:
    """exp(E_x KL(p(y|x) || p(y))), between 1 and the number of classes; see :func:`inception`."""
    return inception(samples, evaluator, splits).score


def label_fidelity(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of images whose top-1 class is the class asked for.

    Args:
        logits: (N, C), as in :class:`eval.fidelity.InceptionResult`.
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

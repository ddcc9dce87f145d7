"""Inception Score of sample sets (Section 4.2 of the paper)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import nn

from dlvae.stage.artefact import load_samples
from eval.judge.load import load_evaluator
from eval.judge.predict import extract
from eval.metrics.logits import inception_of_logits


def inception_score(
    samples: np.ndarray | str | Path, evaluator: nn.Module | str | Path, splits: int = 1
) -> float:
    """exp(E_x KL(p(y|x) || p(y))), between 1 and the number of classes.

    Args:
        samples: uint8 (N, H, W, 3), or the path of a sample set (``images`` and ``labels``).
        evaluator: folder of a trained evaluator, or a module in evaluation mode that maps float
            (B, 3, H, W) in [-1, 1] to (features, logits); logits of an ensemble are (B, M, C).
        splits: 1, the paper's protocol, scores the whole set at once.

    Raises:
        UserError: samples of a wrong dtype, shape or size; no readable evaluator.
    """
    images = samples if isinstance(samples, np.ndarray) else load_samples(samples)[0]
    module = evaluator if isinstance(evaluator, nn.Module) else load_evaluator(evaluator)
    return inception_of_logits(extract(images, module).logits, splits).score

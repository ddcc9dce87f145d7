"""Probes: what a classifier or regressor, trained afterwards on frozen codes, reads from them.

Claims "the label is in z_s and not in z_u" (Sections 3.2 and 4.1 of the paper). All settings are
fixed here, before any code is seen: codes are standardised by the training codes, so that the
scale of a dimension does not matter; a constant dimension is left as it is.

- linear: logistic or ridge regression with scikit-learn's penalty of 1;
- mlp: one hidden layer of 128 ReLU units, Adam at 1e-3, batches of 64, at most 200 epochs or 4000
  updates, whichever is more. It stops when a tenth of the training codes, set aside, got no better
  for 20 epochs or 1500 updates, whichever is more, and keeps the weights that were best on them: a
  probe that learns its codes by heart would find less of the label than there is, and so would one
  that is given up for the chance of few codes set aside.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dlvae.stage.errors import UserError
from eval.metrics.measured import ENCODE, check_classes, check_features, check_matrix

KINDS = ("linear", "mlp")
TRAINING_ROWS = 20_000
"""More training codes than this are thinned out at random."""

FEWEST_TARGETS = 20  # so that the tenth that is set aside has an R^2
_LINEAR = {"max_iter": 500}
_MLP = {"hidden_layer_sizes": (128,), "learning_rate_init": 1e-3, "early_stopping": True}
_EPOCHS, _UPDATES = 200, 4_000
_PATIENCE_EPOCHS, _PATIENCE_UPDATES = 20, 1_500
_BATCH = 64
_SET_ASIDE = 0.1
_CHECK_DATA = "take one number per image from the prepared data set"


@dataclass(frozen=True)
class Probed:
    """What a probe found in held-out codes.

    Attributes:
        score: of labels, the share of codes whose label is found, in [0, 1]; of numbers, R^2 =
            1 - residual / total sum of squares, of which 1 is perfect and below 0 worse than the
            mean.
        n: held-out codes.
        converged: False if the training stopped at its limit of iterations; the score is then a
            lower bound of what such a probe can reach. A ridge regression always does.
        chance: share of the largest class among held-out labels, which a probe that sees no code
            can reach; 0, as the mean reaches, of R^2.
    """

    score: float
    n: int
    converged: bool
    chance: float = 0.0


def label_probe(
    train_codes: np.ndarray,
    train_labels: np.ndarray,
    codes: np.ndarray,
    labels: np.ndarray,
    kind: str,
    draws: np.random.Generator | int,
) -> Probed:
    """Train a classifier of the label on training codes, score it on held-out codes.

    Args:
        train_codes, codes: float (N, d) of training and of held-out images.
        train_labels, labels: int (N,); every held-out class occurs in training.
        kind: "linear" (multinomial logistic regression) or "mlp".
        draws: picks the training codes above `TRAINING_ROWS` (in proportion to the classes), and
            whatever is random in the training.

    Raises:
        UserError: lengths that do not match, NaN, one class only, a class with one training code
            or none.
    """
    _check_codes(train_codes, codes, kind)
    check_classes("training labels", train_labels, train_codes)
    check_classes("held-out labels", labels, codes)
    _check_held_out(train_labels, labels)
    draws = np.random.default_rng(draws)
    x, y = subsample(TRAINING_ROWS, draws, (train_codes, train_labels), stratify=train_labels)
    if kind == "linear":
        model = LogisticRegression(**_LINEAR)
    else:
        # Two codes at least, where a tenth is less: scikit-learn sets one of either class aside.
        share = max(_SET_ASIDE, 1.5 / len(y))
        model = MLPClassifier(**_mlp(len(y), draws), validation_fraction=share)
    probe = make_pipeline(StandardScaler(), model)
    _fit(probe, x, y)
    return Probed(
        float(np.mean(probe.predict(codes.astype(np.float64)) == labels)),
        len(labels),
        bool(np.max(model.n_iter_) < model.max_iter),
        float(np.bincount(labels).max() / len(labels)),
    )


def regression_probe(
    train_codes: np.ndarray,
    train_targets: np.ndarray,
    codes: np.ndarray,
    targets: np.ndarray,
    kind: str,
    draws: np.random.Generator | int,
) -> Probed:
    """Train a regressor of one number per image on training codes, score it on held-out codes.

    Args: as for :func:`label_probe`, but
        train_targets, targets: float (N,), such as the position within an arc of the toy data.
        kind: "linear" (ridge regression) or "mlp".

    Raises:
        UserError: lengths that do not match, NaN, fewer than `FEWEST_TARGETS` training codes, a
            held-out target that is constant and so has no R^2.
    """
    _check_codes(train_codes, codes, kind)
    check_matrix(train_targets[:, None], "training targets", len(train_codes), _CHECK_DATA)
    check_matrix(targets[:, None], "held-out targets", len(codes), _CHECK_DATA)
    if len(train_targets) < FEWEST_TARGETS:
        raise UserError(
            f"expected at least {FEWEST_TARGETS} training codes for a regression, found "
            f"{len(train_targets)}; use more training images"
        )
    if targets.min() == targets.max():
        raise UserError(
            f"held-out targets: expected different values, found {targets[0]} alone; a constant "
            "target has no R^2, use more images or another target"
        )
    draws = np.random.default_rng(draws)
    x, y = subsample(TRAINING_ROWS, draws, (train_codes, train_targets))
    model = Ridge()
    if kind == "mlp":
        model = MLPRegressor(**_mlp(len(y), draws), validation_fraction=_SET_ASIDE)
    probe = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), model), transformer=StandardScaler()
    )
    _fit(probe, x, y.astype(np.float64))
    fitted = probe.regressor_[-1]
    return Probed(
        float(r2_score(targets.astype(np.float64), probe.predict(codes.astype(np.float64)))),
        len(targets),
        kind == "linear" or fitted.n_iter_ < fitted.max_iter,
    )


def _check_codes(train_codes: np.ndarray, codes: np.ndarray, kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, found {kind!r}")
    check_features(ENCODE, **{"training codes": train_codes, "held-out codes": codes})


def _check_held_out(train_labels: np.ndarray, labels: np.ndarray) -> None:
    classes, counts = np.unique(train_labels, return_counts=True)
    if counts.min() < 2:
        raise UserError(
            f"training labels: expected at least 2 codes of every class, found 1 of class "
            f"{classes[counts.argmin()]}; use more training images"
        )
    unseen = np.setdiff1d(labels, classes)
    if len(unseen):
        raise UserError(
            f"held-out labels: expected classes that occur in training, found class {unseen[0]}; "
            "probe held-out images of the classes trained on"
        )


def _mlp(rows: int, draws: np.random.Generator) -> dict:
    batch = min(_BATCH, rows // 2)  # at least half of the rows are left to train on
    per_epoch = math.ceil((1 - _SET_ASIDE) * rows / batch)
    limits = {
        "max_iter": max(_EPOCHS, math.ceil(_UPDATES / per_epoch)),
        "n_iter_no_change": max(_PATIENCE_EPOCHS, math.ceil(_PATIENCE_UPDATES / per_epoch)),
    }
    return _MLP | limits | {"batch_size": batch, "random_state": random_state(draws)}


def _fit(probe, x: np.ndarray, y: np.ndarray) -> None:
    """Fit in float64, where the solver of the linear probe converges reliably."""
    with warnings.catch_warnings():
        # Reported as `converged`.
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(x.astype(np.float64), y)


def random_state(draws: np.random.Generator) -> int:
    """Draw a seed in the range that scikit-learn takes."""
    return int(draws.integers(2**32))


def subsample(
    limit: int,
    draws: np.random.Generator,
    arrays: Sequence[np.ndarray],
    stratify: np.ndarray | None = None,
) -> list[np.ndarray]:
    """The same ``limit`` random rows of every array, or the arrays themselves if they are short.

    Args:
        stratify: labels (N,) whose shares are kept; every class has two rows or more.
    """
    if len(arrays[0]) <= limit:
        return list(arrays)
    state, rows = random_state(draws), np.arange(len(arrays[0]))
    kept, _ = train_test_split(rows, train_size=limit, stratify=stratify, random_state=state)
    return [array[kept] for array in arrays]

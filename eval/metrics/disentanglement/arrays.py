"""What every measure asks of its arrays, and how rows are drawn from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import train_test_split

from dlvae.stage.errors import UserError

Draws = np.random.Generator | int
"""Where randomness comes from: a generator, or a seed of one."""

ENCODE_AGAIN = "encode the images again with a trained model"


def check_matrix(
    values: np.ndarray, name: str, rows: int | None = None, fix: str = ENCODE_AGAIN
) -> None:
    """Refuse anything but finite floats (N, d) with N, d > 0, and N = ``rows`` unless None.

    ``fix`` ends the message: what to do about it.
    """
    if values.ndim != 2 or 0 in values.shape or not np.issubdtype(values.dtype, np.floating):
        raise UserError(
            f"{name}: expected floats of shape (N, d) with N, d > 0, found {values.dtype} of shape "
            f"{values.shape}; {fix}"
        )
    if rows is not None and len(values) != rows:
        raise UserError(
            f"{name}: expected {rows} rows, found {len(values)}; take all arrays from the same "
            "images and the same model"
        )
    if not np.isfinite(values).all():
        raise UserError(f"{name}: expected finite values, found NaN or infinity; {fix}")


def check_same_width(values: np.ndarray, other: np.ndarray, names: str) -> None:
    """Refuse two matrices with different numbers of columns."""
    if values.shape[1] != other.shape[1]:
        raise UserError(
            f"{names}: expected the same number of dimensions, found {values.shape[1]} and "
            f"{other.shape[1]}; {ENCODE_AGAIN}"
        )


def check_labels(labels: np.ndarray, name: str, rows: int) -> None:
    """Refuse anything but ``rows`` integer labels, none negative, of two classes or more."""
    if labels.shape != (rows,) or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            f"{name}: expected {rows} integer labels, one per code, found {labels.dtype} of shape "
            f"{labels.shape}; take codes and labels of the same images"
        )
    if labels.min() < 0:
        raise UserError(
            f"{name}: expected labels >= 0, found {labels.min()}; use a labelled data set"
        )
    if labels.min() == labels.max():
        raise UserError(
            f"{name}: expected two classes or more, found class {labels.min()} alone; use images "
            "of several classes"
        )


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
    kept, _ = train_test_split(
        np.arange(len(arrays[0])),
        train_size=limit,
        stratify=stratify,
        random_state=random_state(draws),
    )
    return [array[kept] for array in arrays]

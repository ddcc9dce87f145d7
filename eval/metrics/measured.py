"""A measured value and how sure it is, and the checks of the arrays that are measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlvae.stage.errors import UserError
from eval.metrics.intervals import (
    T_IMAGES,
    T_PATHS,
    Interval,
    over_classes,
    proportion,
    t_interval,
)
from eval.rows import NONE

EVALUATE = "take them from a trained evaluator"
ENCODE = "encode the images again with a trained model"


@dataclass(frozen=True)
class Measured:
    """A value and how sure it is.

    Attributes:
        value: None where it cannot be measured; `note` then says why, e.g. "needs n > 64".
        n: what it was measured on: images, or grid cells.
        low, high: ends of the interval, NaN where there is none; as NaN is not equal to itself,
            two measurements are the same where their representations are.
        kind: how the interval was made; see :mod:`eval.metrics.intervals`.
        parts: values behind it, if any: of every class, of subsets that have no image in common,
            or without each group of images.
    """

    value: float | None
    n: int
    low: float = math.nan
    high: float = math.nan
    kind: str = NONE
    note: str = ""
    parts: tuple[float, ...] | None = None

    @classmethod
    def sure(
        cls,
        value: float,
        n: int,
        interval: Interval | None,
        parts: tuple[float, ...] | None = None,
    ) -> Measured:
        """Return a value with its interval, if there is one."""
        if interval is None:
            return cls(float(value), n, parts=parts)
        ends = interval.low, interval.high, interval.kind
        return cls(float(value), n, *ends, parts=parts)

    @classmethod
    def share(cls, value: float, n: int) -> Measured:
        """Return a share of n images that are right or wrong each by itself (Wilson)."""
        return cls.sure(value, n, proportion(round(value * n), n))

    @classmethod
    def mean_over_images(cls, values: np.ndarray) -> Measured:
        """Return the mean of one value per image, (N,)."""
        return cls.sure(values.mean(), len(values), t_interval(values, T_IMAGES))

    @classmethod
    def mean_of(cls, per_path: np.ndarray, n: int) -> Measured:
        """Return a mean over paths or traversals of equally many images, drawn apart.

        Paths that all agree have no interval: they do not tell how far others may lie.
        """
        spread = np.ptp(per_path) > 0
        return cls.sure(np.mean(per_path), n, t_interval(per_path, T_PATHS) if spread else None)

    @classmethod
    def over_classes(
        cls, per_class: Sequence[float], n: int, draws: np.random.Generator, resamples: int
    ) -> Measured:
        """Return the mean of one value per class; the interval is of ``resamples`` of classes."""
        interval = over_classes(per_class, draws, resamples)
        return cls.sure(np.mean(per_class), n, interval, tuple(per_class))

    @classmethod
    def missing(cls, n: int, found: int, needs: int, of: str) -> Measured:
        """Return no value: ``found`` images of a set or class, ``of``, where ``needs`` must be."""
        return cls(None, n, note=f"n/a (n = {found}, needs {needs} {of})")


def check_matrix(values: np.ndarray, name: str, rows: int | None = None, fix: str = ENCODE) -> None:
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


def check_features(fix: str = EVALUATE, **sets: np.ndarray) -> None:
    """Refuse sets of features or codes, by name, unless finite floats (N, D) of one D, N, D > 0."""
    for name, features in sets.items():
        check_matrix(features, name, fix=fix)
    widths = {name: features.shape[1] for name, features in sets.items()}
    if len(set(widths.values())) > 1:
        found = ", ".join(f"{width} ({name})" for name, width in widths.items())
        raise UserError(
            f"expected the same number of dimensions, found {found}; take all of them from the "
            "same evaluator or model"
        )


def check_labels(name: str, labels: np.ndarray, features: np.ndarray) -> None:
    """Refuse labels that are not one integer for each of the ``features``."""
    if labels.shape != (len(features),) or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            f"{name}: expected {len(features)} integer labels, one per image, found {labels.dtype} "
            f"of shape {labels.shape}; hand in the labels of the same file as the images"
        )


def check_classes(name: str, labels: np.ndarray, codes: np.ndarray) -> None:
    """Refuse labels that are not one integer per code, none negative, of two classes or more."""
    check_labels(name, labels, codes)
    if labels.min() < 0:
        raise UserError(
            f"{name}: expected labels >= 0, found {labels.min()}; use a labelled data set"
        )
    if labels.min() == labels.max():
        raise UserError(
            f"{name}: expected two classes or more, found class {labels.min()} alone; use images "
            "of several classes"
        )

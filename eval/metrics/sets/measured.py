"""What a metric of two sets returns, and the checks of what it is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlvae.stage.errors import UserError


@dataclass(frozen=True)
class SetMetric:
    """A number, or the reason why there is none.

    Attributes:
        value: None where the metric needs more images than there are.
        n: generated images that the value is of.
        note: the reason, empty with a value.
        per_class: values of the classes in ascending order of their labels, for metrics that are
            means over classes or shares of images compared within their class.
        subsets: values over subsets that have no image in common, where the metric has them.
        left_out: values without each group of generated images in turn, where groups were given.
    """

    value: float | None
    n: int
    note: str = ""
    per_class: tuple[float, ...] | None = None
    subsets: tuple[float, ...] | None = None
    left_out: tuple[float, ...] | None = None


def unavailable(n: int, found: int, needs: int, of: str) -> SetMetric:
    """Return no number: ``found`` images of a set or class, ``of``, where ``needs`` are needed."""
    return SetMetric(None, n, f"n/a (n = {found}, needs {needs} {of})")


def check_features(**sets: np.ndarray) -> None:
    """Refuse sets of features, by name, that are not finite floats (N, D), N and D > 0, of one D.

    Raises:
        UserError: names the set, what was expected and what was found.
    """
    widths = {}
    for name, features in sets.items():
        if features.ndim != 2 or not np.issubdtype(features.dtype, np.floating):
            raise UserError(
                f"{name}: expected features as floats of shape (N, D), found {features.dtype} of "
                f"shape {features.shape}; take them from the evaluator"
            )
        if 0 in features.shape:
            raise UserError(
                f"{name}: expected at least 1 image and 1 feature, found shape {features.shape}; "
                "hand in a set that has images"
            )
        if not np.isfinite(features).all():
            raise UserError(
                f"{name}: expected finite features, found NaN or infinity; train the evaluator "
                "again with a smaller learning rate"
            )
        widths[name] = features.shape[1]
    if len(set(widths.values())) > 1:
        found = ", ".join(f"{width} ({name})" for name, width in widths.items())
        raise UserError(
            f"expected features of one width, found {found}; take all of them from the same "
            "evaluator"
        )


def check_labels(name: str, labels: np.ndarray, features: np.ndarray) -> None:
    """Refuse labels that are not one integer for each of the ``features``.

    Raises:
        UserError: names the set, what was expected and what was found.
    """
    if labels.shape != (len(features),) or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            f"{name}: expected {len(features)} integer labels, one per image, found {labels.dtype} "
            f"of shape {labels.shape}; hand in the labels of the same file as the images"
        )

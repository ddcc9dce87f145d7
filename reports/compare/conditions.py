"""What a candidate must meet: to be compared at all, and the least values of ``fail_below``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from dlvae.stage.errors import UserError, nearest
from reports.freeze.stored import Part, Stored

MORE_IS_BETTER = ("inception_score", "label_fidelity", "d_intra_standard")
MORE_IS_BETTER += ("d_intra_range_mismatched", "precision", "recall")
LESS_IS_BETTER = ("fid",)
# Values in [0, 1], which pages print in per cent or as they are.
SHARES = ("label_fidelity", "precision", "recall")

Thresholds = dict[tuple[str, str], float]


def thresholds(
    given: Mapping[str, float | Mapping[str, float]],
    datasets: Sequence[str],
    classes: Mapping[str, int] | None = None,
) -> Thresholds:
    """Return the least value by data set and metric.

    Args:
        given: metric to number, which holds on every data set, or data set to such a mapping,
            which goes first there.
        datasets: that are compared.
        classes: how many each of them has, where it is known.

    Raises:
        UserError: an unknown metric, one of which less is better, a data set that is not
            compared, or a value that no candidate could reach.
    """
    everywhere = {key: value for key, value in given.items() if not isinstance(value, Mapping)}
    apart = {key: value for key, value in given.items() if isinstance(value, Mapping)}
    for name in apart:
        if name not in datasets:
            raise UserError(
                f"fail_below: '{name}' is no data set of this comparison: expected one of "
                f"{', '.join(datasets)}.{nearest(name, datasets)} A threshold that nothing is "
                "held against would never fail"
            )
    found = {}
    for dataset in datasets:
        for metric, value in {**everywhere, **apart.get(dataset, {})}.items():
            _check(metric, value, datasets)
            if metric == "inception_score" and value > (classes or {}).get(dataset, value):
                raise UserError(
                    f"fail_below: inception_score is at most the number of classes, "
                    f"{classes[dataset]} of '{dataset}', found {value:g}: no candidate reaches it"
                )
            found[dataset, metric] = float(value)
    return found


def other_protocol(stored: Stored, found: str) -> str:
    """Say that scores are taken in another way than the stored ones."""
    overrides = stored.config.get("bn_eval")
    path = os.path.relpath(stored.folder / Part.PROTOCOL)
    return (
        f"expected the protocol of the stored results, {stored.protocol.label}, found {found}: "
        "samples and scores taken in another way cannot be compared; say --config "
        f"protocol={path} bn_eval={'null' if overrides is None else overrides}"
    )


def _check(metric: str, value: float, datasets: Sequence[str]) -> None:
    if metric in LESS_IS_BETTER:
        raise UserError(
            f"fail_below: of '{metric}' less is better, so no value is too low: expected "
            f"{', '.join(MORE_IS_BETTER)}"
        )
    if metric not in MORE_IS_BETTER:
        known = [*MORE_IS_BETTER, *datasets]
        raise UserError(
            f"fail_below: unknown metric '{metric}': expected {', '.join(MORE_IS_BETTER)}, or a "
            f"data set with such metrics.{nearest(metric, known)}"
        )
    if metric in SHARES and value > 1:
        raise UserError(
            f"fail_below: {metric} is a share between 0 and 1, found {value:g}: write 70 % as 0.7"
        )
    if metric == "d_intra_standard" and value > 1:
        raise UserError(
            f"fail_below: d_intra_standard is at most 1, found {value:g}: no candidate reaches it"
        )

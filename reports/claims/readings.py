"""What the score rows say of one side of a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from eval.families import FAMILY_OF
from eval.metrics.intervals import Interval
from eval.metrics.ranges import Range, range_of
from reports.claims.rules import REAL, Side
from reports.names import dataset_title, model_title
from reports.tables.cells import Cell, cell


@dataclass(frozen=True)
class Scope:
    """What a run could measure.

    Attributes:
        datasets: the toy data included, in printed order.
        agreement: share of a sample set on which two judges must see the same class, by the
            protocol.
        ablated: data set of the ablations; empty if there are none.
        left_out: why a score was not asked for, by (data set, model, family).
    """

    datasets: Sequence[str]
    agreement: float
    ablated: str = ""
    left_out: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """One side of a test on one data set.

    Attributes:
        side: what was measured, or a constant.
        cell: the metric itself; None for a constant, and where it is missing.
        value: what is compared: the metric as the side transforms it.
        n: images or points behind it, each number once.
        seeds: of the trainings; empty for a constant and for real images.
        classes: of the data set.
        reason: why there is nothing to compare; empty if there is.
    """

    side: Side | float
    cell: Cell | None = None
    value: Cell | None = None
    n: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    classes: int = 0
    reason: str = ""


class Readings:
    """What score rows, each score once, say of sides of tests; each is read once."""

    def __init__(self, rows: pd.DataFrame, scope: Scope) -> None:
        self.scope = scope
        self._rows = rows
        self._places = rows.groupby(["dataset", "model", "metric"]).indices
        self._known: dict[tuple, Reading] = {}

    def of(self, side: Side | float, dataset: str, seeds: tuple[int, ...] | None = None) -> Reading:
        """Return what the rows of a data set, or of some seeds, say of a side or a constant."""
        if not isinstance(side, Side):
            return Reading(side)
        if (key := (side, dataset, seeds)) not in self._known:
            self._known[key] = self._read(*key)
        return self._known[key]

    def pair(self, left: Side, right: Side | float, dataset: str) -> tuple[Reading, Reading]:
        """Return what the rows say of two sides that are compared, of the seeds that both have.

        Ablations are trained with the first seed alone, and what they are compared with is then
        read of that seed too. Without a seed in common both are returned as they are.
        """
        found = self.of(left, dataset), self.of(right, dataset)
        one, other = (reading.seeds for reading in found)
        shared = tuple(seed for seed in one if seed in other)
        if not shared or one == other:
            return found
        return self.of(left, dataset, shared), self.of(right, dataset, shared)

    def _read(self, side: Side, dataset: str, seeds: tuple[int, ...] | None) -> Reading:
        name = f"{side.metric} of {model_title(side.model)}"
        places = self._places.get((dataset, side.model, side.metric))
        if places is None:
            key = dataset, side.model, FAMILY_OF[side.metric].name
            why = f": {self.scope.left_out[key]}" if key in self.scope.left_out else ""
            return Reading(side, reason=f"no score {name} on {dataset_title(dataset)}{why}")
        chosen = self._rows.iloc[places].sort_values("seed")
        if seeds is not None:
            chosen = chosen[chosen["seed"].isin(seeds)]
        found = cell(chosen, dataset, side.model, side.metric)
        n = tuple(sorted({int(n) for n in chosen["n"]}))
        if found.reason:
            reason = f"{name} on {dataset_title(dataset)} is {found.reason}"
            return Reading(side, n=n, reason=reason)
        seeds = () if side.model == REAL else tuple(int(seed) for seed in chosen["seed"])
        classes = int(chosen.iloc[0]["classes"])
        value = transformed(side, found, range_of(side.metric, classes))
        return Reading(side, found, value, n, seeds, classes)


def transformed(side: Side, found: Cell, possible: Range) -> Cell:
    """Return times * |value - away_from| + plus of every seed, with the interval that it has.

    The interval of one seed is carried over linearly, without what cannot be, such as a distance
    below 0.

    Args:
        possible: what the value can be.
    """
    centre, possible = side.away_from, possible.changed(side.times, side.away_from, side.plus)
    values = tuple(
        side.times * (v if centre is None else abs(v - centre)) + side.plus for v in found.values
    )
    if len(values) > 1:
        return Cell(values, possible.over_seeds(values))
    if found.interval is None:
        return Cell(values, None)
    below, above = found.interval.low - found.mean, found.interval.high - found.mean
    if centre is not None and found.mean < centre:
        below, above = -above, -below
    ends = (values[0] + side.times * below, values[0] + side.times * above)
    return Cell(values, possible.cut(Interval(*ends, found.interval.kind)))

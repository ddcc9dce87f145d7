"""Pieces of work timed against each other: paired, interleaved, several rounds.

Other work on a machine slows whatever runs beside it. So all sides of a comparison take turns
within a round, each round starts with another side, ratios are taken within a round, and the
median over rounds is what counts. Absolute times of two runs are not compared.

    seconds = paired({"literal": literal_step, "ours": our_step}, rounds=7)
    summaries(seconds, base="literal", units=96)["ours"].ratio  # times as fast as the literal step
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Clock = Callable[[], float]
LEAST = 0.2
"""Seconds that a measurement lasts at least."""


def paired(
    work: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    warm_up: int = 2,
    least: float = LEAST,
    clock: Clock = time.perf_counter,
) -> dict[str, list[float]]:
    """Return the seconds of one call of each piece of work, by name, one number per round.

    Args:
        work: callables by name; round r begins with the r-th of them.
        rounds: how often all of them are measured.
        warm_up: calls of each before the first round; the last one says how long a call takes.
        least: seconds that a measurement lasts at least: short calls are repeated within it.
        clock: `time.process_time` counts the processor's seconds instead of those of the wall.

    Raises:
        ValueError: no round, or nothing to measure.
    """
    if rounds < 1 or not work:
        raise ValueError(f"expected a round and work, found {rounds} rounds of {list(work)}")
    calls = {}
    for name, call in work.items():
        for _ in range(warm_up):
            once = _seconds(call, 1, clock)
        calls[name] = max(1, math.ceil(least / once)) if warm_up and once > 0 else 1
    names, seconds = list(work), {name: [] for name in work}
    for index in range(rounds):
        first = index % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(_seconds(work[name], calls[name], clock) / calls[name])
    return seconds


def _seconds(call: Callable[[], object], times: int, clock: Clock) -> float:
    start = clock()
    for _ in range(times):
        call()
    return clock() - start


@dataclass(frozen=True)
class Spread:
    """Median and quartiles over rounds."""

    median: float
    q1: float
    q3: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise one value per round."""
        q1, median, q3 = np.quantile(np.asarray(values, dtype=float), (0.25, 0.5, 0.75))
        return cls(float(median), float(q1), float(q3))

    def row(self, name: str) -> dict[str, float]:
        """Return the columns `name`, `name_q1` and `name_q3`."""
        return {name: self.median, f"{name}_q1": self.q1, f"{name}_q3": self.q3}


@dataclass(frozen=True)
class Summary:
    """What the rounds say of one side.

    Attributes:
        each: seconds of one call, round by round.
        seconds: their spread.
        rate: units of work (images, pairs) per second.
        ratio: rate over that of the base, taken in each round.
        base: name of the side that `ratio` compares with.
    """

    each: Sequence[float]
    seconds: Spread
    rate: Spread
    ratio: Spread
    base: str

    def row(self) -> dict[str, Any]:
        """Return the columns of a CSV: `seconds`, `seconds_q1`, `seconds_q3`, `rate`, ...

        `seconds_each` joins the rounds by semicolons: any other ratio can be taken from the file.
        """
        row: dict[str, Any] = {"rounds": len(self.each)}
        row |= self.seconds.row("seconds") | self.rate.row("rate") | self.ratio.row("ratio")
        each = ";".join(f"{seconds:.6g}" for seconds in self.each)
        return row | {"base": self.base, "seconds_each": each}


def summaries(
    seconds: Mapping[str, Sequence[float]], base: str, units: float | Mapping[str, float] = 1.0
) -> dict[str, Summary]:
    """Summarise :func:`paired`'s seconds by name.

    Args:
        seconds: one number per round, equally many for all sides.
        base: the side that the others are compared with.
        units: work of one call, of all sides or by name: sides may do different amounts per call.
    """
    per_call = units if isinstance(units, Mapping) else dict.fromkeys(seconds, units)
    rates = {name: per_call[name] / np.asarray(values) for name, values in seconds.items()}
    return {
        name: Summary(
            each=tuple(seconds[name]),
            seconds=Spread.of(seconds[name]),
            rate=Spread.of(rates[name]),
            ratio=Spread.of(rates[name] / rates[base]),
            base=base,
        )
        for name in seconds
    }


def print_summaries(title: str, found: Mapping[str, Summary], unit: str) -> None:
    """Print one line per side: rate and ratio, each with its quartiles."""
    wide = max(map(len, found))
    print(
        f"\n{title}\n  {'':{wide}} {unit + '/s':>12} {'(quartiles)':>18} {'ratio':>7} (quartiles)"
    )
    for name, side in found.items():
        rate, ratio = side.rate, side.ratio
        quartiles = f"({rate.q1:,.1f} - {rate.q3:,.1f})"
        print(
            f"  {name:{wide}} {rate.median:12,.1f} {quartiles:>18} {ratio.median:7.2f} "
            f"({ratio.q1:.2f} - {ratio.q3:.2f}) x {side.base}",
            flush=True,
        )

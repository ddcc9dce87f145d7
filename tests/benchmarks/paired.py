"""Pieces of work timed against each other: paired, interleaved, several rounds.

Other work on a machine slows whatever runs beside it. So all sides of a comparison take turns
within a round, each round starts with another side, ratios are taken within a round, and the
median over rounds is what counts. Absolute times of two runs are not compared.

    seconds = paired({"literal": literal_step, "ours": our_step}, rounds=7)
    summaries(seconds, base="literal", units=96)["ours"].ratio  # times as fast as the literal step
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlvae.artefact import atomic

FOLDER = Path("reports/stored/benchmarks")
Clock = Callable[[], float]


def paired(
    work: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    warm_up: int = 2,
    least: float = 0.2,
    clock: Clock = time.perf_counter,
) -> dict[str, list[float]]:
    """Return the seconds of one call of each piece of work, by name, one number per round.

    Args:
        work: callables by name; round r begins with the r-th of them.
        rounds: how often all of them are measured.
        warm_up: calls of each before the first round; the last one says how long a call takes.
        least: seconds that a measurement lasts at least: short calls are repeated within it.
        clock: `time.process_time` counts the processor's seconds instead of those of the wall.
    """
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


@dataclass(frozen=True)
class Summary:
    """What the rounds say of one side.

    Attributes:
        rounds: number of rounds.
        seconds: of one call.
        rate: units of work (images, pairs) per second.
        ratio: rate over that of the base, taken in each round.
        base: name of the side that `ratio` compares with.
    """

    rounds: int
    seconds: Spread
    rate: Spread
    ratio: Spread
    base: str

    def row(self) -> dict[str, Any]:
        """Return the columns of a CSV: `seconds`, `seconds_q1`, `seconds_q3`, `rate`, ..."""
        row: dict[str, Any] = {"rounds": self.rounds}
        for key in ("seconds", "rate", "ratio"):
            spread: Spread = getattr(self, key)
            row |= {key: spread.median, f"{key}_q1": spread.q1, f"{key}_q3": spread.q3}
        return row | {"base": self.base}


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
            rounds=len(seconds[name]),
            seconds=Spread.of(seconds[name]),
            rate=Spread.of(rates[name]),
            ratio=Spread.of(rates[name] / rates[base]),
            base=base,
        )
        for name in seconds
    }


def print_summaries(title: str, found: Mapping[str, Summary], unit: str) -> None:
    """Print one line per side: rate and ratio, each with its quartiles."""
    print(f"\n{title}\n  {'':28} {unit + '/s':>12} {'(quartiles)':>18} {'ratio':>7} (quartiles)")
    for name, side in found.items():
        rate, ratio = side.rate, side.ratio
        quartiles = f"({rate.q1:,.1f} - {rate.q3:,.1f})"
        print(
            f"  {name:28} {rate.median:12,.1f} {quartiles:>18} {ratio.median:7.2f} "
            f"({ratio.q1:.2f} - {ratio.q3:.2f}) x {side.base}",
            flush=True,
        )


def write_csv(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, all with the columns of the first; ValueError where they differ.

    Floats keep six significant digits, more than a timing means.
    """
    if not rows or any(list(row) != list(rows[0]) for row in rows):
        raise ValueError(f"expected rows of the same columns, found {[list(row) for row in rows]}")
    with atomic(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow(f"{v:.6g}" if isinstance(v, float) else v for v in row.values())


def benchmark_parser(name: str, doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with ``--rounds``, ``--threads`` and ``--out`` of the benchmark `name`."""
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.benchmarks.{name}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each side")
    parser.add_argument("--threads", type=int, help="threads of torch, for every case alike")
    parser.add_argument("--out", type=Path, default=FOLDER / f"{name}.csv", help="CSV to write")
    return parser

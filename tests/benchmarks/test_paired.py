"""The arithmetic behind every benchmark, on a clock that the test moves."""

import csv

import numpy as np
import pytest

from tests.benchmarks.machine import use_machine
from tests.benchmarks.paired import Spread, benchmark_parser, paired, summaries, write_csv
from tests.benchmarks.peak import gemm_peak


class Made:
    """A clock and pieces of work that move it by a number of seconds, which may change by call."""

    def __init__(self) -> None:
        self.now = 0.0
        self.called: list[str] = []

    def clock(self) -> float:
        return self.now

    def work(self, name: str, *durations: float):
        left = list(durations)

        def call() -> None:
            self.called.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


def test_rounds_are_interleaved_and_each_begins_with_another() -> None:
    made = Made()
    work = {name: made.work(name, 1.0) for name in "abc"}
    paired(work, rounds=4, warm_up=1, least=0.0, clock=made.clock)
    assert "".join(made.called) == "abc" + "abc" + "bca" + "cab" + "abc"


def test_seconds_are_those_of_one_call_after_the_warm_up() -> None:
    made = Made()
    work = {"cold": made.work("cold", 9.0, 0.25), "long": made.work("long", 3.0)}
    seconds = paired(work, rounds=2, warm_up=2, least=1.0, clock=made.clock)
    assert seconds == {"cold": [0.25, 0.25], "long": [3.0, 3.0]}
    # Four calls of the short one fill the second that a measurement has to last.
    assert made.called.count("cold") == 2 + 2 * 4 and made.called.count("long") == 2 + 2


def test_the_ratio_is_taken_within_a_round() -> None:
    # The machine is ten times slower in the second round: the ratio of medians would be 1.1.
    seconds = {"base": [2.0, 20.0, 4.0], "fast": [1.0, 10.0, 2.0], "slow": [4.0, 40.0, 8.0]}
    found = summaries(seconds, base="base")
    assert found["fast"].ratio == Spread(2.0, 2.0, 2.0)
    assert found["slow"].ratio == Spread(0.5, 0.5, 0.5)
    assert found["base"].seconds.median == 4.0


def test_units_turn_seconds_into_rates_side_by_side() -> None:
    found = summaries(
        {"all pairs": [2.0, 2.0], "a batch": [1.0, 2.0]},
        base="a batch",
        units={"all pairs": 100, "a batch": 10},
    )
    assert found["all pairs"].rate == Spread(50.0, 50.0, 50.0)
    assert found["a batch"].rate.median == 7.5
    assert found["all pairs"].ratio.median == np.median([5.0, 10.0])
    assert found["all pairs"].rounds == 2 and found["all pairs"].base == "a batch"


def test_quartiles_are_numpys() -> None:
    values = [5.0, 1.0, 9.0, 2.0, 7.0, 4.0]
    assert Spread.of(values) == Spread(*(float(np.quantile(values, q)) for q in (0.5, 0.25, 0.75)))


def test_a_csv_has_the_columns_of_side_and_machine(tmp_path) -> None:
    columns = use_machine(1, "fp32", peak_side=64)
    found = summaries({"a": [1.0, 1.0], "b": [3.0, 3.0]}, base="a", units=96)
    rows = [{"name": name, **side.row(), **columns} for name, side in found.items()]
    write_csv(tmp_path / "new" / "speed.csv", rows)
    with open(tmp_path / "new" / "speed.csv", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [row["name"] for row in read] == ["a", "b"]
    assert read[1]["rate"] == "32" and read[1]["ratio"] == "0.333333" and read[1]["base"] == "a"
    spreads = [f"{key}{end}" for key in ("seconds", "rate", "ratio") for end in ("", "_q1", "_q3")]
    where = ["precision", "threads", "processor", "instructions", "torch"]
    where += ["peak_fp32", "peak_bf16", "commit"]
    assert list(read[0]) == ["name", "rounds", *spreads, "base", *where]
    assert read[0]["threads"] == "1" and float(read[0]["peak_bf16"]) > 0 and read[0]["processor"]


def test_rows_of_other_columns_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="same columns"):
        write_csv(tmp_path / "speed.csv", [{"a": 1}, {"b": 1}])
    assert not list(tmp_path.iterdir())


def test_the_command_line_names_rounds_threads_and_file() -> None:
    args = benchmark_parser("made_up", "What it measures.").parse_args(["--rounds", "3"])
    assert (args.rounds, args.threads) == (3, None)
    assert args.out.as_posix() == "reports/stored/benchmarks/made_up.csv"


def test_the_peak_is_of_a_product_of_that_size() -> None:
    # A machine between a pocket calculator and a data centre.
    assert 0.001 < gemm_peak("fp32", side=64, repeats=2) < 1e6

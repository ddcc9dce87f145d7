"""The arithmetic behind every benchmark, on a clock that the test moves."""

import numpy as np
import pytest

from tests.benchmarks.measuring.paired import Spread, paired, summaries


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
    assert found["all pairs"].each == (2.0, 2.0) and found["all pairs"].base == "a batch"


def test_quartiles_are_numpys() -> None:
    values = [5.0, 1.0, 9.0, 2.0, 7.0, 4.0]
    assert Spread.of(values) == Spread(*(float(np.quantile(values, q)) for q in (0.5, 0.25, 0.75)))


def test_no_rounds_are_an_error_in_words() -> None:
    with pytest.raises(ValueError, match="expected a round"):
        paired({"a": lambda: None}, rounds=0)

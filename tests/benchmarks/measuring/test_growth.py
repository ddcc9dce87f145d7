"""Exponents of made-up curves."""

import math

import numpy as np
import pytest

from tests.benchmarks.measuring.growth import Growth, power_law

SIZES = np.array([10, 30, 100, 530, 2000])


def test_a_power_law_is_found_again() -> None:
    growth = Growth.of(SIZES, 3.0 * SIZES**1.5)
    assert growth.overall.exponent == pytest.approx(1.5)
    assert growth.upper.exponent == pytest.approx(1.5) and growth.upper_from == 100
    fit = power_law(SIZES, 3.0 * SIZES**1.5 * np.array([1.1, 0.9, 1.1, 0.9, 1.0]))
    assert 0 < fit.error < 0.1 and abs(fit.exponent - 1.5) < 3 * fit.error


def test_a_fixed_cost_flattens_all_sizes_more_than_the_upper_ones() -> None:
    growth = Growth.of(SIZES, 100.0 + SIZES)  # the upper range tends to 1
    assert growth.overall.exponent < 0.7 < growth.upper.exponent < 1
    assert growth.overall.error > 0


def test_two_sizes_give_an_exponent_without_an_error() -> None:
    fit = power_law([10, 1000], [1.0, 100.0])
    assert fit.exponent == pytest.approx(1.0) and math.isnan(fit.error)


def test_columns_and_words_name_the_range() -> None:
    growth = Growth.of(SIZES, SIZES**2.0)
    assert list(growth.row()) == list(Growth.COLUMNS) and growth.row()["upper_from"] == 100
    assert "exponent 2.00" in str(growth) and "from 100 on 2.00" in str(growth)

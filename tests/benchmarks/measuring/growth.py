"""How cost grows with size: exponents with standard errors.

No curve here is one power law: a fixed cost of every call comes first and flattens the lower end.
So beside the exponent over all sizes stands that of the upper range, the last three of them, which
says where the curve is going.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import stats

LAST = 3
"""Sizes of the upper range."""


@dataclass(frozen=True)
class Fit:
    """Exponent of a power law and its standard error, NaN where two sizes leave none."""

    exponent: float
    error: float


def power_law(sizes: Sequence[float], seconds: Sequence[float]) -> Fit:
    """Fit seconds = a size^b by least squares on logarithms; return b."""
    line = stats.linregress(np.log(sizes), np.log(seconds))
    return Fit(float(line.slope), float(line.stderr) if len(sizes) > 2 else float("nan"))


@dataclass(frozen=True)
class Growth:
    """Exponents of one curve: over all sizes, and over the upper ones, from `upper_from` on."""

    overall: Fit
    upper: Fit
    upper_from: float

    COLUMNS: ClassVar = (
        "exponent",
        "exponent_error",
        "upper_from",
        "upper_exponent",
        "upper_exponent_error",
    )

    @classmethod
    def of(cls, sizes: Sequence[float], seconds: Sequence[float]) -> Growth:
        """Fit both ranges; sizes ascend."""
        upper = power_law(sizes[-LAST:], seconds[-LAST:])
        return cls(power_law(sizes, seconds), upper, sizes[-LAST:][0])

    def row(self) -> dict[str, Any]:
        """Return the columns of a CSV."""
        one, upper = self.overall, self.upper
        values = one.exponent, one.error, self.upper_from, upper.exponent, upper.error
        return dict(zip(self.COLUMNS, values, strict=True))

    def __str__(self) -> str:
        return (
            f"exponent {self.overall.exponent:.2f} (standard error {self.overall.error:.2f}); "
            f"from {self.upper_from:g} on {self.upper.exponent:.2f} ({self.upper.error:.2f})"
        )

"""What to know before believing an Inception Score: do judges agree, is it still moving?"""

from __future__ import annotations

from functools import cache

import pandas as pd

from eval.protocol import Protocol
from reports.claims.rules import AGREEMENT, HALF, INCEPTION, REAL, load_rules
from reports.tables.cells import cell

MARK_METRICS = (INCEPTION, AGREEMENT, HALF)
"""Metrics whose rows :func:`marked` reads."""


def marked(text: str, rows: pd.DataFrame, dataset: str, model: str, protocol: Protocol) -> str:
    """Return a printed Inception Score with what must be said of it; of real images nothing.

    Args:
        rows: score rows with `MARK_METRICS`; without that of half of the updates it is not known
            whether a model is still learning, and that is said.
    """
    if model == REAL:
        return text
    asked = ((model, AGREEMENT), (model, INCEPTION), (model, HALF), (REAL, INCEPTION))
    cells = [cell(rows, dataset, name, metric) for name, metric in asked]
    agreement, now, half, ceiling = (None if found.reason else found.mean for found in cells)
    found = []
    if agreement is not None and agreement < protocol.judges.agreement:
        found.append("judges disagree")
    if None in (now, half, ceiling):
        found += ["unknown if still learning"] if now is not None else []
    elif abs(now - half) > still_learning() * ceiling:
        found.append("still learning")
    return f"{text} ({'; '.join(found)})" if found else text


def marks_values(protocol: Protocol) -> dict[str, float]:
    """Return the numbers behind the marks, by which a caption explains them."""
    return {"agreement": protocol.judges.agreement, "still_learning": still_learning()}


@cache
def still_learning() -> float:
    """Share of the ceiling by which half of the updates may have moved a score, of claims.yaml."""
    return load_rules().preconditions.still_learning

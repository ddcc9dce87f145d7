"""What to know before believing an Inception Score: do judges agree, is it still moving?"""

from __future__ import annotations

from functools import cache

import pandas as pd

from eval.protocol import Protocol
from eval.rows import PLAIN
from reports.claims.rules import AGREEMENT, HALF, INCEPTION, REAL, load_rules
from reports.tables.cells import cell

AGREEMENT_OF = {INCEPTION: AGREEMENT, f"{INCEPTION}:{PLAIN}": f"{AGREEMENT}:{PLAIN}"}
"""By an Inception Score, how far the judges that take it agree."""
MARK_METRICS = (INCEPTION, HALF, *AGREEMENT_OF.values())
"""Metrics whose rows :func:`marks` reads."""


def marks(
    rows: pd.DataFrame,
    dataset: str,
    model: str,
    metric: str,
    protocol: Protocol,
    learning: bool = True,
) -> str:
    """Return what must be said of a score, to stand after it: of most scores an empty text.

    Args:
        rows: score rows with `MARK_METRICS`; without that of half of the updates it is not known
            whether a model is still learning, and that is said.
        metric: only an Inception Score, of `AGREEMENT_OF`, has marks, and not of real images.
        learning: whether the robust judges' says which models are still learning.
    """
    if model == REAL or metric not in AGREEMENT_OF:
        return ""
    unsure = judges_disagree(rows, dataset, model, protocol, metric)
    found = ["judges disagree"] if unsure else []
    if learning and metric == INCEPTION:
        found += _learning(rows, dataset, model)
    return f" ({'; '.join(found)})" if found else ""


def judges_disagree(
    rows: pd.DataFrame, dataset: str, model: str, protocol: Protocol, metric: str = INCEPTION
) -> bool:
    """Return whether the judges behind an Inception Score are known to disagree on the images."""
    found = cell(rows, dataset, model, AGREEMENT_OF[metric])
    return not found.reason and found.mean < protocol.judges.agreement


def _learning(rows: pd.DataFrame, dataset: str, model: str) -> list[str]:
    asked = ((model, INCEPTION), (model, HALF), (REAL, INCEPTION))
    cells = [cell(rows, dataset, name, metric) for name, metric in asked]
    now, half, ceiling = (None if found.reason else found.mean for found in cells)
    if None in (now, half, ceiling):
        return ["unknown if still learning"] if now is not None else []
    return ["still learning"] if abs(now - half) > still_learning() * ceiling else []


def marks_values(protocol: Protocol) -> dict[str, float]:
    """Return the numbers behind the marks, by which a caption explains them."""
    return {"agreement": protocol.judges.agreement, "still_learning": still_learning()}


@cache
def still_learning() -> float:
    """Share of the ceiling by which half of the updates may have moved a score, of claims.yaml."""
    return load_rules().preconditions.still_learning

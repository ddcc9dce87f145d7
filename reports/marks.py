"""What to know before believing an Inception Score: do judges agree, is it still moving?"""

from __future__ import annotations

from functools import cache

import pandas as pd

from eval.protocol import Protocol
from reports.claims.claim_metrics import AGREEMENT, HALF, INCEPTION, REAL
from reports.claims.rules import load_rules
from reports.tables.aggregate import Cell, cell

MARK_METRICS = (INCEPTION, AGREEMENT, HALF)
"""Metrics whose rows :func:`marks` reads."""

DISAGREE, LEARNING, UNKNOWN = "judges disagree", "still learning", "unknown if still learning"
NOTE = (
    "'Judges disagree': two members of the robust ensemble see the same class in fewer than "
    "{agreement:.0%} of the images, so that the score is one of the judge. 'Still learning': the "
    "IS has moved by more than {share:.0%} of that of real images since half of the updates."
)


def marks(rows: pd.DataFrame, dataset: str, model: str, protocol: Protocol) -> list[str]:
    """Return what must be said of the Inception Score of a model; nothing of real images.

    Args:
        rows: score rows with `MARK_METRICS`; without that of half of the updates it is not known
            whether a model is still learning, and that is said.
    """
    if model == REAL:
        return []
    agreement, now, half, ceiling = (
        _mean(cell(rows, dataset, name, metric))
        for name, metric in (
            (model, AGREEMENT),
            (model, INCEPTION),
            (model, HALF),
            (REAL, INCEPTION),
        )
    )
    found = []
    if agreement is not None and agreement < protocol.judges.agreement:
        found.append(DISAGREE)
    if None in (now, half, ceiling):
        found += [UNKNOWN] if now is not None else []
    elif abs(now - half) > still_learning() * ceiling:
        found.append(LEARNING)
    return found


def note(protocol: Protocol) -> str:
    """Explain the marks."""
    return NOTE.format(agreement=protocol.judges.agreement, share=still_learning())


def marked(text: str, found: list[str]) -> str:
    """Return a printed score with its marks."""
    return f"{text} ({'; '.join(found)})" if found else text


@cache
def still_learning() -> float:
    """Share of the ceiling by which half of the updates may have moved a score, of claims.yaml."""
    return load_rules().preconditions.still_learning


def _mean(found: Cell | None) -> float | None:
    return None if found is None or found.reason else found.mean

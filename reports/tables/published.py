"""The paper's numbers, for the columns beside ours."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from reports.names import PUBLISHED_DATASETS

PATH = Path(__file__).resolve().parents[1] / "published.csv"


@cache
def published() -> pd.DataFrame:
    """Return ``published.csv``: table, metric, model, data, value, source (table of the paper)."""
    return pd.read_csv(PATH)


def published_rows(table: str, dataset: str) -> pd.DataFrame:
    """Return the paper's rows of ``table`` that may stand beside ``dataset``; possibly none."""
    frame = published()
    data = PUBLISHED_DATASETS.get(dataset)
    return frame[(frame["table"] == table) & (frame["data"] == data)]

"""Captions of the tables: everything needed to read a number, and no verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from reports.names import PUBLISHED_DATASETS, dataset_title, model_title


def caption(
    opening: Sequence[str],
    rows: pd.DataFrame,
    datasets: Sequence[str],
    models: Sequence[str],
    cards: Mapping[str, Mapping],
    paper_note: str,
) -> str:
    """Return the caption of a table.

    Args:
        opening: sentences on what the table shows and how to read its columns.
        rows: score rows of this table.
        datasets, models: in printed order; a model without rows on a data set is named.
        cards: evaluator card of each data set that has one.
        paper_note: how the paper's numbers came about.
    """
    parts = [*opening, *(_dataset_sentence(name, rows, cards.get(name)) for name in datasets)]
    parts.append(_seeds(rows))
    parts.append(f"Protocol {_only(rows['protocol'])}; preset {_only(rows['preset'])}.")
    compared = sorted({PUBLISHED_DATASETS[d] for d in datasets if d in PUBLISHED_DATASETS})
    if compared:
        parts.append(
            f"'Paper' is Zheng and Sun (CVPR 2019) on {' and '.join(compared)}, {paper_note}; it "
            "is printed for reference and not measured here."
        )
    missing = [
        f"{model_title(model)} on {dataset_title(dataset)}"
        for dataset in datasets
        for model in models
        if rows[(rows["dataset"] == dataset) & (rows["model"] == model)].empty
    ]
    if missing:
        parts.append(f"Not scored in this run: {', '.join(missing)}.")
    return " ".join(parts)


def _dataset_sentence(dataset: str, rows: pd.DataFrame, card: Mapping | None) -> str:
    here = rows[rows["dataset"] == dataset]
    if here.empty:
        return f"{dataset_title(dataset).capitalize()}: no scores."
    classes = int(here["classes"].iloc[0])
    generated, real = (here[here["model"].eq("real") == flag] for flag in (False, True))
    text = f"{_capital(dataset_title(dataset))}: {classes} classes"
    if not generated.empty:
        counts = [f"{n // classes} images per class, n = {n}" for n in _counts(generated)]
        text += f", {' or '.join(counts)} generated images per model and seed"
    if not real.empty:
        text += f", n = {_listed(_counts(real))} real images"
    return f"{text}; {_evaluator_text(card)}."


def _evaluator_text(card: Mapping | None) -> str:
    if card is None:
        return "no evaluator card"
    return (
        f"evaluator {card['weights_sha256'][:12]}, held-out accuracy {card['accuracy']:.3f}, "
        f"IS of real held-out images {card['inception_score']['test']:.2f}"
    )


def _seeds(rows: pd.DataFrame) -> str:
    seeds = _listed(sorted(int(seed) for seed in rows[rows["model"] != "real"]["seed"].unique()))
    kinds = sorted(set(rows["ci_kind"].fillna("none").astype(str)) - {"none"})
    intervals = f"Interval: {', '.join(kinds)}." if kinds else "No interval was computed."
    if "," in seeds:
        return (
            f"Mean ± sample standard deviation over the seeds {seeds}, which is a spread and not "
            f"an interval. {intervals}"
        )
    return f"Seed {seeds or 'none'}. {intervals}"


def _counts(rows: pd.DataFrame) -> list[int]:
    return sorted({int(n) for n in rows["n"]})


def _listed(values: Sequence) -> str:
    return ", ".join(str(value) for value in values)


def _only(values: pd.Series) -> str:
    return _listed(sorted(set(values.astype(str))))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

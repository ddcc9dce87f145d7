"""Captions of the tables: everything needed to read a number, and no verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from eval.intervals import MIN_VALUES
from reports.aggregate import Column, cell
from reports.names import MODEL_NOTES, PUBLISHED_DATASETS, dataset_title, model_title


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
        paper_note: how the paper's numbers came about; empty if it has none.
    """
    parts = [*opening, *(_dataset_sentence(name, rows, cards.get(name)) for name in datasets)]
    if "cvae_gan_bao" in models:
        parts += [f"{MODEL_NOTES[name]}." for name in MODEL_NOTES if name in models]
    parts.append(seeds_text(rows))
    parts.append(f"Protocol {only(rows['protocol'])}; preset {only(rows['preset'])}.")
    compared = sorted({PUBLISHED_DATASETS[d] for d in datasets if d in PUBLISHED_DATASETS})
    if compared and paper_note:
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


def by_seed(
    rows: pd.DataFrame, datasets: Sequence[str], models: Sequence[str], column: Column
) -> str:
    """Return a sentence with the values of every seed; empty with one seed."""
    parts = []
    for dataset in datasets:
        cells = {name: cell(rows, dataset, name, column.metric) for name in models}
        values = [
            f"{model_title(name)} {', '.join(f'{v:.{column.digits}f}' for v in found.values)}"
            for name, found in cells.items()
            if found is not None and len(found.values) > 1
        ]
        if values:
            parts.append(f"{dataset_title(dataset)}: {'; '.join(values)}")
    return f" {column.title} by seed. {capital('. '.join(parts))}." if parts else ""


def _dataset_sentence(dataset: str, rows: pd.DataFrame, card: Mapping | None) -> str:
    here = rows[rows["dataset"] == dataset]
    if here.empty:
        return f"{dataset_title(dataset).capitalize()}: no scores."
    classes = int(here["classes"].iloc[0])
    generated, real = (here[here["model"].eq("real") == flag] for flag in (False, True))
    text = f"{capital(dataset_title(dataset))}: {classes} classes"
    if not generated.empty:
        counts = [f"{n // classes} images per class, n = {n}" for n in _counts(generated)]
        text += f", {' or '.join(counts)} generated images per model and seed"
    if not real.empty:
        text += f", n = {_listed(_counts(real))} real images"
    return f"{text}; {evaluator_text(card)}."


def evaluator_text(card: Mapping | None) -> str:
    """Say which evaluator judged, and how good it is on held-out images."""
    if card is None:
        return "no evaluator card"
    return (
        f"evaluator {card['weights_sha256'][:12]}, held-out accuracy {card['accuracy']:.3f}, "
        f"IS of real held-out images {card['inception_score']['test']:.2f}"
    )


INTERVALS = {
    "jackknife95_images": "over images of the one model (delete-a-group jackknife)",
    "wilson95": "over images of the one model (Wilson)",
    "bootstrap95_classes": "over classes of the one model (bootstrap-t)",
    "t95_images": "over images of the one model (t)",
    "t95_subsets": "over disjoint subsets of the images of the one model (t)",
    "t95_seeds": "over training seeds (t)",
    "t95_paths": "over paths of the one model, a mean over the images of each (t)",
}


def seeds_text(rows: pd.DataFrame) -> str:
    """Say which seeds there are and what the intervals are over."""
    seeds = sorted(int(seed) for seed in rows[rows["model"] != "real"]["seed"].unique())
    kinds = set(rows["ci_kind"].astype(str)) - {"none"}
    within = [text for kind, text in INTERVALS.items() if kind in kinds]
    images = f"In brackets: 95 % intervals {'; '.join(within)}." if within else ""
    if len(seeds) < 2:
        note = "One seed: how far another training would differ is not known."
        return f"Seed {_listed(seeds) or 'none'}. {images or 'No interval was computed.'} {note}"
    if len(seeds) < MIN_VALUES:
        return f"Mean over the seeds {_listed(seeds)}; two are too few for an interval over seeds."
    real = f" Real images: {images[0].lower() + images[1:]}" if images else ""
    return f"Mean over the seeds {_listed(seeds)}, in brackets the 95 % t interval over them.{real}"


def _counts(rows: pd.DataFrame) -> list[int]:
    return sorted({int(n) for n in rows["n"]})


def _listed(values: Sequence) -> str:
    return ", ".join(str(value) for value in values)


def only(values: pd.Series) -> str:
    """Return the values of a column that has one, or all of them."""
    return _listed(sorted(set(values.astype(str))))


def capital(text: str) -> str:
    """Return a text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
